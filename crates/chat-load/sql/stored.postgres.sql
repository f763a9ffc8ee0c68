-- Fills the tables that the service has made: one session of :long messages, and :others sessions of a hundred each.
-- Indexes that are made when the rows are there are made several times faster. Ids begin with zeros, so that those of
-- messages that come later lie behind them, as they do where a store has grown over time. Names of users are as long
-- as those of a load, so that answers are.
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';

CREATE TEMP TABLE kept AS
SELECT indexrelid, indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index
WHERE NOT indisprimary AND indrelid = 'messages'::regclass;

DO $$
DECLARE index record;
BEGIN
    FOR index IN SELECT * FROM kept LOOP EXECUTE 'DROP INDEX ' || index.name; END LOOP;
END $$;

INSERT INTO sessions (
    tenant_id, id, user_id, status, metadata, created_at, updated_at, rev, version, last_seq, message_count,
    last_message_at, public_message_count, last_public_message_at
)
SELECT
    'load-0', ('00000000-0000-7000-8000-' || lpad(to_hex(s), 12, '0'))::uuid,
    'stored-' || lpad((s / 10)::text, 16, '0'), 'active', '{}', at, at, length + 1, 1, length, length, at, length, at
FROM (
    SELECT s, CASE s WHEN 0 THEN :long ELSE 100 END AS length, timestamptz '2026-01-01' AS at
    FROM generate_series(0, :others) s
) sizes;

INSERT INTO messages (
    tenant_id, session_id, seq, id, rev, sender_type, sender_id, content, message_type, metadata, visibility,
    created_at, extension_count
)
SELECT
    'load-0', ('00000000-0000-7000-8000-' || lpad(to_hex(s), 12, '0'))::uuid, seq,
    ('00000000-0000-7000-9000-' || lpad(to_hex(CASE s WHEN 0 THEN seq ELSE :long + s * 100 + seq END), 12, '0'))::uuid,
    seq + 1, 'user', 'stored-' || lpad((s / 10)::text, 16, '0'),
    'The parcel came on Tuesday, but one of the lamps was broken.', 'text', '{}', 'public',
    '2026-01-01', 0
FROM generate_series(0, :others) s, generate_series(1, CASE s WHEN 0 THEN :long ELSE 100 END) seq;

DO $$
DECLARE index record;
BEGIN
    FOR index IN SELECT * FROM kept ORDER BY indexrelid LOOP EXECUTE index.definition; END LOOP;
END $$;

-- Neither shall begin by itself in the middle of a measurement.
VACUUM ANALYZE sessions, messages;
CHECKPOINT;
