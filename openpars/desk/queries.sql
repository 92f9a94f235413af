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
