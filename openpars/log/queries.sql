-- name: try_lock
-- One writer for each tree: the lock is the session's, and every batch runs on that same session.
SELECT pg_try_advisory_lock(%(key)s)

-- name: head
-- The clock, and the last row of each kind, to compare with the writer's own tree.
SELECT clock_timestamp(), e.index, e.leaf_hash, e.at, c.size, c.note
FROM (SELECT 1) AS one
LEFT JOIN LATERAL (
    SELECT index, leaf_hash, at FROM log.entry WHERE tree = %(tree)s ORDER BY index DESC LIMIT 1
) AS e ON true
LEFT JOIN LATERAL (
    SELECT size, note FROM log.checkpoint WHERE tree = %(tree)s ORDER BY size DESC LIMIT 1
) AS c ON true

-- name: labels_used
SELECT label FROM log.label WHERE tree = %(tree)s AND label = ANY(%(labels)b)

-- name: add_batch
-- Entries, their labels (of each entry one after the other, 16 bytes each) and the signed head over them.
WITH entries AS (
    INSERT INTO log.entry (tree, index, leaf, leaf_hash, sealed, at)
    SELECT %(tree)s, %(first)s::bigint + n - 1, leaf, leaf_hash, sealed, %(at)s
    FROM unnest(%(leaves)b::bytea[], %(hashes)b::bytea[], %(sealed)b::bytea[]) WITH ORDINALITY AS new (leaf, leaf_hash, sealed, n)
), labels AS (
    INSERT INTO log.label (tree, label, index)
    SELECT %(tree)s, substring(label FROM 16 * place + 1 FOR 16), %(first)s::bigint + n - 1
    FROM unnest(%(labels)b::bytea[]) WITH ORDINALITY AS new (label, n), generate_series(0, length(label) / 16 - 1) AS place
)
INSERT INTO log.checkpoint (tree, size, note, at) VALUES (%(tree)s, %(size)s, %(note)s, %(at)s)

-- name: add_subtrees
INSERT INTO log.subtree (tree, level, index, hash)
SELECT %(tree)s, level, index, hash
FROM unnest(%(levels)s::smallint[], %(indexes)s::bigint[], %(hashes)b::bytea[]) AS new (level, index, hash)

-- name: all_entries
-- The body's hash is taken here, so that the bodies need not travel.
SELECT index, leaf, leaf_hash, sha256(sealed) FROM log.entry WHERE tree = %(tree)s AND index >= %(first)s ORDER BY index

-- name: last_time
SELECT at FROM log.entry WHERE tree = %(tree)s ORDER BY index DESC LIMIT 1

-- name: checkpoint
SELECT note FROM log.checkpoint WHERE tree = %(tree)s ORDER BY size DESC LIMIT 1

-- name: checkpoints_every
-- The last checkpoint of each hour, and the newest thousand.
SELECT note FROM (
    SELECT DISTINCT ON (date_trunc('hour', at)) size, note FROM log.checkpoint
    WHERE tree = %(tree)s ORDER BY date_trunc('hour', at), size DESC
) AS hourly
UNION
SELECT note FROM (
    SELECT note FROM log.checkpoint WHERE tree = %(tree)s ORDER BY size DESC LIMIT 1000
) AS newest

-- name: checkpoints_between
SELECT size, note FROM log.checkpoint
WHERE tree = %(tree)s AND size > %(after)s AND size <= %(upto)s ORDER BY size

-- name: leaf_hashes
SELECT index, leaf_hash FROM log.entry
WHERE tree = %(tree)s AND index >= %(first)s AND index < %(end)s ORDER BY index

-- name: leaves
SELECT index, leaf FROM log.entry
WHERE tree = %(tree)s AND index >= %(first)s AND index < %(end)s ORDER BY index

-- name: subtrees
SELECT index, hash FROM log.subtree
WHERE tree = %(tree)s AND level = %(level)s AND index >= %(first)s AND index < %(end)s ORDER BY index

-- name: note_pending
INSERT INTO log.pending (kind, public, private, subjects)
VALUES (%(kind)s, %(public)s, %(private)s, %(subjects)s)

-- name: pending
SELECT id, at, kind, public, private, subjects FROM log.pending ORDER BY id LIMIT %(limit)s

-- name: take_pending
DELETE FROM log.pending WHERE id = ANY(%(ids)s) RETURNING id

-- name: agreement_leaves
-- The same condition as the index `entry_agreements`. What still waits for the tree counts as logged: it was noted
-- in the act's own transaction.
SELECT index, leaf, NULL::text, NULL::bytea FROM log.entry
WHERE tree = 'acts' AND substring(leaf FROM 64 FOR 4) IN ('agre'::bytea, 'ball'::bytea, 'key"'::bytea)
UNION ALL
SELECT NULL::bigint, NULL::bytea, kind, public FROM log.pending WHERE kind IN ('agreement', 'ballot', 'key')

-- name: agreement_leaves_of
-- Those of one event.
SELECT leaf, NULL::bytea FROM log.entry
WHERE tree = 'acts' AND substring(leaf FROM 64 FOR 4) IN ('agre'::bytea, 'ball'::bytea, 'key"'::bytea)
  AND position(%(event)s::bytea in leaf) > 0
UNION ALL
SELECT NULL::bytea, public FROM log.pending WHERE kind = 'agreement' AND position(%(event)s::bytea in public) > 0

-- name: entry
SELECT leaf, sealed, at FROM log.entry WHERE tree = %(tree)s AND index = %(index)s

-- name: label_index
SELECT label, index FROM log.label WHERE tree = %(tree)s AND label = ANY(%(labels)b)
