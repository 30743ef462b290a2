-- What handsets say, and what it adds up to, lies in a file of its own from now on. The program has copied these tables
-- there before this runs (split.go); what they are made of further on is in migrations/reports.
DROP TABLE reports;
DROP TABLE installations;
DROP TABLE counts;
DROP TABLE cursors;
DROP TABLE walks;
