-- The bookkeeping of the shares. The shares themselves are tables in schemas of their own, one per
-- agreement, made at enactment and dropped at the end: see shares.tables.
CREATE SCHEMA shares;

-- Every act holds this table ROW SHARE until it commits; making or dropping a share takes it EXCLUSIVE.
-- So no act that began before a share was registered can miss it, and none writes into a dropped one.
-- A table lock and not an advisory one: a recipient's own login could sit on an advisory lock.
CREATE TABLE shares.gate (nothing int);

-- Held while a login is cut off or dropped: the desk that ends an agreement and the worker that finds it
-- ended may both be at it. Taken before the gate, never after.
CREATE TABLE shares.cut (nothing int);

CREATE TABLE shares.share (
    agreement   text NOT NULL,
    version     int  NOT NULL,
    purpose     text NOT NULL,
    combinations text[] NOT NULL,           -- find_by combinations, fields joined by '+': column k<n> each
    state       text NOT NULL CHECK (state IN ('filling', 'live', 'closed')),
    round       int NOT NULL DEFAULT 1,     -- moves when the share is emptied to be filled anew
    reached     uuid,                       -- every file up to this one has been filled in, in this round
    filled      bigint NOT NULL DEFAULT 0,  -- how many files those are
    files       bigint,                     -- how many there were when the round began
    PRIMARY KEY (agreement, version, purpose)
);

-- The public id of a person in a file, random, 128 bits, and different for each agreement.
CREATE TABLE shares.identity (
    agreement   text NOT NULL,
    arrest      uuid NOT NULL,
    slot        text NOT NULL,
    id          uuid NOT NULL UNIQUE,
    PRIMARY KEY (arrest, agreement, slot)
);

-- Which rows of which share come from which arrest, and a digest of what each holds.
CREATE TABLE shares.kept (
    arrest      uuid NOT NULL,
    agreement   text NOT NULL,
    version     int  NOT NULL,
    purpose     text NOT NULL,
    slot        text NOT NULL,
    grant_no    int  NOT NULL,
    id          uuid NOT NULL,
    digest      bytea NOT NULL,
    until       timestamptz,
    PRIMARY KEY (arrest, agreement, version, purpose, slot, grant_no)
);
CREATE INDEX kept_until ON shares.kept (until) WHERE until IS NOT NULL;
CREATE INDEX kept_agreement ON shares.kept (agreement);

-- The change feed: a queue of ids without content. The dispatcher claims by deleting, so nothing is
-- skipped whatever the order of commits; within one file positions rise in commit order, because the
-- file's lock is held from before the insert until after the commit.
CREATE TABLE shares.change (
    position    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agreement   text NOT NULL,
    purpose     text NOT NULL,
    id          uuid NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp()
);

GRANT USAGE ON SCHEMA shares TO openpars_desk, openpars_door;
GRANT INSERT, UPDATE, DELETE ON shares.gate TO openpars_desk;
GRANT SELECT ON shares.share TO openpars_desk, openpars_door;
GRANT UPDATE (state, reached, filled, files) ON shares.share TO openpars_desk;
GRANT SELECT, INSERT, UPDATE, DELETE ON shares.identity, shares.kept TO openpars_desk;
GRANT SELECT, INSERT ON shares.change TO openpars_desk;
GRANT SELECT, DELETE ON shares.change TO openpars_door;
