-- Whether a late report is a twin is asked of its sequence number. Without this index every report of its installation
-- was read for that, in the transaction of the only writer.
CREATE INDEX reports_seq ON reports (ref, seq);
