"""Duban (督办): job workers, intake and records for a telecom operator's complaint process on Zeebe."""
