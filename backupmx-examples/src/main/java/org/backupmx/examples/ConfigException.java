package org.backupmx.examples;

/** A fault in a configuration file, told on one line: file, line, key, value, what was expected. */
final class ConfigException extends Exception {

    private static final long serialVersionUID = 1L;

    ConfigException(String message) {
        super(message);
    }
}
