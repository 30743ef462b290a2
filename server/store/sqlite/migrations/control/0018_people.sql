-- Who made a token: what one person made for herself in the last day is no second person. Older tokens do not know.
ALTER TABLE tokens ADD COLUMN by TEXT NOT NULL DEFAULT '';
-- Whether two persons resumed the rollout last.
ALTER TABLE rollouts ADD COLUMN seconded BIGINT NOT NULL DEFAULT 0;

-- What one person wants done and may not do alone.
CREATE TABLE proposals (
	id        TEXT PRIMARY KEY,
	action    TEXT NOT NULL,
	subject   TEXT NOT NULL,
	arguments BLOB NOT NULL,
	digest    TEXT NOT NULL,
	revision  BIGINT NOT NULL,
	by        TEXT NOT NULL,
	reason    TEXT NOT NULL,
	at        BIGINT NOT NULL,
	expires   BIGINT NOT NULL
);
CREATE INDEX proposals_subject ON proposals (subject, at);

-- When reports could not come; until is 0 while that lasts. Neither these rows nor the beat are recorded: one of them
-- changes every minute, and each record is a leaf for ever. Who changes them by another hand makes soak longer or
-- shorter, and opens no gate.
CREATE TABLE outages (
	n     INTEGER PRIMARY KEY,
	cause TEXT NOT NULL,
	since BIGINT NOT NULL,
	until BIGINT NOT NULL
);
CREATE INDEX outages_cause ON outages (cause, since);
-- When the server was last known to run: one row.
CREATE TABLE beat (
	one BIGINT PRIMARY KEY CHECK (one = 1),
	at  BIGINT NOT NULL
);
