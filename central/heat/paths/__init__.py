"""Walks through the heat: a network of straight pieces, what each piece costs at one moment, and the search over both."""

from central.heat.paths.exposure import Exposure, HeatField, Thresholds, edge_doses, exposure_along, walking_time_s
from central.heat.paths.free_surface import network_of_ground
from central.heat.paths.network import Network, network_of_edges
from central.heat.paths.tradeoff import Alternatives, Route, alternatives

__all__ = [
    "Alternatives",
    "Exposure",
    "HeatField",
    "Network",
    "Route",
    "Thresholds",
    "alternatives",
    "edge_doses",
    "exposure_along",
    "network_of_edges",
    "network_of_ground",
    "walking_time_s",
]
