-- What several servers on one database need: who may do alone what only one may do at a time, which servers there are,
-- and which version of the feed all of them may serve. Times are those of the database's own clock, in milliseconds.
CREATE TABLE leases (
	name   TEXT COLLATE "C" PRIMARY KEY,
	holder TEXT COLLATE "C" NOT NULL,
	token  BIGINT NOT NULL,
	until  BIGINT NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE members (
	id       TEXT COLLATE "C" PRIMARY KEY,
	program  TEXT COLLATE "C" NOT NULL,
	protocol BIGINT NOT NULL,
	joined   BIGINT NOT NULL,
	until    BIGINT NOT NULL,
	heard    BIGINT NOT NULL,
	beats    BIGINT NOT NULL,
	prepared BIGINT NOT NULL,
	served   BIGINT NOT NULL,
	highest  BIGINT NOT NULL
) WITH (fillfactor = 50);
-- Bytes of packages on their way into the blob store, and left-over ones on their way out of it: never both at once.
CREATE TABLE incoming (
	sha256 TEXT COLLATE "C" NOT NULL,
	note   TEXT COLLATE "C" NOT NULL,
	until  BIGINT NOT NULL,
	PRIMARY KEY (sha256, note)
);
ALTER TABLE leftovers ADD COLUMN deleting BIGINT NOT NULL DEFAULT 0;
CREATE TABLE released (
	one     BIGINT PRIMARY KEY CHECK (one = 1),
	version BIGINT NOT NULL
) WITH (fillfactor = 50);
