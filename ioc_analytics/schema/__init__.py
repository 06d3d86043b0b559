"""SCHEMA: migrations, partitions and catalogues: plan, then apply."""
