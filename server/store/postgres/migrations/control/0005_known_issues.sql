-- What people know of some installations, in their words. models and text are JSON; times are in milliseconds, 0 is none.
CREATE TABLE known_issues (
	id           BIGINT PRIMARY KEY,
	models       TEXT COLLATE "C" NOT NULL,
	release      TEXT COLLATE "C" NOT NULL,
	subject      TEXT COLLATE "C" NOT NULL,
	value        TEXT COLLATE "C" NOT NULL,
	text         TEXT COLLATE "C" NOT NULL,
	link         TEXT COLLATE "C" NOT NULL,
	since        BIGINT NOT NULL,
	who          TEXT COLLATE "C" NOT NULL,
	by           TEXT COLLATE "C" NOT NULL,
	at           BIGINT NOT NULL,
	reason       TEXT COLLATE "C" NOT NULL,
	ended        BIGINT NOT NULL,
	ended_by     TEXT COLLATE "C" NOT NULL,
	ended_reason TEXT COLLATE "C" NOT NULL
);
