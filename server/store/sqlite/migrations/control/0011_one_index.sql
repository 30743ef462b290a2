-- One index serves for both: the reports at a number, and the report with an id, whose number a version 2 id fixes. Two
-- were most of what storing a report cost.
DROP INDEX reports_seq;
DROP INDEX reports_id;
CREATE UNIQUE INDEX reports_key ON reports (ref, seq, id);
