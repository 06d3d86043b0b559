-- watermark: when the newest batch was loaded. Row: loaded_at (timestamptz or NULL).
SELECT max(b.loaded_at) AS loaded_at FROM internal.batches AS b WHERE b.status <> 'undone'
