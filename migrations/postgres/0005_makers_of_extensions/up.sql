-- Who made an extension, which says who may take it off; and what no two extensions of a message share, such as one
-- person's reaction with one emoji (a digest, so that entries are short).
SET LOCAL lock_timeout = '5s';

ALTER TABLE message_extensions
    ADD COLUMN maker_type text COLLATE "C",
    ADD COLUMN maker_id text COLLATE "C",
    ADD COLUMN unique_key bytea;

-- Only of those that have such a key, so that pages of messages go on reading by the primary key.
-- contract: no version before writes into this table, so it is empty, and nothing that could be doubled comes into it
CREATE UNIQUE INDEX message_extensions_by_unique_key ON message_extensions (tenant_id, message_id, unique_key)
    WHERE unique_key IS NOT NULL;
