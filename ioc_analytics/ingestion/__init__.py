"""INGESTION: one transaction per batch, idempotent, every record accounted for in a receipt."""
