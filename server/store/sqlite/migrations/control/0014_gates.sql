-- What the gates of a rollout reckon with: installations known before its salt, failures that a person excused, when its
-- gates were looked at last; and how often handsets that gave up were asked to try again. Older rollouts know none of it.
ALTER TABLE rollouts ADD COLUMN known BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rollouts ADD COLUMN excused BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rollouts ADD COLUMN looked BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rollouts ADD COLUMN retries BIGINT NOT NULL DEFAULT 0;
