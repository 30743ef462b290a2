-- What people know of some installations, in their words. models and text are JSON; times are in milliseconds, 0 is none.
CREATE TABLE known_issues (
	id           BIGINT PRIMARY KEY,
	models       TEXT   NOT NULL,
	release      TEXT   NOT NULL,
	subject      TEXT   NOT NULL,
	value        TEXT   NOT NULL,
	text         TEXT   NOT NULL,
	link         TEXT   NOT NULL,
	since        BIGINT NOT NULL,
	who          TEXT   NOT NULL,
	by           TEXT   NOT NULL,
	at           BIGINT NOT NULL,
	reason       TEXT   NOT NULL,
	ended        BIGINT NOT NULL,
	ended_by     TEXT   NOT NULL,
	ended_reason TEXT   NOT NULL
) WITHOUT ROWID;
