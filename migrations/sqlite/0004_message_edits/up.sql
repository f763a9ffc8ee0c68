-- The edits of messages: for each who made it, when, and the text that it replaced. The edits of a message are numbered
-- 1, 2, 3 … in the order in which they were made, so the key is also their order. They lie apart from what else hangs on
-- messages, so that pages never meet them, however many and long they are.
CREATE TABLE message_edits (
    tenant_id  TEXT    NOT NULL,
    message_id BLOB    NOT NULL CHECK (length(message_id) = 16),
    number     INTEGER NOT NULL CHECK (number >= 1),
    id         BLOB    NOT NULL CHECK (length(id) = 16),
    edited_by  TEXT    NOT NULL CHECK (edited_by <> ''),
    edited_at  INTEGER NOT NULL,
    content    TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, message_id, number)
) STRICT, WITHOUT ROWID;
