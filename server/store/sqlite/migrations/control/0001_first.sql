-- Times are milliseconds since 1970, 0 for none. Lists that are only ever read whole are JSON.
-- The subset is the one that SQLite and PostgreSQL share.

CREATE TABLE packages (
	sha256      TEXT PRIMARY KEY,
	name        TEXT NOT NULL,
	size        BIGINT NOT NULL,
	model       TEXT NOT NULL,
	variant     TEXT NOT NULL,
	channel     TEXT NOT NULL,
	family      TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	incremental TEXT NOT NULL,
	utc         BIGINT NOT NULL,
	pre_builds  TEXT NOT NULL,
	facts       BLOB NOT NULL,
	findings    BLOB NOT NULL,
	by          TEXT NOT NULL,
	at          BIGINT NOT NULL
);
-- One build is one content. pre_builds tells a full package from its incrementals.
CREATE UNIQUE INDEX packages_build ON packages (model, variant, channel, fingerprint, pre_builds);

CREATE TABLE releases (
	name     TEXT PRIMARY KEY,
	counter  BIGINT NOT NULL UNIQUE,
	source   BLOB NOT NULL,
	state    TEXT NOT NULL,
	packages TEXT NOT NULL,
	change   TEXT NOT NULL,
	by       TEXT NOT NULL,
	at       BIGINT NOT NULL
);

CREATE TABLE changes (
	id      TEXT PRIMARY KEY,
	release TEXT NOT NULL,
	state   TEXT NOT NULL,
	request BLOB NOT NULL,
	roles   BLOB NOT NULL,
	at      BIGINT NOT NULL
);

CREATE TABLE metadata (
	role    TEXT NOT NULL,
	version BIGINT NOT NULL,
	bytes   BLOB NOT NULL,
	expires BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	PRIMARY KEY (role, version)
);

CREATE TABLE rollouts (
	id       TEXT PRIMARY KEY,
	release  TEXT NOT NULL,
	model    TEXT NOT NULL,
	channel  TEXT NOT NULL,
	package  TEXT NOT NULL,
	salt     TEXT NOT NULL,
	stages   TEXT NOT NULL,
	state    TEXT NOT NULL,
	stage    BIGINT NOT NULL,
	since    BIGINT NOT NULL,
	held     TEXT NOT NULL,
	reason   TEXT NOT NULL,
	by       TEXT NOT NULL,
	forgiven BIGINT NOT NULL,
	started  BIGINT NOT NULL,
	changed  BIGINT NOT NULL,
	revision BIGINT NOT NULL
);
CREATE INDEX rollouts_model ON rollouts (model, channel);

-- Reports stand in the order in which they came: n grows. Silence is found by walking
-- them some days behind, which needs no index on installations.
CREATE TABLE reports (
	n        INTEGER PRIMARY KEY,
	ref      TEXT NOT NULL,
	id       TEXT NOT NULL,
	seq      BIGINT NOT NULL,
	at       BIGINT NOT NULL,
	late     BOOLEAN NOT NULL,
	envelope BLOB NOT NULL
);
CREATE UNIQUE INDEX reports_id ON reports (ref, id);
CREATE TRIGGER reports_no_update BEFORE UPDATE ON reports BEGIN SELECT RAISE(ABORT, 'reports are append-only'); END;
CREATE TRIGGER reports_no_delete BEFORE DELETE ON reports BEGIN SELECT RAISE(ABORT, 'reports are append-only'); END;

-- No index on verdict or progress: they change with every report. The rows are small, so
-- the table is its own index. newest is the id of a report.
CREATE TABLE installations (
	ref      TEXT PRIMARY KEY,
	model    TEXT NOT NULL,
	channel  TEXT NOT NULL,
	release  TEXT NOT NULL,
	seq      BIGINT NOT NULL,
	newest   TEXT NOT NULL,
	progress TEXT NOT NULL,
	verdict  TEXT NOT NULL,
	because  TEXT NOT NULL,
	before   TEXT NOT NULL,
	leaked   BOOLEAN NOT NULL,
	cloned   BOOLEAN NOT NULL,
	reports  BIGINT NOT NULL,
	first    BIGINT NOT NULL,
	last     BIGINT NOT NULL
) WITHOUT ROWID;
-- Rare verdicts only: other rows never touch it.
CREATE INDEX installations_alarm ON installations (release, model, last) WHERE verdict IN ('leak', 'contradictory');

-- How far a walk has come.
CREATE TABLE cursors (
	name TEXT PRIMARY KEY,
	n    BIGINT NOT NULL
) WITHOUT ROWID;

-- Maintained figures, one row per cell. kind is installations, verdict, progress, before or leaked.
CREATE TABLE counts (
	release TEXT NOT NULL,
	model   TEXT NOT NULL,
	channel TEXT NOT NULL,
	kind    TEXT NOT NULL,
	value   TEXT NOT NULL,
	n       BIGINT NOT NULL CHECK (n >= 0),
	PRIMARY KEY (release, model, channel, kind, value)
) WITHOUT ROWID;

CREATE TABLE audit (
	n       INTEGER PRIMARY KEY,
	at      BIGINT NOT NULL,
	actor   TEXT NOT NULL,
	action  TEXT NOT NULL,
	subject TEXT NOT NULL,
	reason  TEXT NOT NULL
);
CREATE INDEX audit_subject ON audit (subject, n);
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

CREATE TABLE tokens (
	name TEXT PRIMARY KEY,
	role TEXT NOT NULL,
	hash BLOB NOT NULL UNIQUE,
	at   BIGINT NOT NULL
);
