-- Appends a batch of messages in one statement; a row for each whose session is there, in no particular order.
-- The sessions are locked in the order of their keys: two batches that hold the same ones wait and never deadlock.
WITH input AS MATERIALIZED (
    SELECT *
    FROM UNNEST(
        $1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::uuid[],
        $10::text[], $11::timestamptz[], $12::text[], $13::bytea[], $14::bytea[]
    ) WITH ORDINALITY AS i (
        tenant_id, session_id, id, sender_type, sender_id, content, message_type, metadata, reply_to,
        visibility, created_at, confined_to, scope, command, ord
    )
),
-- What stands in the session's row here is its newest version, whatever the snapshot of the statement shows.
locked AS MATERIALIZED (
    SELECT i.*, s.user_id, s.status, s.rev AS session_rev, s.last_seq
    FROM input i
    JOIN sessions s ON s.tenant_id = i.tenant_id AND s.id = i.session_id
    ORDER BY s.tenant_id, s.id, i.ord
    FOR NO KEY UPDATE OF s
),
-- The snapshot may be older than the wait for the lock, and then shows no key that was stored meanwhile: storing it again
-- breaks the unique index, and the whole statement is run anew. Where the session has ended by then nothing is stored that
-- could break it, so the key of a message that is refused is looked for again, by another statement.
judged AS (
    SELECT
        l.*,
        k.id AS known_id,
        k.idempotency_command = l.command AS known_same,
        k.id IS NULL AND l.status <> 'ended' AS fits
    FROM locked l
    LEFT JOIN messages k ON k.tenant_id = l.tenant_id AND k.idempotency_scope = l.scope
    WHERE l.confined_to IS NULL OR l.confined_to = l.user_id
),
-- Of several with one key in the batch the first that fits is stored.
paired AS (
    SELECT
        j.*,
        CASE WHEN j.scope IS NOT NULL THEN
            min(j.ord) FILTER (WHERE j.fits) OVER (PARTITION BY j.tenant_id, j.scope)
        END AS first_ord
    FROM judged j
),
numbered AS MATERIALIZED (
    SELECT
        p.*,
        last_seq + count(*) FILTER (WHERE stored) OVER of_session AS seq,
        session_rev + count(*) FILTER (WHERE stored) OVER of_session AS rev
    FROM (SELECT *, fits AND coalesce(first_ord = ord, true) AS stored FROM paired) p
    WINDOW of_session AS (PARTITION BY tenant_id, session_id ORDER BY ord)
),
-- In the order of their keys, so that two batches that store the same ones wait and never deadlock here either.
inserted AS (
    INSERT INTO messages (
        tenant_id, session_id, seq, id, rev, sender_type, sender_id, content, message_type, metadata, reply_to,
        visibility, created_at, extension_count, idempotency_scope, idempotency_command
    )
    SELECT
        tenant_id, session_id, seq, id, rev, sender_type, sender_id, content, message_type, metadata, reply_to,
        visibility, created_at, 0, scope, command
    FROM numbered
    WHERE stored
    ORDER BY tenant_id, scope, session_id, seq
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
        updated_at = greatest(s.updated_at + g.stored * interval '1 microsecond', g.latest)
    FROM (
        SELECT
            tenant_id,
            session_id,
            count(*) AS stored,
            count(*) FILTER (WHERE visibility = 'public') AS stored_public,
            (array_agg(created_at ORDER BY ord DESC))[1] AS last_at,
            (array_agg(created_at ORDER BY ord DESC) FILTER (WHERE visibility = 'public'))[1] AS last_public_at,
            max(created_at) AS latest
        FROM numbered
        WHERE stored
        GROUP BY tenant_id, session_id
    ) g
    WHERE s.tenant_id = g.tenant_id AND s.id = g.session_id
)
-- The last says how a message found its session, which plain appends alone tell.
SELECT
    ord, stored, seq, rev, known_id, known_same, CASE WHEN first_ord < ord THEN first_ord END AS twin_ord,
    NULL::timestamptz AS found
FROM numbered
