-- name: claim
-- Two requests with one key at the same moment: the second waits here for the first to commit.
INSERT INTO desk.answered (jurisdiction, key, idempotency_key, request)
VALUES (%(jurisdiction)s, %(key)s, %(idempotency_key)s, %(request)s)
ON CONFLICT DO NOTHING RETURNING 1

-- name: answered
SELECT request, status, answer FROM desk.answered
WHERE jurisdiction = %(jurisdiction)s AND key = %(key)s AND idempotency_key = %(idempotency_key)s

-- name: remember
UPDATE desk.answered SET status = %(status)s, answer = %(answer)s
WHERE jurisdiction = %(jurisdiction)s AND key = %(key)s AND idempotency_key = %(idempotency_key)s

-- name: forget_answers
DELETE FROM desk.answered WHERE at < clock_timestamp() - interval '7 days'

-- name: still_noted
-- Persons of whom a note still waits for the acts tree: their key would be made anew by it.
SELECT DISTINCT subject FROM log.pending, unnest(subjects) AS subject WHERE subject = ANY(%(persons)s)

-- name: impact_subscriptions
-- What stands under one agreement: never the keys or the criteria, which the desk cannot read.
SELECT organisation, purpose, case_number, by_keys FROM alerts.subscription
WHERE agreement = %s AND ended_at IS NULL AND expires > clock_timestamp() ORDER BY id

-- name: impact_feeds
SELECT coalesce(sum(feeds), 0) FROM alerts.feed WHERE recipient = %s AND (agreement IS NULL OR agreement = %s)

-- name: impact_keys
SELECT k.id, k.organisation, EXISTS (
    SELECT FROM disclosure.use u
    WHERE u.key = k.id AND u.agreement = %(agreement)s AND u.at > clock_timestamp() - interval '30 days')
FROM accounts.recipient_key k WHERE k.recipient = %(recipient)s AND k.revoked_at IS NULL ORDER BY k.id

-- name: impact_share
SELECT count(*), count(DISTINCT id) FROM shares.kept WHERE agreement = %s AND version = %s

-- name: impact_aging
-- Purposes with rows of which only the files can tell whether they have aged by then: the term is over before that.
SELECT DISTINCT k.purpose
FROM shares.kept k
JOIN unnest(%(purposes)s::text[], %(grants)s::int[], %(dated)s::bool[]) AS w (purpose, grant_no, dated)
    USING (purpose, grant_no)
WHERE k.agreement = %(agreement)s AND k.version = %(version)s AND w.dated AND k.until = %(over)s AND k.until <= %(at)s

-- name: impact_counted
-- What the kept rows alone tell of another version: rows and people that leave, people that stay, and how many people
-- stand in files that must be asked. A grant of the other version that asks what one of this asks gives the same rows,
-- until they age; `until` says when.
WITH weight AS (
    SELECT * FROM unnest(%(purposes)s::text[], %(grants)s::int[], %(weights)s::int[], %(dated)s::bool[])
        AS w (purpose, grant_no, weight, dated)
), place AS (
    SELECT arrest, slot, count(*) AS rows, purpose = ANY (%(asked)s) AS ask,
        coalesce(sum(weight) FILTER (WHERE until > CASE WHEN dated THEN %(at)s ELSE %(now)s END), 0) AS still
    FROM shares.kept LEFT JOIN weight USING (purpose, grant_no)
    WHERE agreement = %(agreement)s AND version = %(version)s
    GROUP BY arrest, slot, purpose
), person AS (
    SELECT sum(greatest(0, rows - still)) AS gone, sum(still) > 0 AS stays,
        bool_or(bool_or(ask)) OVER (PARTITION BY arrest) AS ask
    FROM place GROUP BY arrest, slot
)
SELECT coalesce(sum(gone) FILTER (WHERE NOT ask), 0), count(*) FILTER (WHERE NOT ask AND NOT stays),
       count(*) FILTER (WHERE NOT ask AND stays), count(*) FILTER (WHERE ask)
FROM person

-- name: impact_rows
-- The files that must be asked, each with what is kept of it. Read through a cursor: a statement for every few hundred
-- of them would read all of them, every time.
SELECT arrest, array_agg(purpose), array_agg(slot), array_agg(rows) FROM (
    SELECT arrest, purpose, slot, count(*) AS rows FROM shares.kept
    WHERE agreement = %(agreement)s AND version = %(version)s GROUP BY arrest, purpose, slot
) place GROUP BY arrest HAVING bool_or(purpose = ANY (%(asked)s)) ORDER BY arrest
