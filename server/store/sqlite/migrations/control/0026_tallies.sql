-- oldest: 25
-- From which take a tally is given: pieces of the other half. kinds is JSON: of each kind how many pieces and bytes there are,
-- and their SHA-256. A tally of an older program has no row.
CREATE TABLE tally_contents (
	number BIGINT PRIMARY KEY,
	take   TEXT NOT NULL UNIQUE,
	format BIGINT NOT NULL,
	at     BIGINT NOT NULL,
	kinds  TEXT NOT NULL
) WITHOUT ROWID;
-- The take that may become that of a tally.
CREATE TABLE tally_under_way (
	one  BIGINT PRIMARY KEY CHECK (one = 1),
	take TEXT NOT NULL
) WITHOUT ROWID;
