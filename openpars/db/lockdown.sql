-- What a recipient's own login may not ask the server itself. By default any login can read how many
-- rows every table has, how fast they come, how much is written, who is connected, and can sit on
-- advisory locks. Run by the administrator of the server in the city's database, at every start.
DO $$
DECLARE
    thing record;
BEGIN
    FOR thing IN
        SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS signature
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'pg_catalog' AND (
            p.proname LIKE 'pg\_stat\_get\_%'
            OR p.proname LIKE '%advisory%lock%'
            OR p.proname LIKE 'lo\_%'
            OR p.proname LIKE 'pg\_current\_%'
            OR p.proname LIKE 'pg\_last\_%'
            OR p.proname LIKE 'txid\_%'
            OR p.proname LIKE 'pg\_%\_size'
            OR p.proname IN ('pg_lock_status', 'pg_snapshot_xmin', 'pg_snapshot_xmax', 'pg_xact_status', 'pg_notify',
                             'pg_export_snapshot', 'pg_cursor', 'pg_prepared_xact', 'pg_get_replication_slots',
                             'pg_stat_file', 'pg_blocking_pids', 'pg_safe_snapshot_blocking_pids')
        )
    LOOP
        EXECUTE 'REVOKE EXECUTE ON ROUTINE ' || thing.signature || ' FROM PUBLIC';
        EXECUTE 'GRANT EXECUTE ON ROUTINE ' || thing.signature || ' TO openpars_owner, openpars_desk, openpars_door';
    END LOOP;
    FOR thing IN
        SELECT format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'pg_catalog' AND c.relkind IN ('r', 'v') AND (
            c.relname LIKE 'pg\_stat%' OR c.relname IN ('pg_class', 'pg_locks', 'pg_sequences', 'pg_tables', 'pg_database')
        ) AND c.relname NOT IN ('pg_statistic', 'pg_statistic_ext', 'pg_statistic_ext_data')
    LOOP
        EXECUTE 'REVOKE ALL ON ' || thing.name || ' FROM PUBLIC';
        EXECUTE 'GRANT SELECT ON ' || thing.name || ' TO openpars_owner, openpars_desk, openpars_door';
    END LOOP;
END
$$;
