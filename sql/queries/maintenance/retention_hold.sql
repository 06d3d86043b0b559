-- retention_hold: places a legal hold.
-- Parameters: reason, tier (text or NULL), start, end (date or NULL), placed_by (text).
-- Row: the hold.
INSERT INTO internal.retention_holds (reason, tier, starts_on, ends_on, placed_by)
VALUES (%(reason)s, %(tier)s, %(start)s, %(end)s, %(placed_by)s)
RETURNING id, reason, tier, starts_on AS start, ends_on AS "end", placed_at, placed_by, released_at, released_by
