DROP TABLE attachment_usage;
DROP TABLE attachments;
