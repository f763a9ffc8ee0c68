-- Reads the first 50 messages of a session, and one more, which says whether there are more.
\set session random(1, :sessions)
SELECT
    id, session_id, seq, rev, sender_type, sender_id, content, message_type, metadata, reply_to, visibility,
    created_at, edited_at, deleted_at, extension_count
FROM messages
WHERE tenant_id = 'load-0'
    AND session_id = ('00000000-0000-7000-8000-' || lpad(to_hex(:session::bigint), 12, '0'))::uuid
    AND deleted_at IS NULL
ORDER BY seq
LIMIT 51;
