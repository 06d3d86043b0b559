"""COMMANDS: parse, call one facade method, print, exit code."""
