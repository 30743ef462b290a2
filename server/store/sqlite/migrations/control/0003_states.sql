-- What an installation has shown is kept for each release that its reports spoke of; current is the one of its newest
-- report. kind is that of the verdict. Where a handset was before is not known of older rows: each has one state.
CREATE TABLE states (
	ref      TEXT NOT NULL,
	release  TEXT NOT NULL,
	current  BOOLEAN NOT NULL,
	model    TEXT NOT NULL,
	channel  TEXT NOT NULL,
	seq      BIGINT NOT NULL,
	newest   TEXT NOT NULL,
	progress TEXT NOT NULL,
	verdict  TEXT NOT NULL,
	kind     TEXT NOT NULL,
	because  TEXT NOT NULL,
	before   TEXT NOT NULL,
	leaked   BOOLEAN NOT NULL,
	cloned   BOOLEAN NOT NULL,
	reports  BIGINT NOT NULL,
	first    BIGINT NOT NULL,
	last     BIGINT NOT NULL,
	PRIMARY KEY (ref, release)
) WITHOUT ROWID;
INSERT INTO states SELECT ref, release, TRUE, model, channel, seq, newest, progress, verdict,
	CASE WHEN verdict IN ('confirmed_off', 'consented') THEN 'good'
		WHEN verdict IN ('carried_over', 'registered_by_itself') THEN 'open'
		WHEN verdict IN ('leak', 'contradictory') THEN 'bad'
		ELSE 'unjudged' END,
	because, before, leaked, cloned, reports, first, last FROM installations ORDER BY ref;
DROP TABLE installations;
ALTER TABLE states RENAME TO installations;
-- A rare kind: other rows never touch it.
CREATE INDEX installations_alarm ON installations (release, model, last) WHERE kind = 'bad';

-- The figures now have a cell for each kind of verdict, too, and totals of a model and channel over all releases,
-- with no release: current states alone.
DELETE FROM counts;
INSERT INTO counts SELECT release, model, channel, 'installations', '', count(*) FROM installations GROUP BY 1, 2, 3;
INSERT INTO counts SELECT release, model, channel, 'verdict', verdict, count(*) FROM installations GROUP BY 1, 2, 3, 5;
INSERT INTO counts SELECT release, model, channel, 'kind', kind, count(*) FROM installations GROUP BY 1, 2, 3, 5;
INSERT INTO counts SELECT release, model, channel, 'progress', progress, count(*) FROM installations GROUP BY 1, 2, 3, 5;
INSERT INTO counts SELECT release, model, channel, 'before', before, count(*) FROM installations GROUP BY 1, 2, 3, 5;
INSERT INTO counts SELECT release, model, channel, 'leaked', '', count(*) FROM installations WHERE leaked GROUP BY 1, 2, 3;
INSERT INTO counts SELECT '', model, channel, kind, value, sum(n) FROM counts GROUP BY 2, 3, 4, 5;
CREATE INDEX counts_model ON counts (model, release);
