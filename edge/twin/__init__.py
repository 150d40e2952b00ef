"""Desired and reported: what central wishes is checked, tried on the live buses, kept or rolled back, and told."""
