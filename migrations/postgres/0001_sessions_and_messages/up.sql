-- Every primary and unique key begins with the tenant, so that the tables can be distributed or partitioned by it.
-- There are no foreign keys: whatever writes to a session's messages holds the lock of the session's row, so the row is
-- known to be there, and a check of its own for each message would only cost.

-- Of several indexes that seem to cost the same, as all do while a table is nearly empty, the planner takes the one made
-- last, and a connection keeps a plan for a while: so the narrower index for a question is made after the wider one.

-- Each message changes its session's row. No index holds a column that this changes, and pages have room left, so that
-- the change stays on its page and touches no index.
CREATE TABLE sessions (
    tenant_id text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    agent_id text COLLATE "C",
    status text COLLATE "C" NOT NULL,
    metadata text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    ended_at timestamptz,
    previous_session_id uuid,
    rev bigint NOT NULL,
    version bigint NOT NULL,
    last_seq bigint NOT NULL,
    message_count bigint NOT NULL,
    last_message_at timestamptz,
    public_message_count bigint NOT NULL,
    last_public_message_at timestamptz
) WITH (fillfactor = 75);

CREATE INDEX sessions_by_user ON sessions (tenant_id, user_id, created_at, id);
CREATE INDEX sessions_by_user_and_status ON sessions (tenant_id, user_id, status, created_at, id);
ALTER TABLE sessions ADD PRIMARY KEY (tenant_id, id);
-- Where a sample meets one status only, the planner would take the status for a condition that narrows nothing, and walk
-- through all sessions of a user in search of the few that have another.
ALTER TABLE sessions ALTER COLUMN status SET (n_distinct = 4);

CREATE TABLE messages (
    tenant_id text COLLATE "C" NOT NULL,
    session_id uuid NOT NULL,
    seq bigint NOT NULL,
    id uuid NOT NULL,
    rev bigint NOT NULL,
    sender_type text COLLATE "C" NOT NULL,
    sender_id text COLLATE "C" NOT NULL,
    content text NOT NULL,
    message_type text COLLATE "C" NOT NULL,
    metadata text NOT NULL,
    reply_to uuid,
    visibility text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    edited_at timestamptz,
    deleted_at timestamptz,
    extension_count integer NOT NULL,
    idempotency_scope bytea,
    idempotency_command bytea,
    PRIMARY KEY (tenant_id, session_id, seq)
);

CREATE INDEX messages_by_rev ON messages (tenant_id, session_id, rev);
CREATE UNIQUE INDEX messages_by_id ON messages (tenant_id, id);
CREATE UNIQUE INDEX messages_by_idempotency_scope ON messages (tenant_id, idempotency_scope)
    WHERE idempotency_scope IS NOT NULL;

-- One for each kind of page: what a page leaves out is not in its index, however much there is of it.
CREATE INDEX messages_live ON messages (tenant_id, session_id, seq)
    WHERE deleted_at IS NULL;
CREATE INDEX messages_public ON messages (tenant_id, session_id, seq)
    WHERE visibility = 'public';
CREATE INDEX messages_public_live ON messages (tenant_id, session_id, seq)
    WHERE visibility = 'public' AND deleted_at IS NULL;

CREATE TABLE message_extensions (
    tenant_id text COLLATE "C" NOT NULL,
    message_id uuid NOT NULL,
    id uuid NOT NULL,
    extension_type text COLLATE "C" NOT NULL,
    data text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, message_id, id)
);

CREATE TABLE idempotency_keys (
    tenant_id text COLLATE "C" NOT NULL,
    scope bytea NOT NULL,
    command bytea NOT NULL,
    resource_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, scope)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
