-- What of the counted fleet, and what of lost installations, a person knew when she resumed a rollout.
ALTER TABLE rollouts ADD COLUMN forgiven_counted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rollouts ADD COLUMN excused_lost BIGINT NOT NULL DEFAULT 0;
-- What gates reckon with is the counted fleet. Of rollouts that stand, it was not known when they began.
UPDATE rollouts SET known = 0;
