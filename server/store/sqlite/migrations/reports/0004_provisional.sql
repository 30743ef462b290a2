-- Installations that are of no counted fleet have a share of the disk together: how many reports of theirs are stored is
-- one figure, of no release, model or channel.
DELETE FROM counts WHERE kind = 'uncounted';
INSERT INTO counts SELECT '', '', '', '', 'uncounted', '', sum(reports) FROM installations
	WHERE current AND (admitted = 0 OR who & 2 <> 0) HAVING count(*) > 0;

-- Reports for which that share had no room: as they came, not judged, not sealed, in no figure. They may be let go of.
-- Slots are numbered from 1 without a gap, so that chance finds one of them.
CREATE TABLE provisional (
	slot     INTEGER PRIMARY KEY,
	ref      TEXT NOT NULL,
	seq      BIGINT NOT NULL,
	id       TEXT NOT NULL,
	at       BIGINT NOT NULL,
	envelope BLOB NOT NULL
);
CREATE UNIQUE INDEX provisional_key ON provisional (ref, seq, id);
CREATE INDEX provisional_at ON provisional (at, ref, seq, id);
