-- What handsets say, and what it adds up to.

-- Reports stand in the order in which they were written: n grows, but a smaller one may be committed after a larger one,
-- and one that was not committed is left out.
CREATE TABLE reports (
	n        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ref      TEXT COLLATE "C" NOT NULL,
	id       TEXT COLLATE "C" NOT NULL,
	seq      BIGINT NOT NULL,
	at       BIGINT NOT NULL,
	late     BOOLEAN NOT NULL,
	envelope BYTEA NOT NULL,
	schema   BIGINT NOT NULL,
	release  TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX reports_key ON reports (ref, seq, id);

-- No index has a column that changes with every report: a row is then changed in its page.
CREATE TABLE installations (
	ref         TEXT COLLATE "C" NOT NULL,
	release     TEXT COLLATE "C" NOT NULL,
	current     BOOLEAN NOT NULL,
	model       TEXT COLLATE "C" NOT NULL,
	channel     TEXT COLLATE "C" NOT NULL,
	seq         BIGINT NOT NULL,
	newest      TEXT COLLATE "C" NOT NULL,
	progress    TEXT COLLATE "C" NOT NULL,
	verdict     TEXT COLLATE "C" NOT NULL,
	kind        TEXT COLLATE "C" NOT NULL,
	because     TEXT COLLATE "C" NOT NULL,
	before      TEXT COLLATE "C" NOT NULL,
	leaked      BOOLEAN NOT NULL,
	cloned      BOOLEAN NOT NULL,
	reports     BIGINT NOT NULL,
	first       BIGINT NOT NULL,
	last        BIGINT NOT NULL,
	cause       TEXT COLLATE "C" NOT NULL,
	away        BIGINT NOT NULL,
	back        BIGINT NOT NULL,
	admitted    BIGINT NOT NULL,
	who         BIGINT NOT NULL,
	draw_commit BYTEA NOT NULL,
	drawn       BIGINT NOT NULL,
	PRIMARY KEY (ref, release)
) WITH (fillfactor = 85);
CREATE INDEX installations_alarm ON installations (release, model) WHERE kind = 'bad';

-- A figure is the sum of its shards, of which each transaction that is at work has one of its own. A shard may be below 0.
CREATE TABLE counts (
	release TEXT COLLATE "C" NOT NULL,
	model   TEXT COLLATE "C" NOT NULL,
	channel TEXT COLLATE "C" NOT NULL,
	who     TEXT COLLATE "C" NOT NULL,
	kind    TEXT COLLATE "C" NOT NULL,
	value   TEXT COLLATE "C" NOT NULL,
	shard   BIGINT NOT NULL DEFAULT 0,
	n       BIGINT NOT NULL,
	PRIMARY KEY (release, model, channel, who, kind, value, shard)
) WITH (fillfactor = 50);
CREATE INDEX counts_model ON counts (model, release);

CREATE TABLE cursors (
	name TEXT COLLATE "C" PRIMARY KEY,
	n    BIGINT NOT NULL
);
CREATE TABLE walks (
	name  TEXT COLLATE "C" PRIMARY KEY,
	after TEXT COLLATE "C" NOT NULL
);

-- Reports for which the share of those that are of no counted fleet had no room: as they came, not judged, not sealed, in no
-- figure. Slots are numbered from 1 without a gap, so that chance finds one of them.
CREATE TABLE provisional (
	slot     BIGINT PRIMARY KEY,
	ref      TEXT COLLATE "C" NOT NULL,
	seq      BIGINT NOT NULL,
	id       TEXT COLLATE "C" NOT NULL,
	at       BIGINT NOT NULL,
	envelope BYTEA NOT NULL
);
CREATE UNIQUE INDEX provisional_key ON provisional (ref, seq, id);
CREATE INDEX provisional_at ON provisional (at, ref, seq, id);

-- Readiness writes here, to see that a write reaches the disk.
CREATE TABLE probe (
	one BIGINT PRIMARY KEY CHECK (one = 1),
	n   BIGINT NOT NULL
) WITH (fillfactor = 50);

CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER reports_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reports
	FOR EACH STATEMENT EXECUTE FUNCTION append_only();
