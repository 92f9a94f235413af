-- name: clock
SELECT clock_timestamp()

-- name: lock_name
-- Two proposals of a new agreement under one name wait for each other here: there is no row to lock yet.
SELECT pg_advisory_xact_lock(hashtextextended('openpars agreement ' || %s, 0))

-- name: lock
SELECT id, provider, recipient, epoch, suspended_by, notice_at, notice_ends, clock_timestamp()
FROM agreements.agreement WHERE id = %s FOR UPDATE

-- name: all_names
SELECT id FROM agreements.agreement

-- name: new_agreement
INSERT INTO agreements.agreement (id, provider, recipient) VALUES (%s, %s, %s)

-- name: new_version
INSERT INTO agreements.version
    (agreement, number, text, canonical, hash, state, begins, ends, ended_at, reconstructed, proposed_by)
VALUES (%(agreement)s, %(number)s, %(text)s, %(canonical)s, %(hash)s, %(state)s, %(begins)s, %(ends)s, %(ended_at)s,
        %(reconstructed)s, %(by)s)

-- name: versions_of
SELECT number, hash, state, begins, ends FROM agreements.version WHERE agreement = %s ORDER BY number

-- name: version
SELECT canonical, hash FROM agreements.version WHERE agreement = %s AND number = %s

-- name: set_state
UPDATE agreements.version SET state = %s WHERE agreement = %s AND number = %s

-- name: set_ended
UPDATE agreements.version SET state = 'ended', ended_at = %s WHERE agreement = %s AND number = %s

-- name: move_fence
UPDATE agreements.agreement SET epoch = epoch + 1, suspended_by = %s WHERE id = %s RETURNING epoch

-- name: resume
UPDATE agreements.agreement SET suspended_by = NULL WHERE id = %s

-- name: notice
UPDATE agreements.agreement SET notice_at = %s, notice_ends = %s WHERE id = %s

-- name: new_ballot
INSERT INTO agreements.ballot
    (agreement, version, stakeholder, question, choice, hash, round, expires, signature, key, statement, at)
VALUES (%(agreement)s, %(version)s, %(stakeholder)s, %(question)s, %(choice)s, %(hash)s, %(round)s, %(expires)s,
        %(signature)s, %(key)s, %(statement)s, %(at)s)

-- name: known_statement
SELECT 1 FROM agreements.ballot WHERE statement = %s

-- name: ballots
SELECT stakeholder, agreement, version, hash, question, choice, expires, at, signature, round, key
FROM agreements.ballot WHERE agreement = %s AND version = %s ORDER BY id

-- name: new_event
INSERT INTO agreements.event (agreement, version, what, at, by, reason)
VALUES (%s, %s, %s, %s, %s, %s)

-- name: keys
SELECT id, provider, stakeholder, label, public_key, proof, endorsed_by, endorsement, since, revoked_at, revoked_by,
       revoked_why
FROM agreements.ballot_key WHERE provider = %s ORDER BY since, id

-- name: lock_keys
-- Two first keys of one stakeholder wait for each other here: only one of them founds.
SELECT pg_advisory_xact_lock(hashtextextended('openpars ballot keys ' || %s, 0))

-- name: new_key
INSERT INTO agreements.ballot_key
    (id, provider, stakeholder, label, public_key, proof, endorsed_by, endorsement, since)
VALUES (%(id)s, %(provider)s, %(stakeholder)s, %(label)s, %(public_key)s, %(proof)s, %(endorsed_by)s, %(endorsement)s,
        %(since)s)

-- name: revoke_key
UPDATE agreements.ballot_key SET revoked_at = %s, revoked_by = %s, revoked_why = %s WHERE id = %s

-- name: new_round
INSERT INTO agreements.round (agreement, version, question, number, rules, asked_by, asked_at, closes_at)
VALUES (%(agreement)s, %(version)s, %(question)s, %(number)s, %(rules)s, %(by)s, %(at)s, %(closes)s)

-- name: rounds
SELECT agreement, version, question, number, rules, asked_by, asked_at, closes_at, outcome, decided_at
FROM agreements.round WHERE agreement = %s AND version = %s ORDER BY asked_at, number

-- name: all_rounds
SELECT agreement, version, question, number, rules, asked_by, asked_at, closes_at, outcome, decided_at
FROM agreements.round ORDER BY asked_at, agreement, version, number

-- name: decide_round
UPDATE agreements.round SET outcome = %(outcome)s, decided_at = %(at)s
WHERE agreement = %(agreement)s AND version = %(version)s AND (question = 'end') = %(end)s AND number = %(number)s

-- name: standings
-- What stands ends at the notified instant, whether or not the worker has written that down yet.
SELECT v.agreement, v.number, a.recipient, v.state, v.begins,
       CASE WHEN v.state IN ('balloted', 'in_force', 'suspended') THEN least(v.ends, a.notice_ends)
            ELSE coalesce(v.ended_at, v.ends) END,
       a.epoch, v.hash
FROM agreements.version v JOIN agreements.agreement a ON a.id = v.agreement
ORDER BY v.agreement, v.number

-- name: in_force
SELECT v.agreement, v.number FROM agreements.version v JOIN agreements.agreement a ON a.id = v.agreement
WHERE v.state = 'in_force' AND v.begins <= clock_timestamp() AND clock_timestamp() < least(v.ends, a.notice_ends)
ORDER BY v.agreement

-- name: ending
-- What stands and ends before the instant: its end, and since when that end has stood.
SELECT v.agreement, v.number, least(v.ends, a.notice_ends),
       greatest((SELECT max(e.at) FROM agreements.event e
                 WHERE e.agreement = v.agreement AND e.version = v.number AND e.what = 'started'),
                CASE WHEN a.notice_ends < v.ends THEN a.notice_at END)
FROM agreements.version v JOIN agreements.agreement a ON a.id = v.agreement
WHERE v.state IN ('in_force', 'suspended') AND least(v.ends, a.notice_ends) <= %s
ORDER BY v.agreement

-- name: warned
SELECT days FROM agreements.warning WHERE agreement = %s AND version = %s AND ends = %s

-- name: new_warning
INSERT INTO agreements.warning (agreement, version, ends, days, at) VALUES (%s, %s, %s, %s, %s)

-- name: fences
SELECT id, epoch FROM agreements.agreement WHERE id = ANY (%s)

-- name: due
-- What time alone has made due: a start, an end without a version that goes on, the instant of a notice, a text
-- whose time is over unused.
SELECT agreement, number, what, at FROM (
    SELECT v.agreement, v.number, 'start' AS what, v.begins AS at
    FROM agreements.version v JOIN agreements.agreement a ON a.id = v.agreement
    WHERE v.state = 'balloted' AND a.suspended_by IS NULL AND v.begins <= %(now)s
      AND %(now)s < least(v.ends, a.notice_ends)
    UNION ALL
    SELECT v.agreement, v.number, 'end', v.ends
    FROM agreements.version v JOIN agreements.agreement a ON a.id = v.agreement
    WHERE v.state IN ('in_force', 'suspended') AND v.ends <= %(now)s AND (a.notice_ends IS NULL OR %(now)s < a.notice_ends)
      AND (a.suspended_by IS NOT NULL OR NOT EXISTS (
          SELECT 1 FROM agreements.version n
          WHERE n.agreement = v.agreement AND n.state = 'balloted' AND n.begins <= %(now)s AND %(now)s < n.ends))
    UNION ALL
    SELECT a.id, min(v.number), 'notice', a.notice_ends
    FROM agreements.version v JOIN agreements.agreement a ON a.id = v.agreement
    WHERE v.state IN ('balloted', 'in_force', 'suspended') AND a.notice_ends <= %(now)s
    GROUP BY a.id, a.notice_ends
    UNION ALL
    SELECT v.agreement, v.number, 'lapse', v.ends FROM agreements.version v
    WHERE v.state IN ('proposed', 'balloted') AND v.ends <= %(now)s
    UNION ALL
    -- At the end of its term a text lapses: what was asked about it closes after that, as void.
    SELECT r.agreement, r.version, 'close', least(r.closes_at, %(now)s)
    FROM agreements.round r JOIN agreements.version v ON (v.agreement, v.number) = (r.agreement, r.version)
    WHERE r.outcome = 'pending'
      AND ((r.closes_at <= %(now)s AND r.closes_at < v.ends) OR v.state IN ('ended', 'superseded'))
) d ORDER BY at, what <> 'close', what DESC, agreement

-- name: next_due
SELECT min(at) FROM (
    SELECT begins AS at FROM agreements.version WHERE state = 'balloted'
    UNION ALL
    SELECT ends FROM agreements.version WHERE state IN ('proposed', 'balloted', 'in_force', 'suspended')
    UNION ALL
    SELECT notice_ends FROM agreements.agreement WHERE notice_ends IS NOT NULL
    UNION ALL
    SELECT closes_at FROM agreements.round WHERE outcome = 'pending'
) d WHERE at > %(now)s

-- name: listing
-- The term is over at its second, whether or not the worker has written that down yet.
SELECT v.agreement, v.number, a.provider, a.recipient,
       CASE WHEN v.state IN ('in_force', 'suspended') AND least(v.ends, a.notice_ends) <= clock_timestamp()
            THEN 'ended' ELSE v.state END,
       v.hash, v.begins, v.ends,
       CASE WHEN v.state IN ('in_force', 'suspended') AND least(v.ends, a.notice_ends) <= clock_timestamp()
            THEN least(v.ends, a.notice_ends) ELSE v.ended_at END,
       v.reconstructed, v.text, a.notice_at, a.notice_ends, a.suspended_by
FROM agreements.version v JOIN agreements.agreement a ON a.id = v.agreement ORDER BY v.agreement, v.number

-- name: all_ballots
SELECT stakeholder, agreement, version, hash, question, choice, expires, at, signature, round, key
FROM agreements.ballot ORDER BY id

-- name: all_events
-- What the public may know. A letter that was not served is nobody else's business.
SELECT agreement, version, what, at, by, reason FROM agreements.event
WHERE what NOT IN ('letter_drafted', 'letter_discarded') ORDER BY at, id

-- name: every_event
-- For the comparison with the acts tree, which has all of them.
SELECT agreement, version, what, at, by, reason FROM agreements.event ORDER BY at, id

-- name: recipient_name
SELECT name FROM accounts.recipient WHERE id = %s

-- name: next_letter
SELECT coalesce(max(number), 0) + 1 FROM agreements.letter WHERE agreement = %s

-- name: new_letter
INSERT INTO agreements.letter (agreement, number, version, kind, content, hash, deadline, written_by, written_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)

-- name: new_letter_step
INSERT INTO agreements.letter_step (agreement, letter, step, day, how, who, words, by, at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)

-- name: letters
SELECT l.agreement, l.number, l.version, l.kind, l.content, l.hash, l.deadline, l.written_by, l.written_at
FROM agreements.letter l WHERE %(agreement)s::text IS NULL OR l.agreement = %(agreement)s ORDER BY l.agreement, l.number

-- name: letter_steps
SELECT s.agreement, s.letter, s.step, s.day, s.how, s.who, s.words, s.by, s.at
FROM agreements.letter_step s WHERE %(agreement)s::text IS NULL OR s.agreement = %(agreement)s ORDER BY s.at

-- name: hold_bars
SELECT nothing FROM agreements.bar_gate FOR SHARE

-- name: close_bars
SELECT nothing FROM agreements.bar_gate FOR UPDATE

-- name: all_switched
-- Whether anything has changed is told by the rows; what they are worth, by `switches`.
SELECT id, provider, bar, turned_on, at, by, reason FROM agreements.bar_switch ORDER BY id

-- name: switches
-- The rows, then what the acts tree says of bars; at one instant, or a switch made between the two would look forged.
SELECT id, provider, bar, turned_on, at, by, reason, NULL::bytea FROM agreements.bar_switch
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, leaf FROM log.told_of_bars() AS leaf
ORDER BY 1

-- name: new_switch
INSERT INTO agreements.bar_switch (provider, bar, turned_on, at, by, reason) VALUES (%s, %s, %s, %s, %s, %s) RETURNING id

-- name: agreements_with
SELECT id, recipient FROM agreements.agreement WHERE provider = %s ORDER BY id

-- name: new_certificate
INSERT INTO agreements.certificate
    (agreement, version, attempt, property, says, text, bars, catalogue, answer, solver)
VALUES (%(agreement)s, %(version)s, %(attempt)s, %(name)s, %(says)s, %(text)s, %(bars)s, %(catalogue)s, %(answer)s,
        %(solver)s)

-- name: new_proof
-- Two that try at once make one attempt: the second finds it made.
INSERT INTO agreements.proof (agreement, version, attempt, before, difference, solver, manifest, made_at)
VALUES (%(agreement)s, %(version)s, %(attempt)s, %(before)s, %(difference)s, %(solver)s, %(manifest)s, %(at)s)
ON CONFLICT DO NOTHING RETURNING attempt

-- name: unproved
-- Versions with their last attempt, if there was one, and whether all of it was answered.
SELECT v.agreement, v.number, coalesce(p.attempt, 0), p.solver,
    p.attempt IS NOT NULL AND p.solver IS NOT NULL AND (p.before IS NULL OR p.difference IS NOT NULL)
    AND NOT EXISTS (SELECT FROM agreements.certificate c WHERE (c.agreement, c.version, c.attempt)
                        = (p.agreement, p.version, p.attempt) AND c.answer IS NULL)
FROM agreements.version v LEFT JOIN LATERAL (
    SELECT * FROM agreements.proof p WHERE (p.agreement, p.version) = (v.agreement, v.number)
    ORDER BY attempt DESC LIMIT 1
) p ON true
ORDER BY v.agreement, v.number

-- name: version_before
-- What a version is compared with: the one in force, else the last one that was not voted down.
SELECT number FROM agreements.version
WHERE agreement = %s AND number < %s AND state <> 'rejected'
ORDER BY state IN ('in_force', 'suspended') DESC, number DESC LIMIT 1

-- name: proofs
-- Attempts: all, or of one agreement, or of one version; `last`: the one of each version that counts.
SELECT agreement, version, attempt, before, difference, solver, manifest, made_at FROM agreements.proof p
WHERE (%(agreement)s::text IS NULL OR agreement = %(agreement)s)
  AND (%(version)s::int IS NULL OR version = %(version)s)
  AND (NOT %(last)s OR attempt = (SELECT max(attempt) FROM agreements.proof o
                                  WHERE (o.agreement, o.version) = (p.agreement, p.version)))
ORDER BY agreement, version DESC, attempt

-- name: certificates
-- Their texts as hashes: a text can be long, and what is compared is its hash.
SELECT c.agreement, c.version, c.attempt, c.property, c.says, encode(sha256(convert_to(c.text, 'UTF8')), 'hex'), c.bars,
       c.catalogue, c.answer, c.solver
FROM agreements.certificate c
JOIN unnest(%(agreements)s::text[], %(versions)s::int[], %(attempts)s::int[]) AS wanted (agreement, version, attempt)
  USING (agreement, version, attempt)
ORDER BY c.place

-- name: certificate_text
SELECT text FROM agreements.certificate WHERE agreement = %s AND version = %s AND property = %s
ORDER BY attempt DESC LIMIT 1
