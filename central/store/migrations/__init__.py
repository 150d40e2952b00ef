"""Numbered, forward-only changes of the schema: one folder a database, one file a step, `0001_name.sql`.

A step and the note that it ran share one transaction. `pending` only reads.
"""
