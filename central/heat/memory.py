"""What ground, walls and sky remember from one step to the next.

A surface in the sun is warmer than the air by its course c(t), the smooth rise and fall of a cloudless day, times the
share s of sunshine that it gets (shade, crowns, cloud). Its rise x follows

    dx/dt = s dc/dt + (s c - x) / tau

so that steady sun gives exactly the course, which was measured on real surfaces and already holds their slowness, and
any change of s (the edge of a shadow, a cloud, sunset) fades in with the time tau. Over a step in which s stays the
same the solution is x' = d (x + s (c' - c)) + (1 - d) s c' with d = exp(-step / tau), whatever the length of the step:
it lies between what it was and what it tends to, and never overshoots.
"""

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from central.heat.geometry import Geometry
from central.heat.geometry.dome import PATCHES
from central.heat.geometry.skyview import OPENNESS_LEVELS
from central.heat.geometry.types import Bits, Floats32, Floats64
from central.heat.radiation.weights import WallHeating

SURFACE_TIME_S: Final = 45.0 * 60.0
"""How slowly the skin of asphalt, stone or concrete follows: 5 cm of 2 MJ/(m3 K) behind about 37 W/(m2 K) of radiation,
convection and conduction into the depth."""
SKY_TIME_S: Final = 3600.0
"""How slowly the cloudiness of the whole sky follows what one pyranometer sees."""
BRIGHTENING_TIME_S: Final = 600.0
"""How slowly a person follows the light that clouds beside the sun add to that of a cloudless sky, for a minute or two."""
LOW_SUN_DEG: Final = 5.0
"""With the sun lower than this the radiation does not tell how clear the sky is: the last word stands."""


@dataclass(eq=False)
class Memory:
    """State of one city, owned by the caller, changed by ``step``. Make it with ``Memory.fresh``.

    A fresh memory begins in balance with the first step's weather, as a step without memory would show it.
    """

    ground_heating_k: Floats32
    """(rows, columns) rise of the ground over the air [K]."""
    level_share: Floats64
    """(256,) share of the city's cells with each level of openness."""
    wall_heating_k: Floats64 = field(default_factory=lambda: np.zeros((OPENNESS_LEVELS, PATCHES)))
    """(256, 153) rise of the walls over the air [K], by level of openness of the place and patch they fill."""
    course_k: Floats32 = field(default_factory=lambda: np.zeros(256, dtype=np.float32))
    """(256,) course of each ground at the last step [K]."""
    wall_course_k: float = 0.0
    clearness: float = 1.0
    brightening_wm2: float = 0.0
    is_fresh: bool = True

    @classmethod
    def fresh(cls, geometry: Geometry) -> "Memory":
        """Nothing remembered yet."""
        counts = np.bincount(geometry.openness_level[:, : geometry.columns].ravel(), minlength=OPENNESS_LEVELS)
        return cls(np.zeros(geometry.shape, dtype=np.float32), counts / counts.sum())

    def forget(self) -> None:
        """Begin anew with the next step: after a gap, a jump of the clock, another weather."""
        self.is_fresh = True

    def kept_share(self, elapsed_s: float, time_s: float) -> float:
        """Share of a difference that is left after ``elapsed_s``; none for a fresh memory."""
        return 0.0 if self.is_fresh else math.exp(-elapsed_s / time_s)

    def follow_sky(self, clearness: float, sun_altitude_deg: float, elapsed_s: float) -> float:
        """The clearness of the whole sky after this step."""
        if self.is_fresh or sun_altitude_deg >= LOW_SUN_DEG:
            kept = self.kept_share(elapsed_s, SKY_TIME_S)
            self.clearness = kept * self.clearness + (1.0 - kept) * clearness
        return self.clearness

    def follow_brightening(self, surplus_wm2: float, elapsed_s: float) -> float:
        """Global radiation beyond that of a cloudless sky [W/m2], as its running mean."""
        kept = self.kept_share(elapsed_s, BRIGHTENING_TIME_S)
        self.brightening_wm2 = kept * self.brightening_wm2 + (1.0 - kept) * surplus_wm2
        return min(self.brightening_wm2, surplus_wm2)

    def follow_walls(self, course_k: float, sunshine: float, is_sunlit: Bits, elapsed_s: float) -> WallHeating:
        """What walls in the sun and in the shade are warmer than the air after this step, the mean over the city.

        Args:
            course_k: rise of a sunlit wall under a cloudless sky.
            sunshine: clearness at this moment, 0 with the sun below the horizon.
            is_sunlit: (256, 153) as ``sunlit_walls`` tells.
            elapsed_s: since the last step.
        """
        kept = self.kept_share(elapsed_s, SURFACE_TIME_S)
        share = is_sunlit * sunshine
        tends_to_k = kept * share * (course_k - self.wall_course_k) + (1.0 - kept) * share * course_k
        self.wall_heating_k = np.maximum(kept * self.wall_heating_k + tends_to_k, 0.0)
        self.wall_course_k = course_k
        return WallHeating(self._mean_over_city(is_sunlit), self._mean_over_city(~is_sunlit))

    def _mean_over_city(self, counted: Bits) -> Floats64:
        """(153,) mean rise over the levels that are counted; where none is, the mean over all."""
        weights = self.level_share[:, np.newaxis] * counted
        total = weights.sum(axis=0)
        everywhere = self.level_share @ self.wall_heating_k
        mean = (weights * self.wall_heating_k).sum(axis=0) / np.maximum(total, 1e-12)
        return np.asarray(np.where(total > 0.0, mean, everywhere))
