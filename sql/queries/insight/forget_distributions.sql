-- forget_distributions: deletes the released distributions of one period.
-- Parameters: grain (text), start (date).
DELETE FROM analytics.ocean_trait_distributions
WHERE grain = %(grain)s AND period_start = %(start)s
