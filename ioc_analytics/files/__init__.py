"""Files: bytes in, judged rows out, as a stream in bounded memory.

For: ingestion and the inbox. Not for: what may be stored of the rows (``privacy``).

The way of a file: ``batches`` (which files, which kind) -> ``readers`` (one file) -> ``formats``,
``streams`` and one module per format -> ``chunks`` (judged rows). A survey export goes through
``mappings`` and ``wide`` on the way. Files that we make ourselves take their names in ``outputs``.
"""
