-- Who counts. who is 1 if it counts for its release, 2 quarantined, 4 out of draw, 8 absent at the salt.
-- draw_commit is half of a commitment that is not opened yet; drawn is -1 while it is not known.
ALTER TABLE installations ADD COLUMN away BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installations ADD COLUMN back BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installations ADD COLUMN admitted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE installations ADD COLUMN who INTEGER NOT NULL DEFAULT 0;
ALTER TABLE installations ADD COLUMN draw_commit BLOB NOT NULL DEFAULT x'';
ALTER TABLE installations ADD COLUMN drawn INTEGER NOT NULL DEFAULT -1;

-- Figures say whose they are: '' of everybody who is not quarantined, 'counted', or 'quarantined'.
CREATE TABLE figures (
	release TEXT NOT NULL,
	model   TEXT NOT NULL,
	channel TEXT NOT NULL,
	who     TEXT NOT NULL,
	kind    TEXT NOT NULL,
	value   TEXT NOT NULL,
	n       BIGINT NOT NULL CHECK (n >= 0),
	PRIMARY KEY (release, model, channel, who, kind, value)
) WITHOUT ROWID;
INSERT INTO figures SELECT release, model, channel, '', kind, value, n FROM counts;
DROP TABLE counts;
ALTER TABLE figures RENAME TO counts;
CREATE INDEX counts_model ON counts (model, release);
