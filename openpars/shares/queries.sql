-- name: hold_gate
LOCK TABLE shares.gate IN ROW SHARE MODE

-- name: close_gate
LOCK TABLE shares.gate IN EXCLUSIVE MODE

-- name: begin_cut
LOCK TABLE shares.cut IN EXCLUSIVE MODE

-- name: look
-- The clock, every share that must be kept, and the switches of bars: as texts, so that "nothing has changed" is one
-- comparison. What a switch is worth is told by `agreements.switches`.
SELECT clock_timestamp(),
    (SELECT json_agg(json_build_array(agreement, version, purpose, combinations) ORDER BY agreement, version, purpose)
     FROM shares.share WHERE state <> 'closed')::text,
    (SELECT json_agg(b ORDER BY id) FROM agreements.bar_switch b)::text

-- name: kept_rows
SELECT agreement, version, purpose, slot, grant_no, id, digest FROM shares.kept WHERE arrest = %s

-- name: register_share
INSERT INTO shares.share (agreement, version, purpose, combinations, state) VALUES (%s, %s, %s, %s, 'filling')

-- name: known_share
SELECT state FROM shares.share WHERE agreement = %s AND version = %s

-- name: unregistered
SELECT v.agreement, v.number FROM agreements.version v
WHERE v.state = 'balloted' AND NOT EXISTS (
    SELECT 1 FROM shares.share s WHERE s.agreement = v.agreement AND s.version = v.number)
ORDER BY v.agreement, v.number

-- name: filling
SELECT DISTINCT agreement, version FROM shares.share WHERE state = 'filling'

-- name: filled
SELECT DISTINCT agreement, version, filled, coalesce(files, 0) FROM shares.share
WHERE state = 'filling' ORDER BY agreement, version

-- name: mark_live
-- Not if it was emptied while it was being filled: what stood in it is gone, and it begins again.
UPDATE shares.share SET state = 'live' WHERE agreement = %s AND version = %s AND state = 'filling' AND round = %s

-- name: reached
-- The round that is being filled, the last file before which all are done, how many those are, and of how many.
SELECT round, reached::text, filled, files FROM shares.share
WHERE agreement = %s AND version = %s AND state = 'filling' LIMIT 1

-- name: count_files
UPDATE shares.share SET files = %s WHERE agreement = %s AND version = %s AND round = %s

-- name: reach
-- In the transaction that writes the rows: the place must never be ahead of them.
UPDATE shares.share SET reached = greatest(reached, %s::uuid), filled = greatest(filled, %s)
WHERE agreement = %s AND version = %s AND state = 'filling' AND round = %s

-- name: commit_later
-- Do not wait for the disk at this transaction's end: see `fill.Filling.run`.
SET LOCAL synchronous_commit = off

-- name: copy_kept
COPY shares.kept (arrest, agreement, version, purpose, slot, grant_no, id, digest, until) FROM STDIN (FORMAT BINARY)

-- name: copy_identity
COPY shares.identity (agreement, arrest, slot, id) FROM STDIN (FORMAT BINARY)

-- name: open_shares_of
SELECT agreement, version, purpose, combinations FROM shares.share WHERE agreement = %s AND state <> 'closed'

-- name: mark_emptied
UPDATE shares.share SET state = 'filling', round = round + 1, reached = NULL, filled = 0, files = NULL
WHERE agreement = %s AND state <> 'closed'

-- name: mark_closed
UPDATE shares.share SET state = 'closed' WHERE agreement = %s

-- name: forget_kept
DELETE FROM shares.kept WHERE agreement = %s

-- name: forget_changes
DELETE FROM shares.change WHERE agreement = %s

-- name: forget_filling
-- Only where no other version of the agreement ever had a share: else somebody may still have to hear of it.
DELETE FROM shares.change c WHERE c.agreement = %(agreement)s AND NOT EXISTS (
    SELECT FROM shares.share s WHERE s.agreement = c.agreement AND s.version <> %(version)s
)

-- name: due
SELECT DISTINCT arrest FROM shares.kept WHERE until <= clock_timestamp() LIMIT 500

-- name: next_due
SELECT min(until), clock_timestamp() FROM shares.kept WHERE until IS NOT NULL

-- name: end_backends
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = %s

-- name: unclosed
SELECT DISTINCT agreement, version FROM shares.share WHERE state <> 'closed'

-- name: live_shares
SELECT agreement, version, purpose FROM shares.share WHERE state = 'live'

-- name: announce_all
-- Everybody who was told of a row is told what an amendment makes of it: one pass, as an ordered difference.
INSERT INTO shares.change (agreement, purpose, id)
SELECT DISTINCT agreement, purpose, id FROM shares.kept WHERE agreement = %s ORDER BY purpose, id

-- name: forget_kept_version
DELETE FROM shares.kept WHERE agreement = %s AND version = %s

-- name: mark_version_closed
UPDATE shares.share SET state = 'closed' WHERE agreement = %s AND version = %s

-- name: version_shares
SELECT agreement, version, purpose, combinations FROM shares.share
WHERE agreement = %s AND version = %s AND state <> 'closed'

-- name: all_live
SELECT count(*) > 0 AND bool_and(state = 'live') FROM shares.share WHERE agreement = %s AND version = %s

-- name: standing_arrests
-- By the files alone: to who plans it, an agreement that no statistics know yet seems to have no rows, and the
-- index by agreement would be read from its beginning for every batch (three times as long at 100,000 files).
SELECT DISTINCT purpose, arrest FROM shares.kept
WHERE arrest = ANY (%s::uuid[]) AND agreement || '' = %s AND version = %s

-- name: identities
SELECT agreement, slot, id FROM shares.identity WHERE arrest = %s

-- name: role_exists
SELECT 1 FROM pg_roles WHERE rolname = %s

-- name: logins
SELECT rolname, rolcanlogin, rolvaliduntil FROM pg_roles WHERE rolname = ANY (%s)

-- name: identities_in
SELECT arrest, slot, id FROM shares.identity WHERE agreement = %s AND arrest = ANY (%s::uuid[])

-- name: whose
SELECT id, arrest, slot FROM shares.identity WHERE id = ANY (%s)
