-- The HMAC by which a row was written with the key of the server (server/store/rows/macs.go); '' of rows of older programs.
ALTER TABLE records ADD COLUMN mac TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN mac TEXT COLLATE "C" NOT NULL DEFAULT '';
