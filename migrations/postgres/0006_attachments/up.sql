-- What is known of files: `stage` is reserved, stored or doomed. A row is there before its file, and goes after it.
CREATE TABLE attachments (
    tenant_id text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    stage text COLLATE "C" NOT NULL,
    session_id uuid NOT NULL,
    message_id uuid,
    uploaded_by text COLLATE "C" NOT NULL,
    uploader_role text COLLATE "C" NOT NULL,
    filename text COLLATE "C" NOT NULL,
    content_type text COLLATE "C" NOT NULL,
    size bigint NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamptz NOT NULL,
    idempotency_scope bytea,
    idempotency_command bytea,
    PRIMARY KEY (tenant_id, id)
);

CREATE UNIQUE INDEX attachments_by_idempotency_scope ON attachments (tenant_id, idempotency_scope)
    WHERE idempotency_scope IS NOT NULL;
CREATE INDEX attachments_by_message ON attachments (tenant_id, message_id)
    WHERE message_id IS NOT NULL;
-- For the sweep, which goes through all tenants: what was not sent, stage by stage.
CREATE INDEX attachments_unsent ON attachments (stage, created_at)
    WHERE message_id IS NULL;

-- What all files of a tenant take, those that are reserved among them.
CREATE TABLE attachment_usage (
    tenant_id text COLLATE "C" NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (tenant_id)
);
