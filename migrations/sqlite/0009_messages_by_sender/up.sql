-- What counts as unread, sender by sender: to count what others have sent, what one has sent oneself is stepped over, however
-- much it is. What the platform says never counts, and is not in it.
CREATE INDEX messages_by_sender ON messages (tenant_id, session_id, visibility, sender_type, sender_id, seq)
    WHERE deleted_at IS NULL AND sender_type <> 'system';
