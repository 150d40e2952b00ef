"""One module for each part of the address space; each gives a router for the services handed to it."""
