-- catalogue: every object of both schemas as one line of text, partitions left out.
-- Row: line (text).
SELECT format('table %s.%s kind %s', n.nspname, c.relname, c.relkind) AS line
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('analytics', 'internal') AND c.relkind IN ('r', 'p', 'm', 'v', 'S') AND NOT c.relispartition
UNION ALL
SELECT format(
    'column %s.%s.%s %s%s', n.nspname, c.relname, a.attname,
    format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
)
FROM pg_attribute AS a
INNER JOIN pg_class AS c ON c.oid = a.attrelid
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('analytics', 'internal') AND c.relkind IN ('r', 'p', 'm', 'v') AND NOT c.relispartition
    AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT format('index %s%s', pg_get_indexdef(i.indexrelid), CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END)
FROM pg_index AS i
INNER JOIN pg_class AS c ON c.oid = i.indrelid
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('analytics', 'internal') AND NOT c.relispartition
UNION ALL
SELECT format('constraint %s.%s %s', n.nspname, o.conname, pg_get_constraintdef(o.oid))
FROM pg_constraint AS o
INNER JOIN pg_class AS c ON c.oid = o.conrelid
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('analytics', 'internal') AND NOT c.relispartition AND o.contype <> 'n'
UNION ALL
SELECT format('view %s.%s %s', n.nspname, c.relname, md5(pg_get_viewdef(c.oid)))
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('analytics', 'internal') AND c.relkind IN ('m', 'v')
UNION ALL
SELECT format('function %s.%s(%s) %s', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), md5(p.prosrc))
FROM pg_proc AS p
INNER JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname IN ('analytics', 'internal')
UNION ALL
SELECT format('trigger %s.%s %s', n.nspname, c.relname, t.tgname)
FROM pg_trigger AS t
INNER JOIN pg_class AS c ON c.oid = t.tgrelid
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('analytics', 'internal') AND NOT t.tgisinternal AND NOT c.relispartition
UNION ALL
SELECT format('grant %s.%s %s %s', n.nspname, c.relname, a.grantee::regrole, a.privilege_type)
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(c.relacl) AS a
WHERE n.nspname IN ('analytics', 'internal') AND c.relkind IN ('r', 'p', 'm', 'v') AND NOT c.relispartition
    AND a.grantee <> 0
UNION ALL
SELECT format('grant %s.%s PUBLIC %s', n.nspname, c.relname, a.privilege_type)
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(c.relacl) AS a
WHERE n.nspname IN ('analytics', 'internal') AND NOT c.relispartition AND a.grantee = 0
