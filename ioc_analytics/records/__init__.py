"""RECORDS: frozen rows, result types, closed vocabularies, contracts; no I/O."""
