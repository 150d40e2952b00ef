"""What a person at each cell sees of sky, buildings and trees: computed once per city, read by every step."""

from central.heat.geometry.prepared import Geometry, prepare

__all__ = ["Geometry", "prepare"]
