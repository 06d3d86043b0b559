-- retention_release: releases a legal hold that is in force.
-- Parameters: id (bigint), released_by (text). Row: the hold; none: there is no such hold in force.
UPDATE internal.retention_holds
SET released_at = now(), released_by = %(released_by)s
WHERE id = %(id)s AND released_at IS NULL
RETURNING id, reason, tier, starts_on AS start, ends_on AS "end", placed_at, placed_by, released_at, released_by
