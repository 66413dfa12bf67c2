package org.backupmx.mail;

/** The BODY parameter of MAIL (RFC 6152, RFC 3030). */
public enum BodyType {
    /** {@code 7BIT}: lines of ASCII; also when the client gave no BODY. */
    SEVEN_BIT("7BIT"),
    /** {@code 8BITMIME}: lines of octets. */
    EIGHT_BIT_MIME("8BITMIME"),
    /** {@code BINARYMIME}: octets without lines. */
    BINARY_MIME("BINARYMIME");

    private final String keyword;

    BodyType(String keyword) {
        this.keyword = keyword;
    }

    /**
     * Returns the keyword on the wire.
     *
     * @return the value of {@code BODY=}
     */
    public String keyword() {
        return keyword;
    }
}
