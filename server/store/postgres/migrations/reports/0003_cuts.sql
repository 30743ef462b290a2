-- Bodies of reports that are dropped, and what stays in their place. A cut is closed before the first body of it goes: then
-- it stands on the audit trail, and that line is sealed. root is '' until it is known, closed is 0 until then.
CREATE TABLE cuts (
	cut     BIGINT PRIMARY KEY,
	release TEXT COLLATE "C" NOT NULL,
	up_to   BIGINT NOT NULL,
	before  BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	states  BIGINT NOT NULL,
	root    BYTEA NOT NULL,
	closed  BIGINT NOT NULL,
	done    BIGINT NOT NULL
);
-- What an installation had shown up to a cut. Of one that a later cut has, only the SHA-256 of the leaf is left.
CREATE TABLE settled (
	ref   TEXT COLLATE "C" NOT NULL,
	cut   BIGINT NOT NULL,
	state BYTEA NOT NULL,
	PRIMARY KEY (ref, cut)
);

CREATE FUNCTION cuts_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		IF NEW.closed <> 0 THEN
			RAISE EXCEPTION 'a cut begins open';
		END IF;
		RETURN NEW;
	END IF;
	IF TG_OP = 'DELETE' THEN
		IF OLD.closed <> 0 THEN
			RAISE EXCEPTION 'a closed cut stays';
		END IF;
		RETURN OLD;
	END IF;
	IF OLD.closed <> 0 AND (NEW.cut, NEW.release, NEW.up_to, NEW.before, NEW.at, NEW.states, NEW.root, NEW.closed)
		IS DISTINCT FROM (OLD.cut, OLD.release, OLD.up_to, OLD.before, OLD.at, OLD.states, OLD.root, OLD.closed) THEN
		RAISE EXCEPTION 'a closed cut stays';
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER cuts_stay BEFORE INSERT OR UPDATE OR DELETE ON cuts FOR EACH ROW EXECUTE FUNCTION cuts_stay();
CREATE TRIGGER cuts_no_truncate BEFORE TRUNCATE ON cuts FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE FUNCTION settled_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'INSERT' THEN
		IF NOT EXISTS (SELECT 1 FROM cuts c WHERE c.cut = NEW.cut AND c.closed = 0 AND length(c.root) = 0) THEN
			RAISE EXCEPTION 'a settled state is of an open cut';
		END IF;
		RETURN NEW;
	END IF;
	IF TG_OP = 'DELETE' THEN
		IF EXISTS (SELECT 1 FROM cuts c WHERE c.cut = OLD.cut AND c.closed <> 0) THEN
			RAISE EXCEPTION 'a settled state stays';
		END IF;
		RETURN OLD;
	END IF;
	IF NEW.ref <> OLD.ref OR NEW.cut <> OLD.cut OR length(NEW.state) <> 32 OR NOT EXISTS (SELECT 1 FROM settled s
		JOIN cuts c ON c.cut = s.cut WHERE s.ref = OLD.ref AND s.cut > OLD.cut AND c.closed <> 0) THEN
		RAISE EXCEPTION 'a settled state stays until a later cut has it';
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER settled_stay BEFORE INSERT OR UPDATE OR DELETE ON settled FOR EACH ROW EXECUTE FUNCTION settled_stay();
CREATE TRIGGER settled_no_truncate BEFORE TRUNCATE ON settled FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- No compact report is changed, but that its body goes (the form 3 of server/store/compact): of one that a closed cut has
-- settled, and that is not the newest about a release.
DROP TRIGGER compact_reports_append_only ON compact_reports;
CREATE TRIGGER compact_reports_append_only BEFORE DELETE OR TRUNCATE ON compact_reports
	FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE FUNCTION only_settled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF (NEW.n, NEW.who, NEW.seq, NEW.at, NEW.late) IS DISTINCT FROM (OLD.n, OLD.who, OLD.seq, OLD.at, OLD.late)
		OR length(NEW.body) <> 41 OR substr(NEW.body, 1, 1) <> '\x03'::bytea
		OR NOT EXISTS (SELECT 1 FROM report_keys k JOIN settled s ON s.ref = k.ref JOIN cuts c ON c.cut = s.cut
			WHERE k.who = OLD.who AND c.closed <> 0 AND OLD.n <= c.up_to)
		OR EXISTS (SELECT 1 FROM report_keys k JOIN installations i ON i.ref = k.ref WHERE k.who = OLD.who AND i.seq = OLD.seq) THEN
		RAISE EXCEPTION 'compact_reports is append-only';
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER compact_reports_only_settled BEFORE UPDATE ON compact_reports FOR EACH ROW EXECUTE FUNCTION only_settled();
