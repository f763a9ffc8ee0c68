-- One index for every kind of page in the place of three: a page of several kinds is merged from as many walks along it.
-- A new message so touches two leaves less, each of which is a page of the log. `deleted_at` stands last, so that an
-- offset is counted off without looking at the table.
CREATE INDEX messages_by_kind ON messages (tenant_id, session_id, visibility, (deleted_at IS NULL), seq, deleted_at);

-- contract: no version that names these three was ever released
DROP INDEX messages_live;
-- contract: as above
DROP INDEX messages_public;
-- contract: as above
DROP INDEX messages_public_live;
