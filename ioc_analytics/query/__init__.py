"""QUERY: custom SQL, read-only by privilege, within limits."""
