-- oldest: 6
-- What tallies are given with beside their files, in pieces of some ten thousand bytes; sum is the SHA-256 of bytes, hex.
CREATE TABLE tally_pieces (
	take  TEXT NOT NULL,
	kind  TEXT NOT NULL,
	name  TEXT NOT NULL,
	sum   TEXT NOT NULL,
	bytes BLOB NOT NULL,
	PRIMARY KEY (take, kind, name)
);
