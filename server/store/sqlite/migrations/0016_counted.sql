-- Who counts: admissions to the counted fleet and quarantines are entries of the control half. Nobody is admitted by this
-- migration: a person vouches for a fleet that was there before.
CREATE TABLE admissions (
	n          INTEGER PRIMARY KEY,
	model      TEXT NOT NULL,
	channel    TEXT NOT NULL,
	at         BIGINT NOT NULL,
	key        BLOB NOT NULL,
	cutoff     BIGINT NOT NULL,
	counted    BIGINT NOT NULL,
	candidates BIGINT NOT NULL,
	admitted   BIGINT NOT NULL,
	by         TEXT NOT NULL,
	reason     TEXT NOT NULL
);
CREATE TABLE quarantines (
	id            TEXT PRIMARY KEY,
	since         BIGINT NOT NULL,
	until         BIGINT NOT NULL,
	model         TEXT NOT NULL,
	at            BIGINT NOT NULL,
	by            TEXT NOT NULL,
	reason        TEXT NOT NULL,
	installations BIGINT NOT NULL,
	bad           BIGINT NOT NULL,
	lifted        BIGINT NOT NULL,
	lifted_by     TEXT NOT NULL,
	lifted_reason TEXT NOT NULL
);
-- When a rollout was offered to which share first; of older ones it is known from their next stage on.
ALTER TABLE rollouts ADD COLUMN reached TEXT NOT NULL DEFAULT '[]';

-- The reports half. who is 1 if it counts for its release, 2 quarantined, 4 out of draw, 8 absent at the salt.
-- draw_commit is half of a commitment that is not opened yet; drawn is -1 while it is not known.
ALTER TABLE installations ADD COLUMN away BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installations ADD COLUMN back BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installations ADD COLUMN admitted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installations ADD COLUMN who INTEGER NOT NULL DEFAULT 0;
ALTER TABLE installations ADD COLUMN draw_commit BLOB NOT NULL DEFAULT x'';
ALTER TABLE installations ADD COLUMN drawn INTEGER NOT NULL DEFAULT -1;

-- Figures say whose they are: '' of everybody who is not quarantined, 'counted', or 'quarantined'.
CREATE TABLE figures (
	release TEXT NOT NULL,
	model   TEXT NOT NULL,
	channel TEXT NOT NULL,
	who     TEXT NOT NULL,
	kind    TEXT NOT NULL,
	value   TEXT NOT NULL,
	n       BIGINT NOT NULL CHECK (n >= 0),
	PRIMARY KEY (release, model, channel, who, kind, value)
) WITHOUT ROWID;
INSERT INTO figures SELECT release, model, channel, '', kind, value, n FROM counts;
DROP TABLE counts;
ALTER TABLE figures RENAME TO counts;
CREATE INDEX counts_model ON counts (model, release);
