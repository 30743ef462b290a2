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
