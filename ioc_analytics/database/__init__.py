"""The only room that opens connections: servers, pools, logins, locks, COPY.

For: everything above that stores or reads. Not for: what the tables are (``schema``).
"""
