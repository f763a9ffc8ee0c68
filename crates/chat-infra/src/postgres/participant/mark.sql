-- Takes a receipt, in one statement; one row where the session is there for its caller. The first column says whether the
-- receipt moved the participant, the second up to where it reaches. Of the participant it gives what the receipt made of it,
-- else what the statement saw of it when it began, which may be older than the lock.
-- The session's row is locked before anything of a participant is, as by all that changes a session. `ON CONFLICT` then
-- sees the participant as it is under that lock.
-- $1 tenant, $2 session, $3 role, $4 id, $5 seq, $6 whether it was read, $7 time, $8 the only user of whom the caller may
-- learn
WITH held AS MATERIALIZED (
    SELECT s.rev, s.last_seq, s.agent_id, s.created_at
    FROM sessions s
    WHERE s.tenant_id = $1 AND s.id = $2 AND ($8::text IS NULL OR $8 = s.user_id)
    FOR NO KEY UPDATE
),
wanted AS MATERIALIZED (
    SELECT
        h.rev + 1 AS rev,
        h.created_at,
        least($5::bigint, CASE WHEN $3::text = 'user' THEN coalesce((
            SELECT m.seq FROM messages m
            WHERE m.tenant_id = $1 AND m.session_id = $2 AND m.visibility = 'public'
            ORDER BY m.seq DESC LIMIT 1
        ), 0) ELSE h.last_seq END) AS seq,
        $3 = 'user' OR coalesce(h.agent_id = $4::text, false) OR EXISTS (
            SELECT FROM messages m
            WHERE m.tenant_id = $1 AND m.session_id = $2 AND m.visibility = 'public' AND m.sender_type = 'agent'
                AND m.sender_id = $4 AND m.deleted_at IS NULL AND m.sender_type <> 'system'
        ) AS is_known_to_user
    FROM held h
),
moved AS (
    INSERT INTO participants AS p (
        tenant_id, session_id, role, id, read_seq, delivered_seq, visibility, rev, updated_at
    )
    SELECT
        $1, $2, $3, $4, CASE WHEN $6::boolean THEN w.seq ELSE 0 END, w.seq,
        CASE WHEN w.is_known_to_user THEN 'public' ELSE 'internal' END, w.rev, greatest(w.created_at, $7::timestamptz)
    FROM wanted w
    WHERE w.seq > 0
    ON CONFLICT (tenant_id, session_id, role, id) DO UPDATE SET
        read_seq = greatest(p.read_seq, excluded.read_seq),
        delivered_seq = greatest(p.delivered_seq, excluded.delivered_seq),
        visibility = CASE WHEN excluded.visibility = 'public' THEN excluded.visibility ELSE p.visibility END,
        rev = excluded.rev,
        updated_at = greatest(p.updated_at, excluded.updated_at)
    WHERE p.read_seq < excluded.read_seq OR p.delivered_seq < excluded.delivered_seq
    RETURNING p.read_seq, p.delivered_seq, p.visibility, p.rev, p.updated_at
),
counted AS (
    UPDATE sessions s SET rev = m.rev FROM moved m WHERE s.tenant_id = $1 AND s.id = $2
)
SELECT
    m.rev IS NOT NULL, w.seq, w.created_at, coalesce(m.read_seq, p.read_seq), coalesce(m.delivered_seq, p.delivered_seq),
    coalesce(m.visibility, p.visibility), coalesce(m.rev, p.rev), coalesce(m.updated_at, p.updated_at)
FROM wanted w
LEFT JOIN moved m ON true
LEFT JOIN participants p ON p.tenant_id = $1 AND p.session_id = $2 AND p.role = $3 AND p.id = $4
