-- name: clock
SELECT clock_timestamp()

-- name: used
SELECT count(*) FROM disclosure.use WHERE key = %s AND day = %s AND agreement = %s

-- name: use
INSERT INTO disclosure.use (agreement, key, day) SELECT * FROM unnest(%s::text[], %s::uuid[], %s::date[])
