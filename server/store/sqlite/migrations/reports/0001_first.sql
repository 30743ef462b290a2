-- The tables as migrations/control up to 0015 left them. Times are milliseconds since 1970, 0 for none.

-- Reports stand in the order in which they came: n grows. Silence is found by walking them some days behind, which needs
-- no index on installations.
CREATE TABLE reports (
	n        INTEGER PRIMARY KEY,
	ref      TEXT NOT NULL,
	id       TEXT NOT NULL,
	seq      BIGINT NOT NULL,
	at       BIGINT NOT NULL,
	late     BOOLEAN NOT NULL,
	envelope BLOB NOT NULL,
	schema   BIGINT NOT NULL DEFAULT 1,
	release  TEXT NOT NULL DEFAULT ''
);
-- One index serves for both: the reports at a number, and the report with an id, whose number a version 2 id fixes.
CREATE UNIQUE INDEX reports_key ON reports (ref, seq, id);
CREATE TRIGGER reports_no_update BEFORE UPDATE ON reports BEGIN SELECT RAISE(ABORT, 'reports are append-only'); END;
CREATE TRIGGER reports_no_delete BEFORE DELETE ON reports BEGIN SELECT RAISE(ABORT, 'reports are append-only'); END;

-- What an installation has shown of each release that its reports spoke of; current is the one of its newest report.
-- No index on verdict or progress: they change with every report. newest is the id of a report.
CREATE TABLE installations (
	ref      TEXT NOT NULL,
	release  TEXT NOT NULL,
	current  BOOLEAN NOT NULL,
	model    TEXT NOT NULL,
	channel  TEXT NOT NULL,
	seq      BIGINT NOT NULL,
	newest   TEXT NOT NULL,
	progress TEXT NOT NULL,
	verdict  TEXT NOT NULL,
	kind     TEXT NOT NULL,
	because  TEXT NOT NULL,
	before   TEXT NOT NULL,
	leaked   BOOLEAN NOT NULL,
	cloned   BOOLEAN NOT NULL,
	reports  BIGINT NOT NULL,
	first    BIGINT NOT NULL,
	last     BIGINT NOT NULL,
	cause    TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (ref, release)
) WITHOUT ROWID;
-- A rare kind: other rows never touch it.
CREATE INDEX installations_alarm ON installations (release, model, last) WHERE kind = 'bad';

-- Maintained figures, one row per cell. Without a release: current states alone, of all releases.
CREATE TABLE counts (
	release TEXT NOT NULL,
	model   TEXT NOT NULL,
	channel TEXT NOT NULL,
	kind    TEXT NOT NULL,
	value   TEXT NOT NULL,
	n       BIGINT NOT NULL CHECK (n >= 0),
	PRIMARY KEY (release, model, channel, kind, value)
) WITHOUT ROWID;
CREATE INDEX counts_model ON counts (model, release);

-- How far the walk after silence has come, and walks over the installations of a release.
CREATE TABLE cursors (
	name TEXT PRIMARY KEY,
	n    BIGINT NOT NULL
) WITHOUT ROWID;
CREATE TABLE walks (
	name  TEXT PRIMARY KEY,
	after TEXT NOT NULL
) WITHOUT ROWID;
