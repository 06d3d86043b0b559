"""The statistics room: against R, against definitions, and for any split of any data."""
