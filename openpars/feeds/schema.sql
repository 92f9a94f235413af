-- What the court's daily files have said so far. No name, docket number or bail stands here: keyed hashes
-- only, because a second copy of a person's record would outlive an expungement.
CREATE SCHEMA feeds;

CREATE TABLE feeds.docket (
    jurisdiction text NOT NULL,
    key          text NOT NULL,                -- keyed hash of the docket number
    arrest       uuid,                         -- the arrest file that the docket became
    filed_at     timestamptz NOT NULL,
    standing     text NOT NULL CHECK (standing IN ('listed', 'aged', 'withdrawn', 'unknown')),
    said_at      timestamptz NOT NULL,         -- when what follows was last found changed
    name         text NOT NULL,                -- keyed hashes of what was last said; '' = nothing
    zip          text NOT NULL,
    bail         text NOT NULL,
    represented  text NOT NULL,
    custody      text NOT NULL,
    PRIMARY KEY (jurisdiction, key)
);
CREATE INDEX docket_listed ON feeds.docket (jurisdiction) WHERE standing = 'listed';

CREATE TABLE feeds.snapshot (
    jurisdiction text NOT NULL,
    digest       text NOT NULL,                -- SHA-256 of the file: the same file again changes nothing
    first_filed  timestamptz NOT NULL,
    last_filed   timestamptz NOT NULL,
    last_bail    timestamptz,
    read_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (jurisdiction, digest)
);

GRANT USAGE ON SCHEMA feeds TO openpars_desk;
GRANT SELECT, INSERT, UPDATE ON feeds.docket, feeds.snapshot TO openpars_desk;
