-- What a failure is blamed on: of installations whose progress is failed. It is read from the reports that are stored,
-- and has figures of its own, kind cause.
ALTER TABLE installations ADD COLUMN cause TEXT NOT NULL DEFAULT '';
