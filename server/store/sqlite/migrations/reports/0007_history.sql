-- oldest: 6
-- What the figures were. A copy is made at a moment; of a release on a model and channel it has a row only if its figures are
-- not those of its copy before, and that one then stands for the moments in between. Without a release: the total of a
-- model and channel. Without a model: all models of a release together, or, without both, the fleet.
CREATE TABLE history (
	model   TEXT NOT NULL,
	release TEXT NOT NULL,
	channel TEXT NOT NULL,
	at      BIGINT NOT NULL,
	figures TEXT NOT NULL,
	PRIMARY KEY (model, release, channel, at)
) WITHOUT ROWID;
-- When copies were made, and what figures meant then.
CREATE TABLE history_moments (
	at      BIGINT PRIMARY KEY,
	version BIGINT NOT NULL
) WITHOUT ROWID;
