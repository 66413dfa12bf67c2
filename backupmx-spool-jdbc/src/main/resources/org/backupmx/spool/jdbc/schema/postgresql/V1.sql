-- backupmx JDBC spool, schema version 1, PostgreSQL 11 or later.
-- ${prefix} stands for the table prefix. Instants are microseconds since 1970-01-01T00:00Z.

CREATE TABLE ${prefix}schema_version (
    version INTEGER NOT NULL PRIMARY KEY
);

-- One row a message. Not committed: its mail data is still arriving; nobody but its writer and the sweeper sees it.
-- body_type: the BODY keyword, with +TLS behind it where MAIL had REQUIRETLS.
CREATE TABLE ${prefix}message (
    id              VARCHAR(64) COLLATE "C" NOT NULL PRIMARY KEY,
    committed       BOOLEAN NOT NULL,
    begun_at        BIGINT NOT NULL,
    received_at     BIGINT NOT NULL,
    reverse_path    TEXT NOT NULL,
    body_type       VARCHAR(16) NOT NULL,
    smtp_utf8       BOOLEAN NOT NULL,
    declared_bytes  BIGINT,
    ret             VARCHAR(4),
    envid           VARCHAR(100),
    recipient_count INTEGER NOT NULL,
    size_bytes      BIGINT NOT NULL,
    chunk_count     INTEGER NOT NULL
);
CREATE INDEX ${prefix}message_arriving ON ${prefix}message (begun_at) WHERE NOT committed;

-- The recipients of a message in envelope order, final ones included.
CREATE TABLE ${prefix}recipient (
    message_id     VARCHAR(64) COLLATE "C" NOT NULL REFERENCES ${prefix}message ON DELETE CASCADE,
    recipient_no   INTEGER NOT NULL,
    local_part     VARCHAR(64) COLLATE "C" NOT NULL,
    domain         VARCHAR(255) COLLATE "C" NOT NULL,
    notify_on      VARCHAR(40) NOT NULL,
    orcpt          VARCHAR(500),
    state          VARCHAR(8) NOT NULL,
    reply_code     INTEGER,
    reply_enhanced VARCHAR(16),
    reply_text     TEXT,
    state_at       BIGINT,
    PRIMARY KEY (message_id, recipient_no)
);
CREATE INDEX ${prefix}recipient_mailbox ON ${prefix}recipient (domain, local_part, message_id);

-- One row for each destination domain of a message that still has work. Free again when lease_until has passed.
CREATE TABLE ${prefix}lane (
    message_id  VARCHAR(64) COLLATE "C" NOT NULL REFERENCES ${prefix}message ON DELETE CASCADE,
    domain      VARCHAR(255) COLLATE "C" NOT NULL,
    held        BOOLEAN NOT NULL,
    due         BIGINT NOT NULL,
    attempts    INTEGER NOT NULL,
    lease_until BIGINT NOT NULL,
    lease_token BIGINT NOT NULL,
    lease_owner BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    size_bytes  BIGINT NOT NULL,
    PRIMARY KEY (message_id, domain)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX ${prefix}lane_due ON ${prefix}lane (domain, held, due, message_id);

-- The mail data, cut in order into pieces, each with its CRC32C.
CREATE TABLE ${prefix}chunk (
    message_id VARCHAR(64) COLLATE "C" NOT NULL REFERENCES ${prefix}message ON DELETE CASCADE,
    chunk_no   INTEGER NOT NULL,
    crc32c     BIGINT NOT NULL,
    mail_data  BYTEA NOT NULL,
    PRIMARY KEY (message_id, chunk_no)
);
ALTER TABLE ${prefix}chunk ALTER COLUMN mail_data SET STORAGE EXTERNAL;

INSERT INTO ${prefix}schema_version (version) VALUES (1);
