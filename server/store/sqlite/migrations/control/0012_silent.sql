-- Installations of which nothing is known because they fell silent have a figure of their own, kind silent: of current
-- states alone. That nothing is known has other reasons, too, where a release claims nothing.
INSERT INTO counts SELECT release, model, channel, 'silent', '', count(*) FROM installations
	WHERE current AND verdict = 'unknown' AND instr(because, '"code":"silent"') > 0 GROUP BY 1, 2, 3;
INSERT INTO counts SELECT '', model, channel, 'silent', '', sum(n) FROM counts WHERE kind = 'silent' GROUP BY 2, 3;
