-- How reports are kept in the long run (server/store/compact): what is sealed moves from reports to here, and means the
-- same in both.

-- One row for each installation that has a compact report. key is its public key, '' if its envelopes have none.
CREATE TABLE report_keys (
	who BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ref TEXT COLLATE "C" NOT NULL UNIQUE,
	key BYTEA NOT NULL
);
CREATE TABLE compact_reports (
	n    BIGINT PRIMARY KEY,
	who  BIGINT NOT NULL,
	seq  BIGINT NOT NULL,
	at   BIGINT NOT NULL,
	late BOOLEAN NOT NULL,
	body BYTEA NOT NULL
);
CREATE INDEX compact_reports_key ON compact_reports (who, seq);

-- No report is changed, and only one that is kept here is taken out of reports.
DROP TRIGGER reports_append_only ON reports;
CREATE TRIGGER reports_append_only BEFORE UPDATE OR TRUNCATE ON reports
	FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE FUNCTION only_compact() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NOT EXISTS (SELECT 1 FROM compact_reports c JOIN report_keys w ON w.who = c.who WHERE c.n = OLD.n AND w.ref = OLD.ref
		AND c.seq = OLD.seq AND c.at = OLD.at AND c.late = OLD.late) THEN
		RAISE EXCEPTION 'reports is append-only';
	END IF;
	RETURN OLD;
END $$;
CREATE TRIGGER reports_only_compact BEFORE DELETE ON reports FOR EACH ROW EXECUTE FUNCTION only_compact();
CREATE FUNCTION only_reports() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NOT EXISTS (SELECT 1 FROM reports r JOIN report_keys w ON w.ref = r.ref WHERE r.n = NEW.n AND w.who = NEW.who) THEN
		RAISE EXCEPTION 'a compact report is one of reports';
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER compact_reports_insert BEFORE INSERT ON compact_reports FOR EACH ROW EXECUTE FUNCTION only_reports();
CREATE TRIGGER compact_reports_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON compact_reports
	FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE TRIGGER report_keys_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON report_keys
	FOR EACH STATEMENT EXECUTE FUNCTION append_only();
