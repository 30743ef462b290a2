-- The models and channels that this server serves. Whoever opens a new folder puts the default ones in.
CREATE TABLE models (
	device  TEXT PRIMARY KEY,
	profile BLOB NOT NULL,
	by      TEXT NOT NULL,
	at      BIGINT NOT NULL,
	retired BIGINT NOT NULL
);
CREATE TABLE channels (
	name    TEXT PRIMARY KEY,
	by      TEXT NOT NULL,
	at      BIGINT NOT NULL,
	retired BIGINT NOT NULL
);
