-- name: insert_staff_key
INSERT INTO accounts.staff_key (role, label, token_hash, link_hash) VALUES (%s, %s, %s, %s) RETURNING id

-- name: insert_recipient
INSERT INTO accounts.recipient (id, name) SELECT %(id)s, %(name)s
WHERE NOT EXISTS (SELECT FROM accounts.recipient WHERE id = %(id)s)

-- name: insert_recipient_key
INSERT INTO accounts.recipient_key (recipient, organisation, label, token_hash, link_hash)
VALUES (%s, %s, %s, %s, %s) RETURNING id

-- name: staff_by_token
SELECT id, role FROM accounts.staff_key WHERE token_hash = %s AND revoked_at IS NULL

-- name: staff_by_link
SELECT id, role FROM accounts.staff_key WHERE link_hash = %s AND revoked_at IS NULL

-- name: recipient_by_token
SELECT id, recipient, organisation FROM accounts.recipient_key WHERE token_hash = %s AND revoked_at IS NULL

-- name: recipient_by_link
SELECT id, recipient, organisation FROM accounts.recipient_key WHERE link_hash = %s AND revoked_at IS NULL

-- name: live_recipient_keys
SELECT id FROM accounts.recipient_key WHERE id = ANY(%s) AND revoked_at IS NULL

-- name: revoke_staff_key
UPDATE accounts.staff_key SET revoked_at = clock_timestamp() WHERE id = %s AND revoked_at IS NULL

-- name: revoke_recipient_key
UPDATE accounts.recipient_key SET revoked_at = clock_timestamp() WHERE id = %s AND revoked_at IS NULL

-- name: start_staff_session
INSERT INTO accounts.staff_session (token_hash, key) VALUES (%s, %s)

-- name: start_recipient_session
INSERT INTO accounts.recipient_session (token_hash, key) VALUES (%s, %s)

-- name: staff_by_session
-- CJIS AC-11 and IA-5: 30 minutes idle, 12 hours at most. Both are counted here, never in the browser.
UPDATE accounts.staff_session s SET seen_at = clock_timestamp()
FROM accounts.staff_key k
WHERE s.token_hash = %s AND k.id = s.key AND k.revoked_at IS NULL
  AND s.seen_at > clock_timestamp() - interval '30 minutes'
  AND s.started_at > clock_timestamp() - interval '12 hours'
RETURNING k.id, k.role

-- name: recipient_by_session
UPDATE accounts.recipient_session s SET seen_at = clock_timestamp()
FROM accounts.recipient_key k
WHERE s.token_hash = %s AND k.id = s.key AND k.revoked_at IS NULL
  AND s.seen_at > clock_timestamp() - interval '30 minutes'
  AND s.started_at > clock_timestamp() - interval '12 hours'
RETURNING k.id, k.recipient, k.organisation

-- name: end_staff_session
DELETE FROM accounts.staff_session WHERE token_hash = %s

-- name: end_recipient_session
DELETE FROM accounts.recipient_session WHERE token_hash = %s
