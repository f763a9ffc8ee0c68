-- When a session had changed last before its last message, as the append of that message found it: an `UPDATE` gives back
-- only what it leaves. A node may so tell whether messages that it stored itself follow one another. Written by plain
-- appends, and read by the same statement, so older nodes may leave it alone.
SET LOCAL lock_timeout = '5s';
ALTER TABLE sessions ADD COLUMN changed_before timestamptz;
