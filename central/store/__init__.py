"""All that central remembers, behind one door (`central.store.door`): SQLite today, other databases by the same calls."""
