-- By which number the offers of a model and channel ask handsets to say again what they said last.
CREATE TABLE epochs (
	model   TEXT NOT NULL,
	channel TEXT NOT NULL,
	epoch   BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	by      TEXT NOT NULL,
	reason  TEXT NOT NULL,
	PRIMARY KEY (model, channel)
) WITHOUT ROWID;
