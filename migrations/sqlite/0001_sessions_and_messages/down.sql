DROP TABLE idempotency_keys;
DROP TABLE message_extensions;
DROP TABLE messages;
DROP TABLE sessions;
