-- Who has fallen silent is computed when figures are read, from how many installations wait by the UTC day of their newest
-- report (kind waiting). Those that were judged silent wait again. Who said that it installed has figures by the hour (kind
-- installed), of each release alone.
UPDATE installations SET verdict = 'unpatched', because = '[{"code":"not_of_release"}]'
	WHERE verdict = 'unknown' AND instr(because, '"code":"silent"') > 0;
DELETE FROM counts WHERE kind IN ('silent', 'waiting', 'installed') OR kind = 'verdict' AND value IN ('unknown', 'unpatched');
INSERT INTO counts SELECT release, model, channel, 'verdict', verdict, count(*) FROM installations
	WHERE verdict IN ('unknown', 'unpatched') GROUP BY 1, 2, 3, 5;
INSERT INTO counts SELECT '', model, channel, 'verdict', verdict, count(*) FROM installations
	WHERE current AND verdict IN ('unknown', 'unpatched') GROUP BY 2, 3, 5;
INSERT INTO counts SELECT release, model, channel, 'waiting', CAST(last / 86400000 AS TEXT), count(*) FROM installations
	WHERE current AND verdict = 'unpatched' GROUP BY 1, 2, 3, 5;
INSERT INTO counts SELECT '', model, channel, kind, value, sum(n) FROM counts WHERE kind = 'waiting' GROUP BY 2, 3, 5;
INSERT INTO counts SELECT release, model, channel, 'installed', CAST(last / 3600000 AS TEXT), count(*) FROM installations
	WHERE current AND progress = 'installed' GROUP BY 1, 2, 3, 5;
DELETE FROM cursors WHERE name = 'silent';
