-- The record: what happened. Every act adds a version; nothing here is overwritten, and only an
-- expungement empties. Every key begins with the jurisdiction: it is what this would be sharded by.
CREATE SCHEMA record;

-- An identity across arrests. Matched by State Police number or by a blind index of the SSN, never by name.
CREATE TABLE record.person (
    jurisdiction text NOT NULL,
    id           uuid NOT NULL,                -- never leaves the city; the log's person key has the same name
    sid          text,
    ssn_index    bytea,                        -- HMAC of the SSN under the record key
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (jurisdiction, id)
);
CREATE INDEX person_sid ON record.person (jurisdiction, sid) WHERE sid IS NOT NULL;
CREATE INDEX person_ssn ON record.person (jurisdiction, ssn_index) WHERE ssn_index IS NOT NULL;

-- One row an arrest: the lock every act takes first, and the columns queues and look-ups need.
-- All but the id can be derived from the current version (record.store.columns).
CREATE TABLE record.arrest (
    jurisdiction text NOT NULL,
    id           uuid NOT NULL,
    version      int  NOT NULL,
    person       uuid,                         -- null once expunged
    state        text NOT NULL,                -- record.rules.State, the seal first
    step         text NOT NULL,                -- the same without the seal: work goes on under a seal
    custody      text,
    dc_number    text,
    incident_no  int,                          -- arrests of one incident, from 1
    otn          text,
    docket       text,
    last_key     text,                         -- record.names.key
    first_key    text,
    birth_date   date,
    arrested_at  timestamptz,
    due_at       timestamptz,                  -- the next limit of any clock that runs
    PRIMARY KEY (jurisdiction, id),
    CHECK ((dc_number IS NULL) = (incident_no IS NULL))
);
CREATE UNIQUE INDEX arrest_dc_number ON record.arrest (jurisdiction, dc_number, incident_no) WHERE dc_number IS NOT NULL;
CREATE UNIQUE INDEX arrest_otn ON record.arrest (jurisdiction, otn) WHERE otn IS NOT NULL;
CREATE UNIQUE INDEX arrest_docket ON record.arrest (jurisdiction, docket) WHERE docket IS NOT NULL;
CREATE INDEX arrest_name ON record.arrest (jurisdiction, last_key, first_key);
CREATE INDEX arrest_person ON record.arrest (jurisdiction, person);
CREATE INDEX arrest_queue ON record.arrest (jurisdiction, step, due_at);
CREATE INDEX arrest_held ON record.arrest (jurisdiction, due_at) WHERE custody = 'held';

-- Every version of every file. `body` is the file without its compartments and without the SSN.
CREATE TABLE record.version (
    jurisdiction text NOT NULL,
    arrest       uuid NOT NULL,
    version      int  NOT NULL CHECK (version >= 1),
    act          text NOT NULL,
    by_role      text NOT NULL,
    by_user      text,                         -- as the desk's program said it
    happened_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    note         jsonb,                        -- the order or the reason behind the act
    body         jsonb,                        -- null once expunged
    ssn          bytea,                        -- AES-256-GCM under the record key, bound to this arrest
    participants_version int,                  -- the version whose row holds the victims and witnesses
    interview_version    int,                  -- the version whose row holds the interview
    PRIMARY KEY (jurisdiction, arrest, version)
    -- No foreign key to arrest: its check keeps the plan it made while the table was small, and then
    -- scans the whole table for every version of a bulk load (240 s instead of 15, measured).
);

-- Victims and crime witnesses: a compartment of their own, a row for each version that changed them.
CREATE TABLE record.participants (
    jurisdiction text NOT NULL,
    arrest       uuid NOT NULL,
    version      int  NOT NULL,
    body         jsonb NOT NULL,
    PRIMARY KEY (jurisdiction, arrest, version)
);

-- The pretrial interview: closed to police and to everybody outside (Pa.R.Crim.P. 530(C)).
CREATE TABLE record.interview (
    jurisdiction text NOT NULL,
    arrest       uuid NOT NULL,
    version      int  NOT NULL,
    body         jsonb NOT NULL,
    PRIMARY KEY (jurisdiction, arrest, version)
);

-- Numbers of expunged files, as keyed marks: a court list that still carries the docket must not bring
-- the file back, and no number is used twice.
CREATE TABLE record.retired (
    jurisdiction text NOT NULL,
    mark         bytea NOT NULL,
    PRIMARY KEY (jurisdiction, mark)
);

-- Persons whose log keys are to be destroyed, until that is done for good (the keys lie outside Postgres).
CREATE TABLE record.doomed_person (
    jurisdiction text NOT NULL,
    person       uuid NOT NULL,
    PRIMARY KEY (jurisdiction, person)
);

-- A version is written once. What may happen to it later is that it is emptied.
CREATE FUNCTION record.only_empty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.body IS NOT NULL OR NEW.ssn IS NOT NULL OR NEW.note IS NOT NULL OR NEW.by_user IS DISTINCT FROM OLD.by_user THEN
        RAISE EXCEPTION 'a version is never overwritten';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER only_empty BEFORE UPDATE ON record.version FOR EACH ROW EXECUTE FUNCTION record.only_empty();

GRANT USAGE ON SCHEMA record TO openpars_desk;
GRANT SELECT, INSERT, UPDATE ON record.arrest TO openpars_desk;
GRANT SELECT, INSERT ON record.version TO openpars_desk;
GRANT UPDATE (body, ssn, note, participants_version, interview_version) ON record.version TO openpars_desk;
GRANT SELECT, INSERT, DELETE ON record.participants, record.interview TO openpars_desk;
GRANT SELECT, INSERT, UPDATE, DELETE ON record.person TO openpars_desk;
GRANT SELECT, INSERT ON record.retired TO openpars_desk;
GRANT SELECT, INSERT, DELETE ON record.doomed_person TO openpars_desk;
