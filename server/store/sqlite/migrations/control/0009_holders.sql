-- The names of the people who hold offline keys, as the signers' trust files say them. Nothing follows from them.
CREATE TABLE holders (
	key_id TEXT PRIMARY KEY,
	name   TEXT NOT NULL
);
