-- name: add_persons
INSERT INTO record.person (jurisdiction, id, sid, ssn_index)
SELECT * FROM unnest(%(jurisdictions)s::text[], %(ids)s::uuid[], %(sids)s::text[], %(indexes)s::bytea[])
ON CONFLICT DO NOTHING

-- name: copy_arrests
COPY record.arrest (jurisdiction, id, version, person, state, step, custody, dc_number, otn, docket, last_key,
    first_key, birth_date, arrested_at, due_at, incident_no) FROM STDIN

-- name: copy_versions
COPY record.version (jurisdiction, arrest, version, act, by_role, by_user, happened_at, recorded_at, note, body, ssn,
    participants_version, interview_version) FROM STDIN

-- name: copy_participants
COPY record.participants (jurisdiction, arrest, version, body) FROM STDIN

-- name: copy_interviews
COPY record.interview (jurisdiction, arrest, version, body) FROM STDIN
