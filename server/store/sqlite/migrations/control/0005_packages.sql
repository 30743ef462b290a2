-- The same bytes can be a package of several models, and go from channel to channel: a row for each, stored once.
-- Releases name packages so from now on; those that are stored are rewritten by the program (backfill.go).
CREATE TABLE packages_of (
	sha256      TEXT NOT NULL,
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
	at          BIGINT NOT NULL,
	PRIMARY KEY (sha256, model, channel)
);
INSERT INTO packages_of SELECT sha256, name, size, model, variant, channel, family, fingerprint, incremental, utc, pre_builds, facts, findings,
	by, at FROM packages;
DROP TABLE packages;
ALTER TABLE packages_of RENAME TO packages;
-- One build is one content. pre_builds tells a full package from its incrementals.
CREATE UNIQUE INDEX packages_build ON packages (model, variant, channel, fingerprint, pre_builds);
