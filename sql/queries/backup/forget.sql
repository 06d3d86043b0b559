-- forget: empties the copy of the catalogue, which is written anew.
DELETE FROM internal.backups
