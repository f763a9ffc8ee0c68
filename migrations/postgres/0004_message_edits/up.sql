-- The edits of messages: for each who made it, when, and the text that it replaced. The edits of a message are numbered
-- 1, 2, 3 … under its session's lock, so the key is also their order. They lie apart from what else hangs on messages, so
-- that pages never meet them, however many and long they are.
CREATE TABLE message_edits (
    tenant_id text COLLATE "C" NOT NULL,
    message_id uuid NOT NULL,
    number bigint NOT NULL,
    id uuid NOT NULL,
    edited_by text COLLATE "C" NOT NULL,
    edited_at timestamptz NOT NULL,
    content text NOT NULL,
    PRIMARY KEY (tenant_id, message_id, number)
);
