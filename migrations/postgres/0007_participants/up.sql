-- How far everybody has come in a session who has sent a receipt there. The key begins with the session: all participants
-- of one lie side by side.
CREATE TABLE participants (
    tenant_id text COLLATE "C" NOT NULL,
    session_id uuid NOT NULL,
    role text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    read_seq bigint NOT NULL,
    delivered_seq bigint NOT NULL,
    -- Whether the session's user knows of them.
    visibility text COLLATE "C" NOT NULL,
    rev bigint NOT NULL,
    updated_at timestamptz NOT NULL
);

-- What has changed since a rev. The key is made after it: most sessions have so few participants that either would do to
-- find one, and then the planner takes the one made last.
CREATE INDEX participants_by_rev ON participants (tenant_id, session_id, rev);
ALTER TABLE participants ADD PRIMARY KEY (tenant_id, session_id, role, id);
