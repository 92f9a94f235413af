-- The log. Two trees, `disclosures` (public) and `acts` (the city's own). Nobody may change or delete a
-- row: no login has the right, and who takes it anyway (the owner, a superuser) is found by anyone who
-- verifies the log.
CREATE SCHEMA log;

CREATE TABLE log.entry (
    tree        text        NOT NULL CHECK (tree IN ('disclosures', 'acts')),
    index       bigint      NOT NULL CHECK (index >= 0),
    leaf        bytea       NOT NULL CHECK (length(leaf) <= 65535),   -- canonical JSON, public: log.leaf
    leaf_hash   bytea       NOT NULL CHECK (length(leaf_hash) = 32),
    sealed      bytea       NOT NULL,                                 -- the encrypted body: log.seal
    at          timestamptz NOT NULL,
    PRIMARY KEY (tree, index)
);
-- Few entries are about bars; each is compared with the register's own list.
CREATE INDEX entry_bar ON log.entry (index) WHERE tree = 'acts' AND position('"kind":"bar"'::bytea in leaf) > 0;
-- Ciphertext and hashes do not compress; and an entry about twenty people stays in its row, where moving its
-- body aside would cost a second table and its index.
ALTER TABLE log.entry ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE log.entry ALTER COLUMN leaf SET STORAGE EXTERNAL;
ALTER TABLE log.entry SET (toast_tuple_target = 8160);

-- The few entries of the acts tree that are about agreements, among many about files. A leaf is canonical
-- JSON: its kind stands at a fixed place.
CREATE INDEX entry_agreements ON log.entry (index) WHERE tree = 'acts'
    AND substring(leaf FROM 64 FOR 4) IN ('agre'::bytea, 'ball'::bytea, 'key"'::bytea);

-- One signed note for every batch.
CREATE TABLE log.checkpoint (
    tree        text        NOT NULL,
    size        bigint      NOT NULL,
    note        text        NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (tree, size)
);

-- Hashes of complete subtrees of 256, 65,536, ... leaves: the tiles above level 0.
CREATE TABLE log.subtree (
    tree        text        NOT NULL,
    level       smallint    NOT NULL CHECK (level BETWEEN 1 AND 7),   -- C2SP tile level
    index       bigint      NOT NULL,
    hash        bytea       NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (tree, level, index)
);

-- Where a person's labels are. It says nothing to anybody without that person's key, so it holds no
-- person and nothing has to be removed from it; and a label can never be used twice.
CREATE TABLE log.label (
    tree        text        NOT NULL,
    label       bytea       NOT NULL CHECK (length(label) = 16),
    index       bigint      NOT NULL,
    PRIMARY KEY (tree, label)
);

-- Staff acts wait here, written in the act's own transaction, until the worker puts them into the acts
-- tree. The row goes in the same transaction in which its entry comes.
CREATE TABLE log.pending (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind        text        NOT NULL,
    public      bytea       NOT NULL,
    private     bytea       NOT NULL,
    subjects    text[]      NOT NULL
);

-- Each process writes one tree. The door, which faces outside and holds person keys, cannot read the
-- city's own acts, nor write among them; the worker cannot write disclosures that never were.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['entry', 'checkpoint', 'subtree', 'label'] LOOP
        EXECUTE format('ALTER TABLE log.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY door ON log.%I TO openpars_door USING (tree = ''disclosures'')', name);
        EXECUTE format('CREATE POLICY desk_reads ON log.%I FOR SELECT TO openpars_desk USING (true)', name);
        EXECUTE format('CREATE POLICY desk_writes ON log.%I FOR INSERT TO openpars_desk WITH CHECK (tree = ''acts'')', name);
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA log TO openpars_desk, openpars_door;
GRANT SELECT, INSERT ON log.entry, log.checkpoint, log.subtree, log.label TO openpars_desk, openpars_door;
GRANT SELECT, INSERT, DELETE ON log.pending TO openpars_desk;
-- Only the owner's login switches bars, so only it notes that one was switched: a desk's login that could write such a
-- note could bear out a row that somebody slipped into the register of switches.
ALTER TABLE log.pending ENABLE ROW LEVEL SECURITY;
CREATE POLICY desk_moves ON log.pending TO openpars_desk USING (true)
    WITH CHECK (kind IN ('act', 'lookup', 'agreement', 'ballot', 'key', 'expungement'));

-- What the acts tree, and what is on its way there, says of bars: the public parts of a few entries, by the index
-- `entry_bar`. A function with its owner's rights, since the door reads nothing else of that tree.
CREATE FUNCTION log.told_of_bars() RETURNS SETOF bytea LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT leaf FROM log.entry WHERE tree = 'acts' AND position('"kind":"bar"'::bytea in leaf) > 0
    UNION ALL
    SELECT public FROM log.pending WHERE kind = 'bar';
END;
REVOKE EXECUTE ON FUNCTION log.told_of_bars() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION log.told_of_bars() TO openpars_desk, openpars_door;
