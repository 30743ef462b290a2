-- How long the bodies of reports about a release are kept, in milliseconds; 0 is for ever.
CREATE TABLE retentions (
	release TEXT PRIMARY KEY,
	keep    BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	by      TEXT NOT NULL,
	reason  TEXT NOT NULL
) WITHOUT ROWID;
