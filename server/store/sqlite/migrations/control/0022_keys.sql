-- The HMAC by which a row was written with the key of the server (server/store/rows/macs.go); '' of rows of older programs.
-- Outages are recorded from here on: they change once a minute while they last, and are few.
ALTER TABLE records ADD COLUMN mac TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN mac TEXT NOT NULL DEFAULT '';
