-- Puts the tables that grow with tenants into partitions, by the hash of the tenant, in one transaction:
--
--   psql --variable ON_ERROR_STOP=1 --file deploy/postgresql/partitions.sql "$MIGRATE_DATABASE_URL"
--
-- While no node runs, after a backup, and best while the tables are still small: every row is copied. Every unique key
-- begins with the tenant, so all of them stand. The service tells races apart by the names of keys, so each partition's
-- are called as the whole table's with the partition's number behind: `messages_by_id_p3`.

BEGIN;

DO $$
DECLARE
    partitions constant int := 8;
    tables constant text[] := ARRAY['sessions', 'messages', 'message_extensions', 'message_edits', 'idempotency_keys',
        'audit_entries', 'participants', 'attachments', 'attachment_usage'];
    name text;
    whole record;
    part record;
BEGIN
    FOREACH name IN ARRAY tables LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO %I', name, name || '_old');
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)'
            ' PARTITION BY HASH (tenant_id)', name, name || '_old');
        FOR number IN 0 .. partitions - 1 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s)',
                name || '_p' || number, name, partitions, number);
        END LOOP;
        -- What makes room for updates in place, and when dead rows are looked for, is told to each partition.
        FOR part IN SELECT inhrelid::regclass AS id FROM pg_inherits WHERE inhparent = name::regclass LOOP
            FOR whole IN SELECT unnest(reloptions) AS option FROM pg_class WHERE oid = (name || '_old')::regclass LOOP
                EXECUTE format('ALTER TABLE %s SET (%s)', part.id, whole.option);
            END LOOP;
        END LOOP;
        EXECUTE format('INSERT INTO %I SELECT * FROM %I', name, name || '_old');
        -- The keys, under their own names, which are free once the old table is gone.
        CREATE TEMPORARY TABLE keys ON COMMIT DROP AS
            SELECT i.indexrelid::regclass::text AS called, i.indisprimary, pg_get_indexdef(i.indexrelid) AS definition,
                pg_get_constraintdef(c.oid) AS constrained
            FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype = 'p'
            WHERE i.indrelid = (name || '_old')::regclass;
        EXECUTE format('DROP TABLE %I', name || '_old');
        FOR whole IN SELECT * FROM keys LOOP
            IF whole.indisprimary THEN
                EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %s %s', name, whole.called, whole.constrained);
            ELSE
                EXECUTE replace(whole.definition, name || '_old', name);
            END IF;
            FOR part IN SELECT inhrelid::regclass AS id, row_number() OVER (ORDER BY inhrelid) - 1 AS number
                FROM pg_inherits WHERE inhparent = whole.called::regclass
            LOOP
                EXECUTE format('ALTER INDEX %s RENAME TO %I', part.id, whole.called || '_p' || part.number);
            END LOOP;
        END LOOP;
        DROP TABLE keys;
    END LOOP;
END
$$;

COMMIT;
