-- How far everybody has come in a session who has sent a receipt there. The key begins with the session: all participants
-- of one lie side by side.
CREATE TABLE participants (
    tenant_id     TEXT    NOT NULL,
    session_id    BLOB    NOT NULL CHECK (length(session_id) = 16),
    role          TEXT    NOT NULL CHECK (role IN ('user', 'agent')),
    id            TEXT    NOT NULL CHECK (id <> ''),
    read_seq      INTEGER NOT NULL CHECK (read_seq >= 0),
    delivered_seq INTEGER NOT NULL CHECK (delivered_seq >= read_seq),
    -- Whether the session's user knows of them.
    visibility    TEXT    NOT NULL CHECK (visibility IN ('public', 'internal')),
    rev           INTEGER NOT NULL CHECK (rev >= 1),
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, session_id, role, id)
) STRICT, WITHOUT ROWID;

-- What has changed since a rev.
CREATE INDEX participants_by_rev ON participants (tenant_id, session_id, rev);
