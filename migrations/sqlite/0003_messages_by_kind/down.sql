CREATE INDEX messages_live ON messages (tenant_id, session_id, seq) WHERE deleted_at IS NULL;
CREATE INDEX messages_public ON messages (tenant_id, session_id, seq) WHERE visibility = 'public';
CREATE INDEX messages_public_live ON messages (tenant_id, session_id, seq)
    WHERE deleted_at IS NULL AND visibility = 'public';
DROP INDEX messages_by_kind;
