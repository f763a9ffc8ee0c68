-- Who did what to which thing, and nothing of what it says. The key is also the list: a tenant's entries by time.
CREATE TABLE audit_entries (
    tenant_id text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    id uuid NOT NULL,
    actor_id text COLLATE "C" NOT NULL,
    actor_role text COLLATE "C" NOT NULL,
    action text COLLATE "C" NOT NULL,
    thing_kind text COLLATE "C" NOT NULL,
    thing_id text COLLATE "C" NOT NULL,
    session_id uuid,
    PRIMARY KEY (tenant_id, created_at, id)
);

CREATE INDEX audit_entries_by_actor ON audit_entries (tenant_id, actor_id, created_at, id);
CREATE INDEX audit_entries_by_action ON audit_entries (tenant_id, action, created_at, id);
CREATE INDEX audit_entries_by_actor_and_action ON audit_entries (tenant_id, actor_id, action, created_at, id);
-- For the sweep, which goes through all tenants.
CREATE INDEX audit_entries_by_age ON audit_entries (created_at);
