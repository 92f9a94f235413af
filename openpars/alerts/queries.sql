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
SELECT w.hash, s.id, s.recipient, s.organisation, s.key, s.case_number FROM alerts.watch w JOIN alerts.subscription s ON s.id = w.subscription
WHERE w.agreement = %s AND w.hash = ANY (%s) AND s.purpose = %s AND s.ended_at IS NULL
  AND s.expires > clock_timestamp()

-- name: by_criteria
SELECT id, recipient, organisation, key, agreement, purpose, case_number, criteria, expires FROM alerts.subscription
WHERE criteria IS NOT NULL AND ended_at IS NULL AND expires > clock_timestamp()

-- name: told
SELECT t.id, t.subscription, t.digest, s.recipient, s.organisation, s.key, s.case_number
FROM alerts.told t JOIN alerts.subscription s ON s.id = t.subscription
WHERE t.id = ANY (%s) AND s.agreement = %s AND s.purpose = %s AND s.ended_at IS NULL AND s.expires > clock_timestamp()

-- name: tell
-- What subscriptions were told of records of one share, and the events of it, in their order. No record is twice
-- among what is gone and what stands for one subscription.
WITH gone AS (
    DELETE FROM alerts.told WHERE id = ANY (%(gone)s::uuid[])
      AND (id, subscription) IN (SELECT * FROM unnest(%(gone)s::uuid[], %(left)s::uuid[]))
), told AS (
    INSERT INTO alerts.told (id, subscription, digest)
    SELECT * FROM unnest(%(stand)s::uuid[], %(told)s::uuid[], %(digests)s::bytea[])
    ON CONFLICT (id, subscription) DO UPDATE SET digest = excluded.digest
)
INSERT INTO alerts.event (recipient, agreement, epoch, id, subscription, kind, sent)
SELECT %(recipient)s, %(agreement)s, %(epoch)s, id, subscription, kind, sent
FROM unnest(%(records)s::uuid[], %(whom)s::uuid[], %(kinds)s::text[], %(heard)s::boolean[])
  WITH ORDINALITY AS new (id, subscription, kind, sent, n)
ORDER BY n RETURNING position

-- name: events_after
SELECT e.position, e.agreement, e.epoch, e.subscription, e.id, e.kind, s.purpose, s.case_number, s.key
FROM alerts.event e JOIN alerts.subscription s ON s.id = e.subscription
WHERE e.recipient = %s AND s.organisation IS NOT DISTINCT FROM %s AND e.position > %s AND s.ended_at IS NULL
ORDER BY e.position LIMIT 500

-- name: events_unsent
SELECT e.position, e.agreement, e.epoch, e.subscription, e.id, e.kind, s.purpose, s.case_number, s.key
FROM alerts.event e JOIN alerts.subscription s ON s.id = e.subscription
WHERE e.recipient = %s AND s.organisation IS NOT DISTINCT FROM %s AND NOT e.sent AND e.position > %s AND s.ended_at IS NULL
ORDER BY e.position LIMIT 500

-- name: mark_sent
UPDATE alerts.event SET sent = true WHERE position = ANY (%s)

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
DELETE FROM alerts.told WHERE subscription = ANY (%s)

-- name: look_again
-- Only what somebody was told of: what nobody heard of does not become news because a bar was switched.
INSERT INTO shares.change (agreement, purpose, id)
SELECT DISTINCT s.agreement, s.purpose, t.id FROM alerts.told t JOIN alerts.subscription s ON s.id = t.subscription
WHERE s.agreement = %s AND s.ended_at IS NULL ORDER BY 2, 3

-- name: forget_watches
DELETE FROM alerts.watch WHERE agreement = %s

-- name: forget_all_told
DELETE FROM alerts.told t USING alerts.subscription s WHERE s.id = t.subscription AND s.agreement = %s

-- name: subscriptions
SELECT id, agreement, purpose, case_number, criteria, expires, created_at FROM alerts.subscription
WHERE recipient = %s AND ended_at IS NULL AND expires > clock_timestamp() ORDER BY created_at

-- name: asked_about
SELECT DISTINCT agreement, purpose FROM alerts.subscription WHERE ended_at IS NULL

-- name: forget_feeds
DELETE FROM alerts.feed

-- name: count_feeds
INSERT INTO alerts.feed (recipient, agreement, feeds) SELECT * FROM unnest(%s::text[], %s::text[], %s::int[])
