"""The service's face: HTTP under /v1, live events, health, metrics, and the built front end.

Routes are thin: they ask the store and the simulation and describe the answer. Nothing here computes heat.
"""
