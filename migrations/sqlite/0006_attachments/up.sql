-- What is known of files. A row is there before its file, and goes after it.
CREATE TABLE attachments (
    tenant_id           TEXT    NOT NULL,
    id                  BLOB    NOT NULL CHECK (length(id) = 16),
    stage               TEXT    NOT NULL CHECK (stage IN ('reserved', 'stored', 'doomed')),
    session_id          BLOB    NOT NULL CHECK (length(session_id) = 16),
    message_id          BLOB    CHECK (length(message_id) = 16),
    uploaded_by         TEXT    NOT NULL CHECK (uploaded_by <> ''),
    uploader_role       TEXT    NOT NULL CHECK (uploader_role <> ''),
    filename            TEXT    NOT NULL CHECK (filename <> ''),
    content_type        TEXT    NOT NULL CHECK (content_type <> ''),
    size                INTEGER NOT NULL CHECK (size >= 0),
    sha256              BLOB    NOT NULL CHECK (length(sha256) = 32),
    created_at          INTEGER NOT NULL,
    idempotency_scope   BLOB    CHECK (length(idempotency_scope) = 32),
    idempotency_command BLOB    CHECK (length(idempotency_command) = 32),
    PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX attachments_by_idempotency_scope ON attachments (tenant_id, idempotency_scope)
    WHERE idempotency_scope IS NOT NULL;
CREATE INDEX attachments_by_message ON attachments (tenant_id, message_id)
    WHERE message_id IS NOT NULL;
-- For the sweep, which goes through all tenants: what was not sent, stage by stage.
CREATE INDEX attachments_unsent ON attachments (stage, created_at)
    WHERE message_id IS NULL;

-- What all files of a tenant take, those that are reserved among them.
CREATE TABLE attachment_usage (
    tenant_id TEXT    NOT NULL,
    bytes     INTEGER NOT NULL CHECK (bytes >= 0),
    PRIMARY KEY (tenant_id)
) STRICT, WITHOUT ROWID;
