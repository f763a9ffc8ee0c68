-- SQLite gets one index in the place of these three. A leaf more costs much less here: the log has the new entry, not
-- the whole page.
COMMENT ON INDEX messages_live IS 'Pages without deleted messages';
COMMENT ON INDEX messages_public IS 'Pages without internal messages';
COMMENT ON INDEX messages_public_live IS 'Pages without deleted and internal messages';
