-- Copies the one session that is there, with its messages, so many times. The copies' ids are made of their numbers, so
-- that a pgbench script, which knows numbers only, can name them. Whatever columns the tables have come along.

INSERT INTO sessions
SELECT (jsonb_populate_record(s, jsonb_build_object('id', '00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0')))).*
FROM sessions s, generate_series(1, :sessions) n
ORDER BY n;

INSERT INTO messages
SELECT (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid(), 'session_id', s.id))).*
FROM messages m
JOIN sessions s ON s.tenant_id = m.tenant_id AND s.id <> m.session_id
ORDER BY s.id, m.seq;

ANALYZE sessions, messages;
