-- Contents of removed packages that are still to be deleted from the blob store.
CREATE TABLE leftovers (
	sha256 TEXT PRIMARY KEY
) WITHOUT ROWID;
