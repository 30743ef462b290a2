-- How reports are kept in the long run (server/store/compact): what is sealed moves from reports to here, and means the
-- same in both. n goes on counting in reports, so its last row stays there.

-- One row for each installation that has a compact report. key is its public key, x'' if its envelopes have none.
CREATE TABLE report_keys (
	who INTEGER PRIMARY KEY,
	ref TEXT NOT NULL UNIQUE,
	key BLOB NOT NULL
);
CREATE TABLE compact_reports (
	n    INTEGER PRIMARY KEY,
	who  BIGINT NOT NULL,
	seq  BIGINT NOT NULL,
	at   BIGINT NOT NULL,
	late BOOLEAN NOT NULL,
	body BLOB NOT NULL
);
CREATE INDEX compact_reports_key ON compact_reports (who, seq);

-- No report is changed, and only one that is kept here is taken out of reports, never the last.
DROP TRIGGER reports_no_delete;
CREATE TRIGGER reports_no_delete BEFORE DELETE ON reports
	WHEN NOT EXISTS (SELECT 1 FROM compact_reports c JOIN report_keys k ON k.who = c.who WHERE c.n = OLD.n AND k.ref = OLD.ref
		AND c.seq = OLD.seq AND c.at = OLD.at AND c.late = OLD.late) OR OLD.n = (SELECT max(n) FROM reports)
	BEGIN SELECT RAISE(ABORT, 'reports are append-only'); END;
CREATE TRIGGER compact_reports_no_update BEFORE UPDATE ON compact_reports
	BEGIN SELECT RAISE(ABORT, 'reports are append-only'); END;
CREATE TRIGGER compact_reports_no_delete BEFORE DELETE ON compact_reports
	BEGIN SELECT RAISE(ABORT, 'reports are append-only'); END;
CREATE TRIGGER compact_reports_insert BEFORE INSERT ON compact_reports
	WHEN NOT EXISTS (SELECT 1 FROM report_keys k JOIN reports r ON r.ref = k.ref WHERE k.who = NEW.who AND r.n = NEW.n)
	BEGIN SELECT RAISE(ABORT, 'a compact report is one of reports'); END;
CREATE TRIGGER report_keys_no_update BEFORE UPDATE ON report_keys BEGIN SELECT RAISE(ABORT, 'keys of reports stay'); END;
CREATE TRIGGER report_keys_no_delete BEFORE DELETE ON report_keys BEGIN SELECT RAISE(ABORT, 'keys of reports stay'); END;
