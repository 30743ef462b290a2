-- Bodies of reports that are dropped, and what stays in their place. A cut is closed before the first body of it goes: then
-- it stands on the audit trail, and that line is sealed. root is x'' until it is known, closed is 0 until then.
CREATE TABLE cuts (
	cut     INTEGER PRIMARY KEY,
	release TEXT NOT NULL,
	up_to   BIGINT NOT NULL,
	before  BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	states  BIGINT NOT NULL,
	root    BLOB NOT NULL,
	closed  BIGINT NOT NULL,
	done    BIGINT NOT NULL
);
-- What an installation had shown up to a cut. Of one that a later cut has, only the SHA-256 of the leaf is left.
CREATE TABLE settled (
	ref   TEXT NOT NULL,
	cut   BIGINT NOT NULL,
	state BLOB NOT NULL,
	PRIMARY KEY (ref, cut)
) WITHOUT ROWID;

CREATE TRIGGER cuts_insert BEFORE INSERT ON cuts WHEN NEW.closed <> 0
	BEGIN SELECT RAISE(ABORT, 'a cut begins open'); END;
CREATE TRIGGER cuts_no_update BEFORE UPDATE ON cuts
	WHEN OLD.closed <> 0 AND NOT (NEW.cut = OLD.cut AND NEW.release = OLD.release AND NEW.up_to = OLD.up_to
		AND NEW.before = OLD.before AND NEW.at = OLD.at AND NEW.states = OLD.states AND NEW.root = OLD.root AND NEW.closed = OLD.closed)
	BEGIN SELECT RAISE(ABORT, 'a closed cut stays'); END;
CREATE TRIGGER cuts_no_delete BEFORE DELETE ON cuts WHEN OLD.closed <> 0
	BEGIN SELECT RAISE(ABORT, 'a closed cut stays'); END;
CREATE TRIGGER settled_insert BEFORE INSERT ON settled
	WHEN NOT EXISTS (SELECT 1 FROM cuts c WHERE c.cut = NEW.cut AND c.closed = 0 AND length(c.root) = 0)
	BEGIN SELECT RAISE(ABORT, 'a settled state is of an open cut'); END;
CREATE TRIGGER settled_no_update BEFORE UPDATE ON settled
	WHEN NOT (NEW.ref = OLD.ref AND NEW.cut = OLD.cut AND length(NEW.state) = 32 AND EXISTS (SELECT 1 FROM settled s
		JOIN cuts c ON c.cut = s.cut WHERE s.ref = OLD.ref AND s.cut > OLD.cut AND c.closed <> 0))
	BEGIN SELECT RAISE(ABORT, 'a settled state stays until a later cut has it'); END;
CREATE TRIGGER settled_no_delete BEFORE DELETE ON settled
	WHEN EXISTS (SELECT 1 FROM cuts c WHERE c.cut = OLD.cut AND c.closed <> 0)
	BEGIN SELECT RAISE(ABORT, 'a settled state stays'); END;

-- No compact report is changed, but that its body goes (the form 3 of server/store/compact): of one that a closed cut has
-- settled, and that is not the newest about a release.
DROP TRIGGER compact_reports_no_update;
CREATE TRIGGER compact_reports_no_update BEFORE UPDATE ON compact_reports
	WHEN NOT (NEW.n = OLD.n AND NEW.who = OLD.who AND NEW.seq = OLD.seq AND NEW.at = OLD.at AND NEW.late = OLD.late
		AND length(NEW.body) = 41 AND substr(NEW.body, 1, 1) = x'03'
		AND EXISTS (SELECT 1 FROM report_keys k JOIN settled s ON s.ref = k.ref JOIN cuts c ON c.cut = s.cut
			WHERE k.who = OLD.who AND c.closed <> 0 AND OLD.n <= c.up_to)
		AND NOT EXISTS (SELECT 1 FROM report_keys k JOIN installations i ON i.ref = k.ref WHERE k.who = OLD.who AND i.seq = OLD.seq))
	BEGIN SELECT RAISE(ABORT, 'reports are append-only'); END;
