-- oldest: 3
-- What everybody may see of small numbers: how many installations are of a kind on a model. base and after are what a number
-- was made from and how long it stands, for nobody but who keeps them. A row that is lost is hidden until enough have moved.
CREATE TABLE public_cells (
	model   TEXT COLLATE "C" NOT NULL,
	kind    TEXT COLLATE "C" NOT NULL,
	release TEXT COLLATE "C" NOT NULL,
	shown   BOOLEAN NOT NULL,
	number  BIGINT NOT NULL,
	present BOOLEAN NOT NULL,
	at      BIGINT NOT NULL,
	base    BIGINT NOT NULL,
	after   BIGINT NOT NULL,
	asked   BIGINT NOT NULL,
	PRIMARY KEY (model, kind)
);
-- Each change of what is shown, as of when. What was shown under a lower threshold is told by base and after.
CREATE TABLE public_cells_past (
	model  TEXT COLLATE "C" NOT NULL,
	kind   TEXT COLLATE "C" NOT NULL,
	at     BIGINT NOT NULL,
	shown  BOOLEAN NOT NULL,
	number BIGINT NOT NULL,
	base   BIGINT NOT NULL,
	after  BIGINT NOT NULL,
	PRIMARY KEY (model, kind, at)
);
