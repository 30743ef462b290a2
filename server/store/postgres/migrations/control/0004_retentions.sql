-- How long the bodies of reports about a release are kept, in milliseconds; 0 is for ever.
CREATE TABLE retentions (
	release TEXT COLLATE "C" PRIMARY KEY,
	keep    BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	by      TEXT COLLATE "C" NOT NULL,
	reason  TEXT COLLATE "C" NOT NULL
);
