"""The fleet: the city's own certificate authority, the registry of gateways, their claims and renewals, and the broker's doors.

Runs in a process of its own (`kumagaya central fleet serve`): the key that signs is never in the process that answers the public.
"""
