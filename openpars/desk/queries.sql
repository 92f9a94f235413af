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

-- name: impact_rows
-- By the files alone, as in shares: the index by agreement would be read whole for every 500 of them.
SELECT arrest, purpose, slot, count(*) FROM shares.kept
WHERE agreement || '' = %s AND version = %s AND arrest > %s
  AND arrest IN (SELECT DISTINCT arrest FROM shares.kept
                 WHERE agreement || '' = %s AND version = %s AND arrest > %s
                 ORDER BY arrest LIMIT 500)
GROUP BY arrest, purpose, slot ORDER BY arrest
