-- batch_volumes: accepted records of the newest batch, and the median of the 20 before it.
-- Row: newest, usual (NULL without any), earlier_batches.
WITH b AS (
    SELECT
        (l.receipt ->> 'accepted')::double precision AS accepted,
        row_number() OVER (ORDER BY l.batch_id DESC) AS place
    FROM internal.batches AS l
    WHERE l.status = 'loaded'
    ORDER BY l.batch_id DESC
    LIMIT 21
)

SELECT
    max(b.accepted) FILTER (WHERE b.place = 1) AS newest,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY b.accepted) FILTER (WHERE b.place > 1) AS usual,
    count(*) FILTER (WHERE b.place > 1) AS earlier_batches
FROM b
