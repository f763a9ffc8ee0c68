DROP INDEX message_extensions_by_unique_key;
ALTER TABLE message_extensions DROP COLUMN unique_key;
ALTER TABLE message_extensions DROP COLUMN maker_id;
ALTER TABLE message_extensions DROP COLUMN maker_type;
