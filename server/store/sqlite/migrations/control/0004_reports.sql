-- Each report says which shape its body has, and which release it speaks of. Of older ones the program reads the
-- release from the envelope (backfill.go); they are all of the first shape.
ALTER TABLE reports ADD COLUMN schema BIGINT NOT NULL DEFAULT 1;
ALTER TABLE reports ADD COLUMN release TEXT NOT NULL DEFAULT '';
