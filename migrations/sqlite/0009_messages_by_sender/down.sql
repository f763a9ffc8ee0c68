DROP INDEX messages_by_sender;
