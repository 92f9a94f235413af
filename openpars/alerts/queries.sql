-- name: new_subscription
INSERT INTO alerts.subscription (id, recipient, organisation, key, agreement, purpose, case_number, criteria, expires)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)

-- name: new_watch
INSERT INTO alerts.watch (agreement, hash, subscription) VALUES (%s, %s, %s)

-- name: position
SELECT coalesce(max(position), 0) FROM alerts.event

-- name: changes
-- Only of agreements in force: what changes during a suspension is told when it is lifted, or goes with the end.
-- What stands in a share that was emptied is not all that stands: its changes wait until it is filled again.
SELECT position, agreement, purpose, id FROM shares.change
WHERE agreement = ANY (%s) AND position <> ALL (%s)
  AND agreement <> ALL (SELECT s.agreement FROM shares.share s WHERE s.state = 'filling' AND s.round > 1)
ORDER BY position LIMIT %s

-- name: forget_changes
DELETE FROM shares.change WHERE position = ANY (%s)

-- name: watchers
SELECT w.hash, s.id::text, s.recipient, s.organisation, s.key, s.case_number FROM alerts.watch w JOIN alerts.subscription s ON s.id = w.subscription
WHERE w.agreement = %s AND w.hash = ANY (%s) AND s.purpose = %s AND s.ended_at IS NULL
  AND s.expires > clock_timestamp()

-- name: by_criteria
SELECT id, recipient, organisation, key, agreement, purpose, case_number, criteria, expires FROM alerts.subscription
WHERE criteria IS NOT NULL AND ended_at IS NULL AND expires > clock_timestamp()

-- name: told
SELECT t.id, t.digest, s.id::text, s.recipient, s.organisation, s.key, s.case_number
FROM alerts.told t CROSS JOIN unnest(t.subscriptions) AS whom (id) JOIN alerts.subscription s ON s.id = whom.id
WHERE t.agreement = %s AND t.purpose = %s AND t.id = ANY (%s) AND s.ended_at IS NULL AND s.expires > clock_timestamp()

-- name: tell
-- What subscriptions were told of records of one share, and the events of it. What stands of a record that somebody
-- was told of before is written anew, whole.
WITH before AS (
    DELETE FROM alerts.told WHERE agreement = %(agreement)s AND purpose = %(purpose)s AND id = ANY (%(anew)s::uuid[])
), told AS (
    INSERT INTO alerts.told (agreement, purpose, id, digest, subscriptions)
    SELECT %(agreement)s, %(purpose)s, id, digest, told::uuid[]
    FROM unnest(%(stand)s::uuid[], %(digests)s::bytea[], %(told)s::text[]) AS new (id, digest, told)
)
INSERT INTO alerts.event (position, recipient, agreement, epoch, id, kind, sent, subscriptions)
SELECT position, %(recipient)s, %(agreement)s, %(epoch)s, id, kind, sent, whom::uuid[]
FROM unnest(%(positions)s::bigint[], %(records)s::uuid[], %(kinds)s::text[], %(heard)s::boolean[], %(whom)s::text[])
  AS new (position, id, kind, sent, whom)

-- name: events_after
SELECT e.position - cardinality(e.subscriptions) + whom.n, e.agreement, e.epoch, whom.id::text, e.id, e.kind, s.purpose,
       s.case_number, s.key
FROM alerts.event e CROSS JOIN unnest(e.subscriptions) WITH ORDINALITY AS whom (id, n)
JOIN alerts.subscription s ON s.id = whom.id
WHERE e.recipient = %s AND s.organisation IS NOT DISTINCT FROM %s AND s.ended_at IS NULL
  AND e.position > %s AND e.position - cardinality(e.subscriptions) + whom.n > %s
ORDER BY e.position, whom.n LIMIT 500

-- name: events_unsent
SELECT e.position, e.agreement, e.epoch, s.id::text, e.id, e.kind, s.purpose, s.case_number, s.key
FROM alerts.event e JOIN alerts.subscription s ON s.id = e.subscriptions[1]
WHERE e.recipient = %s AND s.organisation IS NOT DISTINCT FROM %s AND NOT e.sent AND e.position > %s AND s.ended_at IS NULL
ORDER BY e.position LIMIT 500

-- name: mark_sent
UPDATE alerts.event SET sent = true WHERE position = ANY (%s) AND NOT sent

-- name: end_subscriptions
UPDATE alerts.subscription SET ended_at = clock_timestamp() WHERE agreement = %s AND ended_at IS NULL

-- name: end_outlived
-- An end that came while nobody was there to carry it out. A later version does not bring back what it ended.
UPDATE alerts.subscription s SET ended_at = clock_timestamp()
WHERE s.ended_at IS NULL AND EXISTS (
    SELECT FROM agreements.event e WHERE e.agreement = s.agreement AND e.what = 'ended' AND e.at >= s.created_at)

-- name: of_organisations
-- Every version that was in force since an organisation's standing request was made, or is now.
SELECT DISTINCT s.organisation, v.agreement, v.number
FROM alerts.subscription s JOIN agreements.version v ON v.agreement = s.agreement
WHERE s.organisation IS NOT NULL AND s.ended_at IS NULL AND (v.state = 'in_force' OR EXISTS (
    SELECT FROM agreements.event e WHERE e.agreement = v.agreement AND e.version = v.number
      AND e.what = 'started' AND e.at >= s.created_at))
ORDER BY 2, 3, 1

-- name: end_of_organisation
UPDATE alerts.subscription SET ended_at = clock_timestamp()
WHERE agreement = %s AND organisation = %s AND ended_at IS NULL RETURNING id

-- name: forget_watches_of
DELETE FROM alerts.watch WHERE subscription = ANY (%s)

-- name: forget_told_of
-- Never waits for what is being told: those rows are written anew, and nobody heeds a subscription that has ended.
UPDATE alerts.told SET subscriptions = ARRAY(SELECT unnest(subscriptions) EXCEPT SELECT unnest(%(gone)s::uuid[]))
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM alerts.told WHERE agreement = ANY (%(agreements)s) AND subscriptions && %(gone)s::uuid[]
    FOR UPDATE SKIP LOCKED))

-- name: look_again
-- Only what somebody was told of: what nobody heard of does not become news because a bar was switched.
INSERT INTO shares.change (agreement, purpose, id)
SELECT DISTINCT agreement, purpose, id FROM alerts.told t WHERE agreement = %s AND EXISTS (
    SELECT FROM alerts.subscription s WHERE s.id = ANY (t.subscriptions) AND s.ended_at IS NULL) ORDER BY 2, 3

-- name: forget_watches
DELETE FROM alerts.watch WHERE agreement = %s

-- name: forget_all_told
-- Never waits for what is being told: see `forget_told_of`.
DELETE FROM alerts.told WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM alerts.told WHERE agreement = %s FOR UPDATE SKIP LOCKED))

-- name: subscriptions
SELECT id, agreement, purpose, case_number, criteria, expires, created_at FROM alerts.subscription
WHERE recipient = %s AND ended_at IS NULL AND expires > clock_timestamp() ORDER BY created_at

-- name: asked_about
SELECT DISTINCT agreement, purpose FROM alerts.subscription WHERE ended_at IS NULL

-- name: forget_feeds
DELETE FROM alerts.feed

-- name: count_feeds
INSERT INTO alerts.feed (recipient, agreement, feeds) SELECT * FROM unnest(%s::text[], %s::text[], %s::int[])
