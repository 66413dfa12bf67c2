-- backupmx JDBC spool, schema version 1, H2 2.2 or later.
-- ${prefix} stands for the table prefix. Instants are microseconds since 1970-01-01T00:00Z.
-- H2 commits after each of these statements, so each may be repeated, and at once by several engines; the version row
-- comes last. Indexes are written as UNIQUE since CREATE INDEX IF NOT EXISTS fails when two engines run it at once.

CREATE TABLE IF NOT EXISTS ${prefix}schema_version (
    version INTEGER NOT NULL PRIMARY KEY
);

-- One row a message. Not committed: its mail data is still arriving; nobody but its writer and the sweeper sees it.
-- body_type: the BODY keyword, with +TLS behind it where MAIL had REQUIRETLS.
CREATE TABLE IF NOT EXISTS ${prefix}message (
    id              VARCHAR(64) NOT NULL PRIMARY KEY,
    committed       BOOLEAN NOT NULL,
    begun_at        BIGINT NOT NULL,
    received_at     BIGINT NOT NULL,
    reverse_path    VARCHAR(1000) NOT NULL,
    body_type       VARCHAR(16) NOT NULL,
    smtp_utf8       BOOLEAN NOT NULL,
    declared_bytes  BIGINT,
    ret             VARCHAR(4),
    envid           VARCHAR(100),
    recipient_count INTEGER NOT NULL,
    size_bytes      BIGINT NOT NULL,
    chunk_count     INTEGER NOT NULL,
    UNIQUE (committed, begun_at, id)
);

-- The recipients of a message in envelope order, final ones included.
CREATE TABLE IF NOT EXISTS ${prefix}recipient (
    message_id     VARCHAR(64) NOT NULL REFERENCES ${prefix}message (id) ON DELETE CASCADE,
    recipient_no   INTEGER NOT NULL,
    local_part     VARCHAR(64) NOT NULL,
    domain         VARCHAR(255) NOT NULL,
    notify_on      VARCHAR(40) NOT NULL,
    orcpt          VARCHAR(500),
    state          VARCHAR(8) NOT NULL,
    reply_code     INTEGER,
    reply_enhanced VARCHAR(16),
    reply_text     VARCHAR(1000000),
    state_at       BIGINT,
    PRIMARY KEY (message_id, recipient_no),
    UNIQUE (domain, local_part, message_id, recipient_no)
);

-- One row for each destination domain of a message that still has work. Free again when lease_until has passed.
CREATE TABLE IF NOT EXISTS ${prefix}lane (
    message_id  VARCHAR(64) NOT NULL REFERENCES ${prefix}message (id) ON DELETE CASCADE,
    domain      VARCHAR(255) NOT NULL,
    held        BOOLEAN NOT NULL,
    due         BIGINT NOT NULL,
    attempts    INTEGER NOT NULL,
    lease_until BIGINT NOT NULL,
    lease_token BIGINT NOT NULL,
    lease_owner BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    size_bytes  BIGINT NOT NULL,
    PRIMARY KEY (message_id, domain),
    UNIQUE (domain, held, due, message_id),
    UNIQUE (domain, held, size_bytes, message_id)
);

-- The mail data, cut in order into pieces, each with its CRC32C.
CREATE TABLE IF NOT EXISTS ${prefix}chunk (
    message_id VARCHAR(64) NOT NULL REFERENCES ${prefix}message (id) ON DELETE CASCADE,
    chunk_no   INTEGER NOT NULL,
    crc32c     BIGINT NOT NULL,
    mail_data  VARBINARY(16777216) NOT NULL,
    PRIMARY KEY (message_id, chunk_no)
);

MERGE INTO ${prefix}schema_version (version) KEY (version) VALUES (1);
