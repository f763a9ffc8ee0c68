-- Every primary and unique key begins with the tenant. Ids are the 16 bytes of a UUID, times are microseconds since
-- 1970-01-01T00:00:00Z, metadata is the JSON text as it was checked. What may be long stands last in a table, so that
-- the short columns are read without it.

CREATE TABLE sessions (
    tenant_id              TEXT    NOT NULL CHECK (length(tenant_id) BETWEEN 1 AND 64),
    id                     BLOB    NOT NULL CHECK (length(id) = 16),
    user_id                TEXT    NOT NULL CHECK (user_id <> ''),
    agent_id               TEXT    CHECK (agent_id <> ''),
    status                 TEXT    NOT NULL CHECK (status IN ('waiting', 'active', 'transferred', 'ended')),
    ended_at               INTEGER,
    previous_session_id    BLOB    CHECK (length(previous_session_id) = 16),
    created_at             INTEGER NOT NULL,
    updated_at             INTEGER NOT NULL CHECK (updated_at >= created_at),
    -- The three counters of a session: all changes, its own changes, its messages.
    rev                    INTEGER NOT NULL CHECK (rev >= 1),
    version                INTEGER NOT NULL CHECK (version >= 1),
    last_seq               INTEGER NOT NULL CHECK (last_seq >= 0),
    message_count          INTEGER NOT NULL CHECK (message_count >= 0),
    last_message_at        INTEGER,
    public_message_count   INTEGER NOT NULL CHECK (public_message_count BETWEEN 0 AND message_count),
    last_public_message_at INTEGER,
    metadata               TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CHECK ((status = 'ended') = (ended_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- A user's sessions by age, of any status and of one.
CREATE INDEX sessions_by_user ON sessions (tenant_id, user_id, created_at, id);
CREATE INDEX sessions_by_user_and_status ON sessions (tenant_id, user_id, status, created_at, id);

-- Clustered by session and seq: a page lies in a few neighbouring leaves, and a new message touches one leaf less.
CREATE TABLE messages (
    tenant_id           TEXT    NOT NULL,
    session_id          BLOB    NOT NULL CHECK (length(session_id) = 16),
    seq                 INTEGER NOT NULL CHECK (seq >= 1),
    id                  BLOB    NOT NULL CHECK (length(id) = 16),
    rev                 INTEGER NOT NULL CHECK (rev >= 1),
    sender_type         TEXT    NOT NULL CHECK (sender_type IN ('user', 'agent', 'system')),
    sender_id           TEXT    NOT NULL CHECK (sender_id <> ''),
    message_type        TEXT    NOT NULL CHECK (message_type <> ''), -- the list of types will grow
    visibility          TEXT    NOT NULL CHECK (visibility IN ('public', 'internal')),
    reply_to            BLOB    CHECK (length(reply_to) = 16),
    created_at          INTEGER NOT NULL,
    edited_at           INTEGER,
    deleted_at          INTEGER,
    extension_count     INTEGER NOT NULL DEFAULT 0 CHECK (extension_count >= 0),
    idempotency_scope   BLOB    CHECK (length(idempotency_scope) = 32),
    idempotency_command BLOB    CHECK (length(idempotency_command) = 32),
    metadata            TEXT    NOT NULL,
    content             TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, session_id, seq),
    FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id),
    CHECK ((idempotency_scope IS NULL) = (idempotency_command IS NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX messages_by_id ON messages (tenant_id, id);
CREATE UNIQUE INDEX messages_by_idempotency_scope ON messages (tenant_id, idempotency_scope)
    WHERE idempotency_scope IS NOT NULL;
CREATE INDEX messages_by_rev ON messages (tenant_id, session_id, rev);

-- One for each kind of page, so that what a reader is not shown costs it nothing, however much of it lies between. The
-- page with everything reads the table itself.
CREATE INDEX messages_live ON messages (tenant_id, session_id, seq) WHERE deleted_at IS NULL;
CREATE INDEX messages_public ON messages (tenant_id, session_id, seq) WHERE visibility = 'public';
CREATE INDEX messages_public_live ON messages (tenant_id, session_id, seq)
    WHERE deleted_at IS NULL AND visibility = 'public';

CREATE TABLE message_extensions (
    tenant_id      TEXT    NOT NULL,
    message_id     BLOB    NOT NULL CHECK (length(message_id) = 16),
    id             BLOB    NOT NULL CHECK (length(id) = 16),
    extension_type TEXT    NOT NULL CHECK (extension_type <> ''),
    created_at     INTEGER NOT NULL,
    data           TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, message_id, id),
    FOREIGN KEY (tenant_id, message_id) REFERENCES messages (tenant_id, id)
) STRICT, WITHOUT ROWID;

-- The keys of every request but those that send messages, which keep theirs.
CREATE TABLE idempotency_keys (
    tenant_id   TEXT    NOT NULL,
    scope       BLOB    NOT NULL CHECK (length(scope) = 32),
    command     BLOB    NOT NULL CHECK (length(command) = 32),
    resource_id BLOB    NOT NULL CHECK (length(resource_id) = 16),
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, scope)
) STRICT, WITHOUT ROWID;

-- For the sweep, which goes through all tenants.
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
