-- What may be shared, who decided it, and when. Texts, ballots and events are only ever added.
CREATE SCHEMA agreements;

-- One row per agreement: what every change of its life locks first (SELECT ... FOR UPDATE).
CREATE TABLE agreements.agreement (
    id           text PRIMARY KEY CHECK (id ~ '^[a-z][a-z0-9-]{0,39}$'),
    provider     text NOT NULL,
    recipient    text NOT NULL,
    epoch        bigint NOT NULL DEFAULT 1,   -- the fence: moves when it is suspended or ended, never back
    suspended_by text,
    notice_at    timestamptz,                 -- when notice of the end was given; null again once it has ended
    notice_ends  timestamptz,                 -- the instant it was given for, itself not included
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((notice_at IS NULL) = (notice_ends IS NULL))
);

CREATE TABLE agreements.version (
    agreement    text NOT NULL REFERENCES agreements.agreement,
    number       integer NOT NULL CHECK (number > 0),
    text         text NOT NULL,               -- as proposed, comments and all
    canonical    text NOT NULL,               -- what is voted on and obeyed
    hash         text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
    state        text NOT NULL CHECK (state IN
                     ('proposed', 'rejected', 'balloted', 'in_force', 'suspended', 'superseded', 'ended')),
    begins       timestamptz NOT NULL,
    ends         timestamptz NOT NULL,        -- not included
    ended_at     timestamptz,                 -- set when it ended, early or not
    reconstructed boolean NOT NULL DEFAULT false,  -- entered as history: never voted on here, never in force here
    proposed_by  text NOT NULL,
    proposed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (agreement, number),
    CHECK (begins < ends),
    CHECK (NOT reconstructed OR state = 'ended')
);

-- Two versions of one agreement are never in force at once.
CREATE UNIQUE INDEX version_in_force ON agreements.version (agreement) WHERE state IN ('in_force', 'suspended');

CREATE TABLE agreements.ballot (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agreement    text NOT NULL,
    version      integer NOT NULL,
    stakeholder  text NOT NULL,
    question     text NOT NULL CHECK (question IN ('enact', 'renew', 'end', 'amend')),
    choice       text NOT NULL CHECK (choice IN ('yes', 'no', 'abstain')),
    hash         text NOT NULL,
    round        integer NOT NULL CHECK (round > 0),
    expires      timestamptz NOT NULL,
    signature    text,                        -- base64 Ed25519 over the statement; null: unsigned, demo mode
    key          text CHECK (key ~ '^[0-9a-f]{64}$'),  -- fingerprint of the ballot key; null: unsigned
    -- SHA-256 of the statement. A ballot that was once cast cannot be cast again by whoever kept a copy.
    statement    text NOT NULL UNIQUE,
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (agreement, version) REFERENCES agreements.version
);
CREATE INDEX ballot_version ON agreements.ballot (agreement, version);

-- One asking of one question about one text, and the date by which the owners must have spoken. A question
-- that was lost and is asked again is a new round, and the ballots of the old one do not count in it.
CREATE TABLE agreements.round (
    agreement    text NOT NULL,
    version      integer NOT NULL,
    question     text NOT NULL CHECK (question IN ('enact', 'renew', 'end', 'amend')),
    number       integer NOT NULL CHECK (number > 0),
    rules        integer NOT NULL,            -- the version whose rules decide: the one in force, if any
    asked_by     text NOT NULL,
    asked_at     timestamptz NOT NULL,
    closes_at    timestamptz NOT NULL CHECK (asked_at < closes_at),
    outcome      text NOT NULL DEFAULT 'pending' CHECK (outcome IN ('pending', 'carried', 'lost', 'void')),
    decided_at   timestamptz,
    FOREIGN KEY (agreement, version) REFERENCES agreements.version,
    FOREIGN KEY (agreement, rules) REFERENCES agreements.version
);
-- About a text there are two matters: whether it comes into force, and whether it ends.
CREATE UNIQUE INDEX round_number ON agreements.round (agreement, version, (question = 'end'), number);
CREATE UNIQUE INDEX round_open ON agreements.round (agreement, version, (question = 'end')) WHERE outcome = 'pending';

-- Attempts to prove a version, and to say what it changes; the last one counts. `manifest` has a hash of every part,
-- and its own hash is in a leaf of the acts tree: who swaps a part is found out.
CREATE TABLE agreements.proof (
    agreement    text NOT NULL,
    version      integer NOT NULL,
    attempt      integer NOT NULL CHECK (attempt > 0),
    before       integer,                     -- the version it was compared with; null: it is the first
    difference   text,                        -- JSON; null: not worked out, or nothing to compare with
    solver       text,                        -- null: there was none
    manifest     text NOT NULL,               -- canonical JSON
    made_at      timestamptz NOT NULL,
    PRIMARY KEY (agreement, version, attempt),
    FOREIGN KEY (agreement, version) REFERENCES agreements.version,
    FOREIGN KEY (agreement, before) REFERENCES agreements.version,
    CHECK (difference IS NULL OR before IS NOT NULL)
);

-- What a solver was asked about a version in one attempt, for any other solver to check. The text can be made
-- without a solver, so a null answer means: not asked here.
CREATE TABLE agreements.certificate (
    place        bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    agreement    text NOT NULL,
    version      integer NOT NULL,
    attempt      integer NOT NULL,
    property     text NOT NULL,
    says         text NOT NULL,
    text         text NOT NULL,               -- SMT-LIB 2; it names the agreement's hash
    bars         text NOT NULL CHECK (bars ~ '^[0-9a-f]{64}$'),
    catalogue    text NOT NULL CHECK (catalogue ~ '^[0-9a-f]{64}$'),
    answer       text CHECK (answer IN ('unsat', 'sat')),  -- unsat: proved
    solver       text,
    PRIMARY KEY (agreement, version, attempt, property),
    FOREIGN KEY (agreement, version, attempt) REFERENCES agreements.proof,
    CHECK ((answer IS NULL) = (solver IS NULL))
);

CREATE TABLE agreements.event (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agreement    text NOT NULL,
    version      integer NOT NULL,
    what         text NOT NULL CHECK (what IN
                     ('proposed', 'asked', 'ballot', 'carried', 'lost', 'void', 'started', 'superseded', 'renewed', 'suspended',
                      'resumed', 'notice', 'notice_withdrawn', 'warning', 'letter_drafted', 'letter_served', 'letter_replied',
                      'letter_discarded', 'letter_published', 'barred', 'narrowed', 'ended', 'lapsed', 'note')),
    at           timestamptz NOT NULL,        -- when it happened
    by           text NOT NULL,
    reason       text,
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (agreement, version) REFERENCES agreements.version
);
CREATE INDEX event_agreement ON agreements.event (agreement, id);

-- Which warning of which end was recorded: each once, whatever is killed or set back when.
CREATE TABLE agreements.warning (
    agreement    text NOT NULL,
    version      integer NOT NULL,
    ends         timestamptz NOT NULL,        -- the end that is warned of; notice may move it
    days         integer NOT NULL CHECK (days > 0),
    at           timestamptz NOT NULL,        -- its instant
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (agreement, version, ends, days),
    FOREIGN KEY (agreement, version) REFERENCES agreements.version
);

-- The public keys with which the owners' delegates sign ballots: `agreements.ballots.good_keys` says which
-- of these rows are to be believed. A key is never changed, only revoked.
CREATE TABLE agreements.ballot_key (
    id           text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{64}$'),   -- SHA-256 of the public key
    provider     text NOT NULL,
    stakeholder  text NOT NULL,
    label        text NOT NULL CHECK (length(label) BETWEEN 1 AND 80),
    public_key   bytea NOT NULL UNIQUE CHECK (length(public_key) = 32),
    proof        text NOT NULL,               -- base64: the key's own signature over its registration
    endorsed_by  text REFERENCES agreements.ballot_key,            -- null: the founding key
    endorsement  text,
    since        timestamptz NOT NULL,
    revoked_at   timestamptz,
    revoked_by   text,
    revoked_why  text,
    CHECK ((endorsed_by IS NULL) = (endorsement IS NULL))
);

-- Bars that the city switched on or off. Only the owner's login writes here, in the transaction that also notes the
-- act for the log and ends or narrows what the bar forbids: no desk can flip a bar by an INSERT.
CREATE TABLE agreements.bar_switch (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider     text NOT NULL,
    bar          text NOT NULL,
    turned_on    boolean NOT NULL,
    at           timestamptz NOT NULL,        -- from this instant on
    by           text NOT NULL,
    reason       text NOT NULL
);
CREATE INDEX bar_switch_provider ON agreements.bar_switch (provider, id);

-- Every change of an agreement's life holds this one row FOR SHARE; switching a bar takes it FOR UPDATE. So no ballot
-- and no start is decided under bars that are just being switched. Taken before any agreement's row.
CREATE TABLE agreements.bar_gate (nothing int);
INSERT INTO agreements.bar_gate VALUES (0);

GRANT USAGE ON SCHEMA agreements TO openpars_desk, openpars_door;
GRANT SELECT ON ALL TABLES IN SCHEMA agreements TO openpars_desk, openpars_door;

-- The register of correspondence. A letter is never changed; what becomes of it is a step, each at most once.
CREATE TABLE agreements.letter (
    agreement    text NOT NULL,
    number       integer NOT NULL CHECK (number > 0),
    version      integer NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('notice', 'inquiry', 'breach', 'renewal')),
    content      text NOT NULL,               -- canonical JSON: the PDF is made of it and of nothing else
    hash         text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),   -- SHA-256 of it
    deadline     date,                        -- the last civil day for an answer, in the agreement's zone
    written_by   text NOT NULL,
    written_at   timestamptz NOT NULL,
    PRIMARY KEY (agreement, number),
    FOREIGN KEY (agreement, version) REFERENCES agreements.version
);
CREATE TABLE agreements.letter_step (
    agreement    text NOT NULL,
    letter       integer NOT NULL,
    step         text NOT NULL CHECK (step IN ('served', 'replied', 'discarded', 'published')),
    day          date NOT NULL,               -- when it happened, in the agreement's zone
    how          text CHECK (how IN ('email', 'hand', 'post', 'portal')),
    who          text,                        -- who answered
    words        text,                        -- the proof of service, or the answer in short
    by           text NOT NULL,
    at           timestamptz NOT NULL,        -- when it was recorded
    PRIMARY KEY (agreement, letter, step),
    FOREIGN KEY (agreement, letter) REFERENCES agreements.letter,
    CHECK ((step = 'served') = (how IS NOT NULL)),
    CHECK ((step = 'replied') = (who IS NOT NULL))
);
-- The door has no business with the city's letters.
GRANT SELECT, INSERT ON agreements.letter, agreements.letter_step TO openpars_desk;
GRANT INSERT ON agreements.agreement, agreements.version, agreements.proof, agreements.certificate, agreements.ballot,
    agreements.event, agreements.round, agreements.ballot_key, agreements.warning TO openpars_desk;
-- No login changes a text, a hash, a term, a ballot or an event; none deletes anything.
GRANT UPDATE (epoch, suspended_by, notice_at, notice_ends) ON agreements.agreement TO openpars_desk;
GRANT UPDATE (state, ended_at) ON agreements.version TO openpars_desk;
GRANT UPDATE (outcome, decided_at) ON agreements.round TO openpars_desk;
GRANT UPDATE (revoked_at, revoked_by, revoked_why) ON agreements.ballot_key TO openpars_desk;
GRANT UPDATE ON agreements.bar_gate TO openpars_desk;
