-- What people decide and sign. Times are milliseconds since 1970, 0 for none; lists that are only read whole are JSON. The
-- columns stand in the order of those of SQLite: the digest of a row is the same there. Text is compared byte by byte.

CREATE TABLE packages (
	sha256      TEXT COLLATE "C" NOT NULL,
	name        TEXT COLLATE "C" NOT NULL,
	size        BIGINT NOT NULL,
	model       TEXT COLLATE "C" NOT NULL,
	variant     TEXT COLLATE "C" NOT NULL,
	channel     TEXT COLLATE "C" NOT NULL,
	family      TEXT COLLATE "C" NOT NULL,
	fingerprint TEXT COLLATE "C" NOT NULL,
	incremental TEXT COLLATE "C" NOT NULL,
	utc         BIGINT NOT NULL,
	pre_builds  TEXT COLLATE "C" NOT NULL,
	facts       BYTEA NOT NULL,
	findings    BYTEA NOT NULL,
	by          TEXT COLLATE "C" NOT NULL,
	at          BIGINT NOT NULL,
	PRIMARY KEY (sha256, model, channel)
);
-- One build is one content. pre_builds tells a full package from its incrementals; it may be longer than
-- what an index takes.
CREATE UNIQUE INDEX packages_build ON packages (model, variant, channel, fingerprint, hashtextextended(pre_builds, 0));
CREATE TABLE leftovers (
	sha256 TEXT COLLATE "C" PRIMARY KEY
);

CREATE TABLE releases (
	name     TEXT COLLATE "C" PRIMARY KEY,
	counter  BIGINT NOT NULL UNIQUE,
	source   BYTEA NOT NULL,
	state    TEXT COLLATE "C" NOT NULL,
	packages TEXT COLLATE "C" NOT NULL,
	change   TEXT COLLATE "C" NOT NULL,
	by       TEXT COLLATE "C" NOT NULL,
	at       BIGINT NOT NULL
);
CREATE TABLE changes (
	id      TEXT COLLATE "C" PRIMARY KEY,
	release TEXT COLLATE "C" NOT NULL,
	state   TEXT COLLATE "C" NOT NULL,
	request BYTEA NOT NULL,
	roles   BYTEA NOT NULL,
	at      BIGINT NOT NULL
);
CREATE TABLE metadata (
	role    TEXT COLLATE "C" NOT NULL,
	version BIGINT NOT NULL,
	bytes   BYTEA NOT NULL,
	expires BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	PRIMARY KEY (role, version)
);
CREATE TABLE rollouts (
	id               TEXT COLLATE "C" PRIMARY KEY,
	release          TEXT COLLATE "C" NOT NULL,
	model            TEXT COLLATE "C" NOT NULL,
	channel          TEXT COLLATE "C" NOT NULL,
	package          TEXT COLLATE "C" NOT NULL,
	salt             TEXT COLLATE "C" NOT NULL,
	stages           TEXT COLLATE "C" NOT NULL,
	state            TEXT COLLATE "C" NOT NULL,
	stage            BIGINT NOT NULL,
	since            BIGINT NOT NULL,
	held             TEXT COLLATE "C" NOT NULL,
	reason           TEXT COLLATE "C" NOT NULL,
	by               TEXT COLLATE "C" NOT NULL,
	forgiven         BIGINT NOT NULL,
	started          BIGINT NOT NULL,
	changed          BIGINT NOT NULL,
	revision         BIGINT NOT NULL,
	known            BIGINT NOT NULL,
	excused          BIGINT NOT NULL,
	looked           BIGINT NOT NULL,
	retries          BIGINT NOT NULL,
	forgiven_counted BIGINT NOT NULL,
	excused_lost     BIGINT NOT NULL,
	seconded         BIGINT NOT NULL,
	reached          TEXT COLLATE "C" NOT NULL
);
CREATE INDEX rollouts_model ON rollouts (model, channel);

CREATE TABLE models (
	device  TEXT COLLATE "C" PRIMARY KEY,
	profile BYTEA NOT NULL,
	by      TEXT COLLATE "C" NOT NULL,
	at      BIGINT NOT NULL,
	retired BIGINT NOT NULL
);
CREATE TABLE channels (
	name    TEXT COLLATE "C" PRIMARY KEY,
	by      TEXT COLLATE "C" NOT NULL,
	at      BIGINT NOT NULL,
	retired BIGINT NOT NULL
);
CREATE TABLE holders (
	key_id TEXT COLLATE "C" PRIMARY KEY,
	name   TEXT COLLATE "C" NOT NULL
);

-- Who counts: the draws by which installations were admitted, and what was taken out of the figures.
CREATE TABLE admissions (
	n          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	model      TEXT COLLATE "C" NOT NULL,
	channel    TEXT COLLATE "C" NOT NULL,
	at         BIGINT NOT NULL,
	key        BYTEA NOT NULL,
	cutoff     BIGINT NOT NULL,
	counted    BIGINT NOT NULL,
	candidates BIGINT NOT NULL,
	admitted   BIGINT NOT NULL,
	by         TEXT COLLATE "C" NOT NULL,
	reason     TEXT COLLATE "C" NOT NULL
);
CREATE TABLE quarantines (
	id            TEXT COLLATE "C" PRIMARY KEY,
	since         BIGINT NOT NULL,
	until         BIGINT NOT NULL,
	model         TEXT COLLATE "C" NOT NULL,
	at            BIGINT NOT NULL,
	by            TEXT COLLATE "C" NOT NULL,
	reason        TEXT COLLATE "C" NOT NULL,
	installations BIGINT NOT NULL,
	bad           BIGINT NOT NULL,
	lifted        BIGINT NOT NULL,
	lifted_by     TEXT COLLATE "C" NOT NULL,
	lifted_reason TEXT COLLATE "C" NOT NULL
);
CREATE TABLE epochs (
	model   TEXT COLLATE "C" NOT NULL,
	channel TEXT COLLATE "C" NOT NULL,
	epoch   BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	by      TEXT COLLATE "C" NOT NULL,
	reason  TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (model, channel)
);

CREATE TABLE statements (
	n        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	id       TEXT COLLATE "C" NOT NULL UNIQUE,
	kind     TEXT COLLATE "C" NOT NULL,
	model    TEXT COLLATE "C" NOT NULL,
	subject  TEXT COLLATE "C" NOT NULL,
	signer   TEXT COLLATE "C" NOT NULL,
	envelope BYTEA NOT NULL,
	by       TEXT COLLATE "C" NOT NULL,
	at       BIGINT NOT NULL
);
CREATE INDEX statements_model ON statements (model, n);
CREATE TABLE suspensions (
	rollout   TEXT COLLATE "C" NOT NULL,
	reference TEXT COLLATE "C" NOT NULL,
	by        TEXT COLLATE "C" NOT NULL,
	at        BIGINT NOT NULL,
	PRIMARY KEY (rollout, reference)
);

CREATE TABLE tokens (
	name TEXT COLLATE "C" PRIMARY KEY,
	role TEXT COLLATE "C" NOT NULL,
	hash BYTEA NOT NULL UNIQUE,
	at   BIGINT NOT NULL,
	by   TEXT COLLATE "C" NOT NULL
);
CREATE TABLE proposals (
	id        TEXT COLLATE "C" PRIMARY KEY,
	action    TEXT COLLATE "C" NOT NULL,
	subject   TEXT COLLATE "C" NOT NULL,
	arguments BYTEA NOT NULL,
	digest    TEXT COLLATE "C" NOT NULL,
	revision  BIGINT NOT NULL,
	by        TEXT COLLATE "C" NOT NULL,
	reason    TEXT COLLATE "C" NOT NULL,
	at        BIGINT NOT NULL,
	expires   BIGINT NOT NULL
);
CREATE INDEX proposals_subject ON proposals (subject, at);

-- When the server was last there, and when it was not.
CREATE TABLE beat (
	one BIGINT PRIMARY KEY CHECK (one = 1),
	at  BIGINT NOT NULL
);
CREATE TABLE outages (
	n     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	cause TEXT COLLATE "C" NOT NULL,
	since BIGINT NOT NULL,
	until BIGINT NOT NULL
);
CREATE INDEX outages_cause ON outages (cause, since);

CREATE TABLE audit (
	n       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at      BIGINT NOT NULL,
	actor   TEXT COLLATE "C" NOT NULL,
	action  TEXT COLLATE "C" NOT NULL,
	subject TEXT COLLATE "C" NOT NULL,
	reason  TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_subject ON audit (subject, n);

-- Which row of a small table had which digest, from when on; '' for a row that was deleted.
CREATE TABLE records (
	n      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind   TEXT COLLATE "C" NOT NULL,
	key    TEXT COLLATE "C" NOT NULL,
	sha256 TEXT COLLATE "C" NOT NULL
);
CREATE INDEX records_key ON records (kind, key, n);

-- Heads of the Merkle trees; nth counts the heads of a tree from 1. hashes is the compact range at the newest head.
CREATE TABLE heads (
	tree TEXT COLLATE "C" NOT NULL,
	size BIGINT NOT NULL,
	n    BIGINT NOT NULL,
	nth  BIGINT NOT NULL,
	root BYTEA NOT NULL,
	at   BIGINT NOT NULL,
	PRIMARY KEY (tree, size)
);
CREATE TABLE frontiers (
	tree   TEXT COLLATE "C" PRIMARY KEY,
	hashes BYTEA NOT NULL
);

-- Readiness writes here, to see that a write reaches the disk.
CREATE TABLE probe (
	one BIGINT PRIMARY KEY CHECK (one = 1),
	n   BIGINT NOT NULL
) WITH (fillfactor = 50);

CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
	FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER records_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON records
	FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER heads_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON heads
	FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER statements_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON statements
	FOR EACH STATEMENT EXECUTE FUNCTION append_only();
