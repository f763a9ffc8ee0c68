-- Appends messages against which nothing speaks, in one statement; a row for each session that took its messages. Where a
-- key has been used before, nothing is stored and there are no rows.
-- The messages lie session by session, the sessions in the order of their keys: two batches that hold the same ones wait
-- and never deadlock. A row that had to be waited for is looked at anew, so that nothing is stored behind an end.
-- The first part is never run. It has the tables locked in the order in which a migration changes them: who held messages and
-- waited for sessions would wait for a migration that waits for it.
WITH tables AS (
    SELECT FROM sessions WHERE false
),
known AS MATERIALIZED (
    SELECT
    FROM UNNEST($9::text[], $10::bytea[]) AS i (tenant_id, scope)
    JOIN messages m ON m.tenant_id = i.tenant_id AND m.idempotency_scope = i.scope
),
moved_on AS (
    UPDATE sessions s
    SET
        last_seq = s.last_seq + g.stored,
        rev = s.rev + g.stored,
        message_count = s.message_count + g.stored,
        public_message_count = s.public_message_count + g.stored_public,
        last_message_at = g.last_at,
        last_public_message_at = coalesce(g.last_public_at, s.last_public_message_at),
        changed_before = s.updated_at,
        updated_at = greatest(s.updated_at + g.stored * interval '1 microsecond', g.latest)
    FROM UNNEST(
        $1::text[], $2::uuid[], $3::integer[], $4::integer[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],
        $8::text[]
    ) WITH ORDINALITY AS g (
        tenant_id, session_id, stored, stored_public, last_at, last_public_at, latest, confined_to, ord
    )
    WHERE s.tenant_id = g.tenant_id AND s.id = g.session_id
        AND s.status <> 'ended'
        AND (g.confined_to IS NULL OR g.confined_to = s.user_id)
        AND NOT EXISTS (SELECT FROM known)
    RETURNING g.ord, s.tenant_id, s.id AS session_id, s.last_seq, s.rev, s.changed_before, g.stored
),
-- Each value is taken from its place: a join of sessions and messages has no index here, and compares each with each.
inserted AS (
    INSERT INTO messages (
        tenant_id, session_id, seq, id, rev, sender_type, sender_id, content, message_type, metadata, reply_to,
        visibility, created_at, extension_count, idempotency_scope, idempotency_command
    )
    SELECT
        tenant_id, session_id, last_seq - behind, ($12::uuid[])[place], rev - behind, ($13::text[])[place],
        ($14::text[])[place], ($15::text[])[place], ($16::text[])[place], ($17::text[])[place], ($18::uuid[])[place],
        ($19::text[])[place], ($20::timestamptz[])[place], 0, ($21::bytea[])[place], ($22::bytea[])[place]
    FROM (
        SELECT m.*, ($11::integer[])[m.ord::integer] AS last, generate_series(m.stored - 1, 0, -1) AS behind
        FROM moved_on m
    ) m
    CROSS JOIN LATERAL (SELECT last - behind AS place) p
)
SELECT ord, last_seq, rev, changed_before FROM moved_on
