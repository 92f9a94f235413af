-- name: clock
SELECT clock_timestamp()

-- name: used
SELECT count(*) FROM disclosure.use WHERE key = %s AND day = %s AND agreement = %s

-- name: recheck
-- Everything an answer still depends on, and the count of its search, in one trip to the server.
WITH spent AS (
    INSERT INTO disclosure.use (agreement, key, day)
    SELECT * FROM unnest(%(used)s::text[], %(users)s::uuid[], %(days)s::date[])
)
SELECT clock_timestamp(),
       ARRAY(SELECT id FROM accounts.recipient_key WHERE id = ANY(%(keys)s) AND revoked_at IS NULL),
       ARRAY(SELECT id FROM agreements.agreement WHERE id = ANY(%(agreements)s) ORDER BY id),
       ARRAY(SELECT epoch FROM agreements.agreement WHERE id = ANY(%(agreements)s) ORDER BY id),
       ARRAY(SELECT v.number FROM agreements.agreement a
             LEFT JOIN agreements.version v ON v.agreement = a.id AND v.state = 'in_force'
              -- Notice may have been given since our copy of the register was made.
              AND clock_timestamp() < least(v.ends, a.notice_ends)
             WHERE a.id = ANY(%(agreements)s) ORDER BY a.id)
