"""What every source of simulated weather offers."""

from collections.abc import Mapping
from typing import Protocol

Sample = Mapping[str, float | None]
"""Physical values by quantity name (`contract.quantities`); None: the sensor has nothing to say at this moment."""


class WeatherSource(Protocol):
    """The weather at one station, for any moment in any order: no state, so speed and restarts change nothing."""

    def at(self, unix_ms: int) -> Sample:
        """The values at the city's wall time `unix_ms`, in the units of `contract.quantities`."""
        ...
