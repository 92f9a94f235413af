-- name: lock
-- The lock alone: what is read is read by the next statement, after any wait is over.
SELECT version FROM record.arrest WHERE jurisdiction = %(jurisdiction)s AND id = %(arrest)s FOR UPDATE

-- name: current
SELECT v.version, v.body::text, v.ssn, p.body::text, i.body::text, v.arrest
FROM record.arrest a
JOIN record.version v ON v.jurisdiction = a.jurisdiction AND v.arrest = a.id AND v.version = a.version
LEFT JOIN record.participants p
    ON p.jurisdiction = v.jurisdiction AND p.arrest = v.arrest AND p.version = v.participants_version
LEFT JOIN record.interview i
    ON i.jurisdiction = v.jurisdiction AND i.arrest = v.arrest AND i.version = v.interview_version
WHERE a.jurisdiction = %(jurisdiction)s AND a.id = %(arrest)s

-- name: file_at
SELECT v.version, v.body::text, v.ssn, p.body::text, i.body::text, v.arrest
FROM record.version v
LEFT JOIN record.participants p
    ON p.jurisdiction = v.jurisdiction AND p.arrest = v.arrest AND p.version = v.participants_version
LEFT JOIN record.interview i
    ON i.jurisdiction = v.jurisdiction AND i.arrest = v.arrest AND i.version = v.interview_version
WHERE v.jurisdiction = %(jurisdiction)s AND v.arrest = %(arrest)s AND v.recorded_at <= %(at)s
ORDER BY v.version DESC LIMIT 1

-- name: count
SELECT count(*) FROM record.arrest WHERE jurisdiction = %s AND state <> 'expunged'

-- name: lock_next
SELECT id::text AS taken FROM record.arrest
-- No "or it is null" here: the plan for any value would then read the index from its beginning for every batch.
WHERE jurisdiction = %(jurisdiction)s AND id > %(after)s AND state <> 'expunged'
ORDER BY id LIMIT %(limit)s FOR UPDATE

-- name: many
-- The current version of many files, by id.
SELECT v.version, v.body::text, v.ssn, p.body::text, i.body::text, v.arrest
FROM record.arrest a
JOIN record.version v ON v.jurisdiction = a.jurisdiction AND v.arrest = a.id AND v.version = a.version
LEFT JOIN record.participants p
    ON p.jurisdiction = v.jurisdiction AND p.arrest = v.arrest AND p.version = v.participants_version
LEFT JOIN record.interview i
    ON i.jurisdiction = v.jurisdiction AND i.arrest = v.arrest AND i.version = v.interview_version
WHERE a.jurisdiction = %(jurisdiction)s AND a.id = ANY(%(arrests)s::uuid[])
ORDER BY a.id

-- name: history
SELECT version, act, by_role, by_user, happened_at, recorded_at, body IS NULL
FROM record.version WHERE jurisdiction = %(jurisdiction)s AND arrest = %(arrest)s ORDER BY version

-- name: corrections
SELECT version, note ->> 'reason' FROM record.version
WHERE jurisdiction = %(jurisdiction)s AND arrest = %(arrest)s AND act = 'correct' AND body IS NOT NULL
ORDER BY version

-- name: compartments
-- Which rows hold the victims and the interview of a version.
SELECT participants_version, interview_version FROM record.version
WHERE jurisdiction = %(jurisdiction)s AND arrest = %(arrest)s AND version = %(version)s

-- name: add_arrest
INSERT INTO record.arrest (jurisdiction, id, version, person, state, step, custody, dc_number, incident_no, otn,
    docket, last_key, first_key, birth_date, arrested_at, due_at)
VALUES (%(jurisdiction)s, %(id)s, %(version)s, %(person)s, %(state)s, %(step)s, %(custody)s, %(dc_number)s,
    CASE WHEN %(dc_number)s::text IS NOT NULL THEN 1 + (
        SELECT coalesce(max(incident_no), 0) FROM record.arrest
        WHERE jurisdiction = %(jurisdiction)s AND dc_number = %(dc_number)s
    ) END,
    %(otn)s, %(docket)s, %(last_key)s, %(first_key)s, %(birth_date)s, %(arrested_at)s, %(due_at)s)

-- name: move_arrest
-- MUST be under the file's lock: `before` is the version that was read under it.
UPDATE record.arrest SET version = %(version)s, person = %(person)s, state = %(state)s, step = %(step)s,
    custody = %(custody)s, otn = %(otn)s, docket = %(docket)s, last_key = %(last_key)s, first_key = %(first_key)s,
    birth_date = %(birth_date)s, arrested_at = %(arrested_at)s, due_at = %(due_at)s,
    dc_number = %(dc_number)s, incident_no = CASE WHEN %(dc_number)s::text IS NOT NULL THEN incident_no END
WHERE jurisdiction = %(jurisdiction)s AND id = %(id)s AND version = %(before)s

-- name: add_version
INSERT INTO record.version (jurisdiction, arrest, version, act, by_role, by_user, happened_at, recorded_at, note, body,
    ssn, participants_version, interview_version)
VALUES (%(jurisdiction)s, %(arrest)s, %(version)s, %(act)s, %(by_role)s, %(by_user)s, %(happened_at)s,
    coalesce(%(recorded_at)s, clock_timestamp()), %(note)s::jsonb, %(body)s::jsonb, %(ssn)s,
    %(participants_version)s, %(interview_version)s)

-- name: add_participants
INSERT INTO record.participants (jurisdiction, arrest, version, body)
VALUES (%(jurisdiction)s, %(arrest)s, %(version)s, %(body)s::jsonb)

-- name: add_interview
INSERT INTO record.interview (jurisdiction, arrest, version, body)
VALUES (%(jurisdiction)s, %(arrest)s, %(version)s, %(body)s::jsonb)

-- name: empty_versions
UPDATE record.version SET body = NULL, ssn = NULL, note = NULL, participants_version = NULL, interview_version = NULL
WHERE jurisdiction = %(jurisdiction)s AND arrest = %(arrest)s

-- name: empty_participants
DELETE FROM record.participants WHERE jurisdiction = %(jurisdiction)s AND arrest = %(arrest)s

-- name: empty_interview
DELETE FROM record.interview WHERE jurisdiction = %(jurisdiction)s AND arrest = %(arrest)s

-- name: incident
-- The other arrests of an incident: same person, or not?
SELECT id, person, last_key, first_key, birth_date FROM record.arrest
WHERE jurisdiction = %(jurisdiction)s AND dc_number = %(dc_number)s

-- name: hold_number
-- Two bookings of one DC number, or of one SSN, at the same moment wait for each other.
SELECT pg_advisory_xact_lock(%(key)s)

-- name: by_docket
SELECT id FROM record.arrest WHERE jurisdiction = %(jurisdiction)s AND docket = %(docket)s

-- name: number_taken
-- By another file, or by one that was expunged.
SELECT (SELECT 1 FROM record.arrest WHERE jurisdiction = %(jurisdiction)s AND otn = %(otn)s AND id <> %(id)s),
       (SELECT 1 FROM record.arrest WHERE jurisdiction = %(jurisdiction)s AND docket = %(docket)s AND id <> %(id)s),
       (SELECT 1 FROM record.retired WHERE jurisdiction = %(jurisdiction)s AND mark = ANY(%(marks)s) LIMIT 1)

-- name: retire
INSERT INTO record.retired (jurisdiction, mark) SELECT %(jurisdiction)s, unnest(%(marks)s::bytea[])
ON CONFLICT DO NOTHING

-- name: person_by_sid
SELECT id FROM record.person WHERE jurisdiction = %(jurisdiction)s AND sid = %(sid)s ORDER BY created_at LIMIT 1
FOR KEY SHARE

-- name: person_by_ssn
-- An SSN is only stated: it joins two arrests when the birth date or the last name agrees as well, and
-- never two of one incident, where it was a lie or a slip.
SELECT p.id FROM record.person p
JOIN record.arrest a ON a.jurisdiction = p.jurisdiction AND a.person = p.id
WHERE p.jurisdiction = %(jurisdiction)s AND p.ssn_index = %(ssn_index)s
    AND (a.birth_date = %(birth_date)s OR a.last_key = %(last_key)s)
    AND NOT EXISTS (
        SELECT FROM record.arrest b
        WHERE b.jurisdiction = p.jurisdiction AND b.person = p.id AND b.dc_number = %(dc_number)s
    )
ORDER BY p.created_at LIMIT 1
FOR KEY SHARE OF p

-- name: add_person
INSERT INTO record.person (jurisdiction, id, sid, ssn_index) VALUES (%(jurisdiction)s, %(id)s, %(sid)s, %(ssn_index)s)

-- name: identify_person
-- What an act learned about an identity; what is known already stays.
UPDATE record.person SET sid = coalesce(sid, %(sid)s), ssn_index = coalesce(ssn_index, %(ssn_index)s)
WHERE jurisdiction = %(jurisdiction)s AND id = %(id)s
    AND ((sid IS NULL AND %(sid)s::text IS NOT NULL) OR (ssn_index IS NULL AND %(ssn_index)s::bytea IS NOT NULL))

-- name: lock_person
-- A booking that is finding this identity now finishes first, or finds it gone.
SELECT 1 FROM record.person WHERE jurisdiction = %(jurisdiction)s AND id = %(person)s FOR UPDATE

-- name: other_arrests
SELECT count(*) FROM record.arrest
WHERE jurisdiction = %(jurisdiction)s AND person = %(person)s AND id <> %(arrest)s

-- name: forget_person
DELETE FROM record.person WHERE jurisdiction = %(jurisdiction)s AND id = %(person)s

-- name: doom_person
INSERT INTO record.doomed_person (jurisdiction, person) VALUES (%(jurisdiction)s, %(person)s) ON CONFLICT DO NOTHING

-- name: doomed
SELECT person FROM record.doomed_person WHERE jurisdiction = %(jurisdiction)s ORDER BY person LIMIT 500

-- name: destroyed
DELETE FROM record.doomed_person WHERE jurisdiction = %(jurisdiction)s AND person = ANY(%(persons)s)

-- name: queue_step
SELECT id FROM record.arrest WHERE jurisdiction = %(jurisdiction)s AND step = %(step)s
    AND state NOT IN ('expunged', 'withdrawn')
ORDER BY due_at NULLS LAST, id LIMIT %(limit)s

-- name: queue_held
SELECT id FROM record.arrest WHERE jurisdiction = %(jurisdiction)s AND custody = 'held'
    AND state NOT IN ('expunged', 'withdrawn')
ORDER BY due_at NULLS LAST, id LIMIT %(limit)s

-- name: find_by_name
SELECT id FROM record.arrest
WHERE jurisdiction = %(jurisdiction)s AND last_key = %(last)s AND state <> 'expunged'
    AND (%(first)s::text IS NULL OR first_key = %(first)s)
    AND (%(birth_date)s::date IS NULL OR birth_date = %(birth_date)s)
ORDER BY arrested_at DESC NULLS LAST, id LIMIT %(limit)s

-- name: find_by_dc_number
SELECT id FROM record.arrest WHERE jurisdiction = %(jurisdiction)s AND dc_number = %(number)s
ORDER BY incident_no LIMIT %(limit)s

-- name: find_by_docket
SELECT id FROM record.arrest WHERE jurisdiction = %(jurisdiction)s AND docket = %(number)s LIMIT %(limit)s

-- name: find_by_otn
SELECT id FROM record.arrest WHERE jurisdiction = %(jurisdiction)s AND otn = %(number)s LIMIT %(limit)s
