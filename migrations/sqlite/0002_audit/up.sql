-- Who did what to which thing, and nothing of what it says. The key is also the list: a tenant's entries by time. The
-- names of actions and kinds have no list here, since both will grow.
CREATE TABLE audit_entries (
    tenant_id  TEXT    NOT NULL CHECK (length(tenant_id) BETWEEN 1 AND 64),
    created_at INTEGER NOT NULL,
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    actor_id   TEXT    NOT NULL CHECK (actor_id <> ''),
    actor_role TEXT    NOT NULL CHECK (actor_role <> ''),
    action     TEXT    NOT NULL CHECK (action <> ''),
    thing_kind TEXT    NOT NULL CHECK (thing_kind <> ''),
    thing_id   TEXT    NOT NULL CHECK (thing_id <> ''),
    session_id BLOB    CHECK (length(session_id) = 16),
    PRIMARY KEY (tenant_id, created_at, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_entries_by_actor ON audit_entries (tenant_id, actor_id, created_at, id);
CREATE INDEX audit_entries_by_action ON audit_entries (tenant_id, action, created_at, id);
CREATE INDEX audit_entries_by_actor_and_action ON audit_entries (tenant_id, actor_id, action, created_at, id);
-- For the sweep, which goes through all tenants.
CREATE INDEX audit_entries_by_age ON audit_entries (created_at);
