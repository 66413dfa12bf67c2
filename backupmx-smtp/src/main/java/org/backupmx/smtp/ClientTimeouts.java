package org.backupmx.smtp;

import static java.util.Objects.requireNonNull;

import java.time.Duration;

/**
 * How long a {@link SmtpClient} waits for a next hop (RFC 5321 section 4.5.3.2). A wait that ends makes a transient
 * failure of whatever was not yet decided. Every value is between 1 ms and 1 day. Immutable and thread-safe.
 */
public final class ClientTimeouts {

    private static final ClientTimeouts RFC_5321 = new ClientTimeouts(
            Duration.ofSeconds(30),
            Duration.ofMinutes(5),
            Duration.ofMinutes(5),
            Duration.ofMinutes(5),
            Duration.ofMinutes(2),
            Duration.ofMinutes(3),
            Duration.ofMinutes(10),
            Duration.ofHours(2));

    private final Duration connect;
    private final Duration greeting;
    private final Duration mail;
    private final Duration rcpt;
    private final Duration data;
    private final Duration block;
    private final Duration endOfData;
    private final Duration attempt;

    private ClientTimeouts(
            Duration connect,
            Duration greeting,
            Duration mail,
            Duration rcpt,
            Duration data,
            Duration block,
            Duration endOfData,
            Duration attempt) {
        this.connect = connect;
        this.greeting = greeting;
        this.mail = mail;
        this.rcpt = rcpt;
        this.data = data;
        this.block = block;
        this.endOfData = endOfData;
        this.attempt = attempt;
    }

    /**
     * Returns the defaults: the minima that RFC 5321 section 4.5.3.2 asks for, 30 s to connect and 2 h for an attempt.
     *
     * @return the defaults
     */
    public static ClientTimeouts rfc5321() {
        return RFC_5321;
    }

    private static Duration check(Duration value, String name) {
        requireNonNull(value, name);
        if (value.compareTo(Duration.ofMillis(1)) < 0 || value.compareTo(Duration.ofDays(1)) > 0) {
            throw new IllegalArgumentException(name + ": " + value + " (expected: 1 ms to 1 day)");
        }
        return value;
    }

    /**
     * Returns these timeouts with another wait for a connection.
     *
     * @param value the wait; 30 s unless set
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public ClientTimeouts withConnect(Duration value) {
        return new ClientTimeouts(check(value, "connect"), greeting, mail, rcpt, data, block, endOfData, attempt);
    }

    /**
     * Returns these timeouts with another wait for the banner, and for the reply to EHLO, HELO and STARTTLS each.
     *
     * @param value the wait; 5 min unless set
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public ClientTimeouts withGreeting(Duration value) {
        return new ClientTimeouts(connect, check(value, "greeting"), mail, rcpt, data, block, endOfData, attempt);
    }

    /**
     * Returns these timeouts with another wait for the reply to MAIL, and to RSET.
     *
     * @param value the wait; 5 min unless set
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public ClientTimeouts withMail(Duration value) {
        return new ClientTimeouts(connect, greeting, check(value, "mail"), rcpt, data, block, endOfData, attempt);
    }

    /**
     * Returns these timeouts with another wait for the reply to each RCPT.
     *
     * @param value the wait; 5 min unless set
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public ClientTimeouts withRcpt(Duration value) {
        return new ClientTimeouts(connect, greeting, mail, check(value, "rcpt"), data, block, endOfData, attempt);
    }

    /**
     * Returns these timeouts with another wait for the reply to DATA.
     *
     * @param value the wait; 2 min unless set
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public ClientTimeouts withData(Duration value) {
        return new ClientTimeouts(connect, greeting, mail, rcpt, check(value, "data"), block, endOfData, attempt);
    }

    /**
     * Returns these timeouts with another wait for each block of mail data to go out.
     *
     * @param value the wait; 3 min unless set
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public ClientTimeouts withBlock(Duration value) {
        return new ClientTimeouts(connect, greeting, mail, rcpt, data, check(value, "block"), endOfData, attempt);
    }

    /**
     * Returns these timeouts with another wait for the reply to the end of mail data. Too short a wait duplicates mail.
     *
     * @param value the wait; 10 min unless set
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public ClientTimeouts withEndOfData(Duration value) {
        return new ClientTimeouts(connect, greeting, mail, rcpt, data, block, check(value, "endOfData"), attempt);
    }

    /**
     * Returns these timeouts with another bound of a whole attempt, so that a next hop that answers each command at the
     * last moment holds a connection for no longer than this.
     *
     * @param value the bound; 2 h unless set
     * @return a copy
     * @throws IllegalArgumentException if {@code value} is out of range
     */
    public ClientTimeouts withAttempt(Duration value) {
        return new ClientTimeouts(connect, greeting, mail, rcpt, data, block, endOfData, check(value, "attempt"));
    }

    /**
     * Returns the wait for a connection.
     *
     * @return 30 s unless set
     */
    public Duration connect() {
        return connect;
    }

    /**
     * Returns the wait for the banner, and for the reply to EHLO, HELO and STARTTLS each.
     *
     * @return 5 min unless set
     */
    public Duration greeting() {
        return greeting;
    }

    /**
     * Returns the wait for the reply to MAIL, and to RSET.
     *
     * @return 5 min unless set
     */
    public Duration mail() {
        return mail;
    }

    /**
     * Returns the wait for the reply to each RCPT.
     *
     * @return 5 min unless set
     */
    public Duration rcpt() {
        return rcpt;
    }

    /**
     * Returns the wait for the reply to DATA.
     *
     * @return 2 min unless set
     */
    public Duration data() {
        return data;
    }

    /**
     * Returns the wait for each block of mail data to go out.
     *
     * @return 3 min unless set
     */
    public Duration block() {
        return block;
    }

    /**
     * Returns the wait for the reply to the end of mail data.
     *
     * @return 10 min unless set
     */
    public Duration endOfData() {
        return endOfData;
    }

    /**
     * Returns the bound of a whole attempt.
     *
     * @return 2 h unless set
     */
    public Duration attempt() {
        return attempt;
    }
}
