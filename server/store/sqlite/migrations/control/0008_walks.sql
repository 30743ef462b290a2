-- How far a walk over the installations of a release has come, so that it goes on after it was interrupted.
CREATE TABLE walks (
	name  TEXT PRIMARY KEY,
	after TEXT NOT NULL
) WITHOUT ROWID;
