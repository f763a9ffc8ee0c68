-- Writes one message: counts up its session, checks that it has not ended, inserts, returns what the store gave. The id
-- begins with the time, as the service's do, so that the indexes grow at their ends.
\set session random(1, :sessions)
WITH session AS (
    UPDATE sessions
    SET
        last_seq = last_seq + 1,
        rev = rev + 1,
        message_count = message_count + 1,
        public_message_count = public_message_count + 1,
        last_message_at = now(),
        last_public_message_at = now(),
        updated_at = greatest(updated_at, now())
    WHERE tenant_id = 'load-0'
        AND id = ('00000000-0000-7000-8000-' || lpad(to_hex(:session::bigint), 12, '0'))::uuid
        AND status <> 'ended'
    RETURNING tenant_id, id, last_seq, rev
)
INSERT INTO messages (
    tenant_id, session_id, seq, id, rev, sender_type, sender_id, content, message_type, metadata, reply_to,
    visibility, created_at, extension_count, idempotency_scope, idempotency_command
)
SELECT
    tenant_id, id, last_seq,
    (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
        || right(replace(gen_random_uuid()::text, '-', ''), 20))::uuid,
    rev, 'user', 'user-1', 'The parcel came on Tuesday, but one of the lamps was broken.', 'text', '{}', NULL,
    'public', now(), 0, NULL, NULL
FROM session
RETURNING id, seq, rev, created_at;
