package org.backupmx.examples;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backupmx.mail.MailDomain;
import org.backupmx.relay.OwnIdentity;
import org.backupmx.smtp.SmtpListener;
import org.jspecify.annotations.Nullable;

/** By what the reference server knows itself and its peers among mail exchangers. */
final class ServerIdentity {

    private static final String NAME = "a host name";
    private static final String ADDRESS = "an IP address, for example 203.0.113.7 or 2001:db8::7";

    private ServerIdentity() {}

    /** Reads {@code own-names}, {@code own-addresses} and {@code peers}. */
    static OwnIdentity of(Map<String, ConfigNode> root, List<SmtpListener> listeners) throws ConfigException {
        Set<String> names = new LinkedHashSet<>();
        Set<InetAddress> addresses = new LinkedHashSet<>();
        for (ConfigNode item : items(root.get("own-names"))) {
            names.add(item.value(NAME, ServerIdentity::name));
        }
        for (ConfigNode item : items(root.get("own-addresses"))) {
            addresses.add(item.value(ADDRESS, ServerIdentity::address));
        }
        for (ConfigNode item : items(root.get("peers"))) {
            Object peer = item.value(NAME + ", or " + ADDRESS, ServerIdentity::nameOrAddress);
            if (peer instanceof InetAddress address) {
                addresses.add(address);
            } else {
                names.add((String) peer);
            }
        }
        return OwnIdentity.named(names.toArray(new String[0]))
                .withAddresses(addresses)
                .withListeners(listeners.stream().map(SmtpListener::address).toList());
    }

    private static List<ConfigNode> items(@Nullable ConfigNode node) throws ConfigException {
        if (node == null) {
            return List.of();
        }
        return node.isList() ? node.list() : List.of(node);
    }

    private static Object nameOrAddress(String text) {
        return isAddress(text) ? address(text) : name(text);
    }

    private static String name(String text) {
        MailDomain domain = MailDomain.of(text);
        if (domain.isAddressLiteral() || isAddress(text)) {
            throw new IllegalArgumentException(text);
        }
        return domain.toString();
    }

    private static boolean isAddress(String text) {
        return text.matches("\\d{1,3}(\\.\\d{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");
    }

    private static InetAddress address(String text) {
        if (!isAddress(text)) {
            throw new IllegalArgumentException(text);
        }
        try {
            return InetAddress.getByName(text); // numbers only: never looked up
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(text, e);
        }
    }
}
