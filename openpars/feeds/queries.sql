-- name: only_import
SELECT pg_try_advisory_lock(hashtextextended('openpars.feeds.filings', 0))

-- name: release_import
SELECT pg_advisory_unlock(hashtextextended('openpars.feeds.filings', 0))

-- name: snapshots
SELECT digest, first_filed, last_filed, last_bail FROM feeds.snapshot WHERE jurisdiction = %s
ORDER BY last_filed, first_filed, coalesce(last_bail, first_filed)

-- name: dockets
SELECT key, filed_at, standing, said_at, name, zip, bail, represented, custody FROM feeds.docket
WHERE jurisdiction = %(jurisdiction)s AND (standing = 'listed' OR key = ANY(%(keys)s))

-- name: arrest
SELECT arrest FROM feeds.docket WHERE jurisdiction = %s AND key = %s

-- name: keep_docket
INSERT INTO feeds.docket (jurisdiction, key, arrest, filed_at, standing, said_at, name, zip, bail, represented, custody)
VALUES (%(jurisdiction)s, %(key)s, %(arrest)s, %(filed_at)s, %(standing)s, %(said_at)s,
        %(name)s, %(zip)s, %(bail)s, %(represented)s, %(custody)s)
ON CONFLICT (jurisdiction, key) DO UPDATE SET
    arrest = coalesce(excluded.arrest, feeds.docket.arrest), standing = excluded.standing, said_at = excluded.said_at,
    name = excluded.name, zip = excluded.zip, bail = excluded.bail,
    represented = excluded.represented, custody = excluded.custody

-- name: keep_standing
UPDATE feeds.docket SET standing = %(standing)s WHERE jurisdiction = %(jurisdiction)s AND key = ANY(%(keys)s)

-- name: keep_snapshot
INSERT INTO feeds.snapshot (jurisdiction, digest, first_filed, last_filed, last_bail)
VALUES (%(jurisdiction)s, %(digest)s, %(first_filed)s, %(last_filed)s, %(last_bail)s)
ON CONFLICT DO NOTHING
