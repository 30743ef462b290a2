-- oldest: 3
-- A compact report takes 20 bytes less with narrow columns, of its row and of the index by which an installation's reports are found:
-- a sequence number is at most 65,535, and two thousand million installations are more than one database is for (then no more become
-- compact, and none is lost). The table is written anew; that takes some ten minutes for a hundred million reports.
ALTER TABLE compact_reports ALTER COLUMN who TYPE INTEGER, ALTER COLUMN seq TYPE INTEGER;
