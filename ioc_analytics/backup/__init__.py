"""A backup counts only after it has been restored and compared."""
