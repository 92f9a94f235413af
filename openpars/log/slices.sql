-- name: days
-- Which entries are of which civil day: times rise with the index.
SELECT (at AT TIME ZONE %(zone)s)::date AS day, min(index), max(index) + 1
FROM log.entry WHERE tree = %(tree)s AND at >= %(since)s AND at < %(until)s GROUP BY day ORDER BY day

-- name: slice
SELECT index, leaf, sealed, at FROM log.entry
WHERE tree = %(tree)s AND index >= %(first)s AND index < %(end)s ORDER BY index

-- name: with_word
-- Leaves are canonical JSON, so a public word stands in them as it is written here.
SELECT index, leaf, sealed, at FROM log.entry
WHERE tree = %(tree)s AND index < %(end)s AND position(%(word)s::bytea IN leaf) > 0 ORDER BY index
