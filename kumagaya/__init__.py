"""The command line: one command for every part of the house."""
