-- Three hundred thousand sessions and a million messages. Session 1 has 400,000 of these, among them a run of 200,000
-- deleted ones and one of 100,000 internal ones; every seventh of the others is deleted, every fifth internal. The last
-- session is the only one that has not ended.
-- Indexes that are made when the rows are there are made several times faster.
SET synchronous_commit = off;
SET maintenance_work_mem = '256MB';
ALTER TABLE sessions SET UNLOGGED;
ALTER TABLE messages SET UNLOGGED;

CREATE TEMP TABLE kept AS
SELECT indexrelid, indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index
WHERE NOT indisprimary AND indrelid IN ('sessions'::regclass, 'messages'::regclass);

DO $$
DECLARE index record;
BEGIN
    FOR index IN SELECT * FROM kept LOOP EXECUTE 'DROP INDEX ' || index.name; END LOOP;
END $$;

INSERT INTO sessions (
    tenant_id, id, user_id, status, metadata, created_at, updated_at,
    rev, version, last_seq, message_count, public_message_count
)
SELECT
    'default',
    ('00000000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid,
    CASE WHEN i % 10 = 0 THEN 'busy' ELSE 'user-' || i % 50000 END,
    CASE WHEN i = 300000 THEN 'active' ELSE 'ended' END,
    '{}',
    '2026-01-01'::timestamptz + i * interval '1 second',
    '2026-01-01',
    1, 1, 0, 0, 0
FROM generate_series(1, 300000) i;

INSERT INTO messages (
    tenant_id, session_id, seq, id, rev, sender_type, sender_id, content, message_type, metadata, visibility,
    created_at, deleted_at, extension_count, idempotency_scope, idempotency_command
)
SELECT
    'default',
    ('00000000-0000-7000-8000-' || lpad((CASE WHEN i <= 400000 THEN 1 ELSE 2 + i % 5000 END)::text, 12, '0'))::uuid,
    CASE WHEN i <= 400000 THEN i ELSE i / 5000 END,
    ('00000000-0000-7000-9000-' || lpad(i::text, 12, '0'))::uuid,
    1 + i,
    'user', 'user', 'hello', 'text', '{}',
    CASE WHEN i BETWEEN 250001 AND 350000 OR i % 5 = 0 THEN 'internal' ELSE 'public' END,
    '2026-01-01',
    CASE WHEN i BETWEEN 1001 AND 201000 OR i % 7 = 0 THEN '2026-01-02'::timestamptz END,
    CASE WHEN i % 1000 = 1 THEN 1 ELSE 0 END,
    CASE WHEN i % 2 = 0 THEN sha256(i::text::bytea) END,
    CASE WHEN i % 2 = 0 THEN sha256('x') END
FROM generate_series(1, 1000000) i;

INSERT INTO message_extensions (tenant_id, message_id, id, extension_type, data, created_at)
SELECT m.tenant_id, m.id, m.id, 'reaction', '{}', m.created_at FROM messages m WHERE m.extension_count > 0;

-- One message that was edited again and again, and some that were edited once.
INSERT INTO message_edits (tenant_id, message_id, number, id, edited_by, edited_at, content)
SELECT 'default', '00000000-0000-7000-9000-000000000001', n, gen_random_uuid(), 'user', '2026-01-01', 'hello'
FROM generate_series(1, 20000) n
UNION ALL
SELECT m.tenant_id, m.id, 1, m.id, 'user', m.created_at, 'hello' FROM messages m WHERE m.seq % 100 = 3;

INSERT INTO idempotency_keys (tenant_id, scope, command, resource_id, created_at)
SELECT s.tenant_id, sha256(s.id::text::bytea), sha256('x'), s.id, s.created_at FROM sessions s LIMIT 50000;

-- Every tenth entry of the busy one is of another kind than all the others.
INSERT INTO audit_entries (tenant_id, created_at, id, actor_id, actor_role, action, thing_kind, thing_id, session_id)
SELECT
    s.tenant_id, s.created_at, s.id,
    CASE WHEN s.user_id = 'busy' THEN 'busy' ELSE 'quiet' END,
    'supervisor',
    CASE WHEN right(s.id::text, 2) = '00' THEN 'end_session' ELSE 'delete_message' END,
    'message', s.id::text, s.id
FROM sessions s WHERE right(s.id::text, 1) IN ('0', '1');

-- One in a hundred messages came with a file; a fifth of the files were sent with none.
INSERT INTO attachments (
    tenant_id, id, stage, session_id, message_id, uploaded_by, uploader_role, filename, content_type, size, sha256,
    created_at
)
SELECT
    m.tenant_id, m.id, 'stored', m.session_id, CASE WHEN m.seq % 5 > 0 THEN m.id END, 'user', 'user', 'a.png', 'image/png',
    1, sha256('x'), '2026-01-01'::timestamptz + m.seq * interval '1 second'
FROM messages m WHERE right(m.id::text, 2) = '01';

DO $$
DECLARE index record;
BEGIN
    FOR index IN SELECT * FROM kept ORDER BY indexrelid LOOP EXECUTE index.definition; END LOOP;
END $$;

ANALYZE;
