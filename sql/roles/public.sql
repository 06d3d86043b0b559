-- Nothing is granted to PUBLIC, and functions made later are not either.
REVOKE ALL ON SCHEMA analytics, internal, retired FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA internal FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
