COMMENT ON INDEX messages_live IS NULL;
COMMENT ON INDEX messages_public IS NULL;
COMMENT ON INDEX messages_public_live IS NULL;
