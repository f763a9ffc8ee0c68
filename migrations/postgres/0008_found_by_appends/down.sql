ALTER TABLE sessions DROP COLUMN changed_before;
