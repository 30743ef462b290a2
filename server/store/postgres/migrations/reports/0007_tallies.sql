-- oldest: 3
-- What tallies are given with beside their files, in pieces of some ten thousand bytes; sum is the SHA-256 of bytes, hex.
CREATE TABLE tally_pieces (
	take  TEXT COLLATE "C" NOT NULL,
	kind  TEXT COLLATE "C" NOT NULL,
	name  TEXT COLLATE "C" NOT NULL,
	sum   TEXT COLLATE "C" NOT NULL,
	bytes BYTEA NOT NULL,
	PRIMARY KEY (take, kind, name)
);
ALTER TABLE tally_pieces ALTER COLUMN bytes SET STORAGE EXTERNAL; -- they are compressed already, or hashes
