-- What observers and witnesses signed, as it came: id is the SHA-256 of what was signed. subject is a build, an
-- installation, or the statement that is withdrawn; model is that of what it is about.
CREATE TABLE statements (
	n        INTEGER PRIMARY KEY,
	id       TEXT NOT NULL UNIQUE,
	kind     TEXT NOT NULL,
	model    TEXT NOT NULL,
	subject  TEXT NOT NULL,
	signer   TEXT NOT NULL,
	envelope BLOB NOT NULL,
	by       TEXT NOT NULL,
	at       BIGINT NOT NULL
);
CREATE INDEX statements_model ON statements (model, n);
CREATE TRIGGER statements_no_update BEFORE UPDATE ON statements BEGIN SELECT RAISE(ABORT, 'statements are append-only'); END;
CREATE TRIGGER statements_no_delete BEFORE DELETE ON statements BEGIN SELECT RAISE(ABORT, 'statements are append-only'); END;

-- Witnesses that people overruled, each for one rollout.
CREATE TABLE suspensions (
	rollout   TEXT NOT NULL,
	reference TEXT NOT NULL,
	by        TEXT NOT NULL,
	at        BIGINT NOT NULL,
	PRIMARY KEY (rollout, reference)
) WITHOUT ROWID;
