-- Which row of a small table had which digest, from when on: a row that was changed by another hand differs from its
-- newest record. sha256 is '' for a row that was deleted.
CREATE TABLE records (
	n      INTEGER PRIMARY KEY,
	kind   TEXT NOT NULL,
	key    TEXT NOT NULL,
	sha256 TEXT NOT NULL
);
CREATE INDEX records_key ON records (kind, key, n);
CREATE TRIGGER records_no_update BEFORE UPDATE ON records BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;
CREATE TRIGGER records_no_delete BEFORE DELETE ON records BEGIN SELECT RAISE(ABORT, 'records are append-only'); END;

-- Heads of the Merkle trees over audit, reports and records; n is the row of the last leaf. nth counts the heads of a
-- tree from 1, so that one that was removed is missed.
CREATE TABLE heads (
	tree TEXT NOT NULL,
	size BIGINT NOT NULL,
	n    BIGINT NOT NULL,
	nth  BIGINT NOT NULL,
	root BLOB NOT NULL,
	at   BIGINT NOT NULL,
	PRIMARY KEY (tree, size)
) WITHOUT ROWID;
CREATE TRIGGER heads_no_update BEFORE UPDATE ON heads BEGIN SELECT RAISE(ABORT, 'heads are append-only'); END;
CREATE TRIGGER heads_no_delete BEFORE DELETE ON heads BEGIN SELECT RAISE(ABORT, 'heads are append-only'); END;
-- The compact range of each tree at its newest head: 32 bytes for each complete subtree, from left to right.
CREATE TABLE frontiers (
	tree   TEXT PRIMARY KEY,
	hashes BLOB NOT NULL
) WITHOUT ROWID;
