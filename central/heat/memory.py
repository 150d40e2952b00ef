"""What ground, walls and sky remember from one step to the next.

A surface in the sun is warmer than the air by its course c(t), the smooth rise and fall of a cloudless day, times the
share s of sunshine that it gets (shade, crowns, cloud). Its rise x follows

    dx/dt = s dc/dt + (s c - x) / tau

so that steady sun gives exactly the course, which was measured on real surfaces and already holds their slowness, and
any change of s (the edge of a shadow, a cloud, sunset) fades in with the time tau. Of a step only its two ends are
known, so between them s and c are taken as straight lines: the best guess for a shadow whose edge came at some moment
of the step. Then the solution is exact, whatever the length of the step (d = exp(-step / tau)):

    x' = d x + s' c' - d s c - (s' - s) (a c + b c')

with a and b from the integral of the fading (``Fade``). It lies between what was and what is, and never overshoots.
"""

import math
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

import numpy as np

from central.heat.geometry import Geometry
from central.heat.geometry.dome import PATCHES
from central.heat.geometry.skyview import OPENNESS_LEVELS
from central.heat.geometry.types import Bits, Bytes, Floats32, Floats64
from central.heat.radiation.weights import WallHeating

SURFACE_TIME_S: Final = 45.0 * 60.0
"""How slowly the skin of asphalt, stone or concrete follows.

Lindberg, Onomura & Grimmond (2016), Int. J. Biometeorol. 60:1439-1452, let the ground's radiation fade by exp(-33.27 a
day), which is 43 minutes. A half-space of asphalt (admittance 1.2 kJ/(m2 K s^1/2), Oke 1987, table 7.4) that loses 15 to 25
W/(m2 K) to air and sky is half way after 63 to 23 minutes; this time's half way is 31."""
SKY_TIME_S: Final = 3600.0
"""How slowly the cloudiness of the whole sky follows what one pyranometer sees."""
BRIGHTENING_TIME_S: Final = 600.0
"""How slowly a person follows the light that clouds beside the sun add to that of a cloudless sky, for a minute or two."""
LOW_SUN_DEG: Final = 5.0
"""With the sun lower than this the radiation does not tell how clear the sky is: the last word stands."""

Course = TypeVar("Course", float, Floats64)


class Fade(NamedTuple):
    """How much of what was is left after a step, and how much of a straight line over it has come instead."""

    kept: float
    """d, the share of the old state; with the next two times step / tau it makes up 1."""
    begin: float
    """a, the mean over the step of the fading times the line that falls from 1 to 0."""
    end: float
    """b, the same of the line that rises from 0 to 1."""

    @classmethod
    def over(cls, elapsed_s: float, time_s: float) -> "Fade":
        """Of a step of a length [s, 0 or more]."""
        steps = elapsed_s / time_s
        kept = math.exp(-steps)
        if steps < SHORT:  # the quotients below lose all digits
            return cls(kept, 0.5 - steps / 3.0, 0.5 - steps / 6.0)
        mean = (1.0 - kept) / steps
        end = (1.0 - mean) / steps
        return cls(kept, mean - end, end)

    def follow(self, before: float, aim_before: float, aim: float, elapsed_s: float, time_s: float) -> float:
        """State that runs after an aim, itself a straight line over the step."""
        return self.kept * before + elapsed_s / time_s * (self.begin * aim_before + self.end * aim)

    def parts_k(self, course_before_k: Course, course_k: Course) -> tuple[Course, Course]:
        """What is added to a surface's kept rise [K] per share of sunshine before, and per share of sunshine now."""
        passed_k = self.begin * course_before_k + self.end * course_k
        return passed_k - self.kept * course_before_k, course_k - passed_k


NOTHING_KEPT: Final = Fade(0.0, 0.0, 0.0)
SHORT: Final = 1e-4


@dataclass(eq=False)
class Memory:
    """State of one city, owned by the caller, changed by ``step``. Make it with ``Memory.fresh``.

    A fresh memory begins in balance with the first step's weather, as a step without memory would show it.
    """

    ground_heating_k: Floats32
    """(rows, columns) rise of the ground over the air [K]."""
    shade: Bytes
    """(rows, columns) what stood between each cell and the sun at the last step."""
    level_share: Floats64
    """(256,) share of the city's cells with each level of openness."""
    wall_heating_k: Floats64 = field(default_factory=lambda: np.zeros((OPENNESS_LEVELS, PATCHES)))
    """(256, 153) rise of the walls over the air [K], by level of openness of the place and patch they fill."""
    wall_share: Floats64 = field(default_factory=lambda: np.zeros((OPENNESS_LEVELS, PATCHES)))
    """(256, 153) their share of sunshine at the last step."""
    course_k: Floats32 = field(default_factory=lambda: np.zeros(256, dtype=np.float32))
    """(256,) course of each ground at the last step [K]."""
    wall_course_k: float = 0.0
    sunshine: float = 0.0
    """Clearness at the last step, 0 with the sun below the horizon."""
    clearness: float = 1.0
    """Of the whole sky, as it follows."""
    last_clearness: float = 1.0
    """As the last step with a sun high enough told it."""
    brightening_wm2: float = 0.0
    last_brightening_wm2: float = 0.0
    is_fresh: bool = True

    @classmethod
    def fresh(cls, geometry: Geometry) -> "Memory":
        """Nothing remembered yet."""
        counts = np.bincount(geometry.openness_level[:, : geometry.columns].ravel(), minlength=OPENNESS_LEVELS)
        return cls(
            np.zeros(geometry.shape, dtype=np.float32),
            np.zeros(geometry.shape, dtype=np.uint8),
            counts / counts.sum(),
        )

    def forget(self) -> None:
        """Begin anew with the next step: after a gap, a jump of the clock, another weather."""
        self.is_fresh = True

    def fade(self, elapsed_s: float) -> Fade:
        """Of the surfaces; a fresh memory keeps nothing."""
        return NOTHING_KEPT if self.is_fresh else Fade.over(elapsed_s, SURFACE_TIME_S)

    def follow_sky(self, clearness: float, sun_altitude_deg: float, elapsed_s: float) -> float:
        """The clearness of the whole sky after this step."""
        if self.is_fresh:
            self.clearness = self.last_clearness = clearness
        elif sun_altitude_deg >= LOW_SUN_DEG:
            fade = Fade.over(elapsed_s, SKY_TIME_S)
            self.clearness = fade.follow(self.clearness, self.last_clearness, clearness, elapsed_s, SKY_TIME_S)
            self.last_clearness = clearness
        return self.clearness

    def follow_brightening(self, surplus_wm2: float, elapsed_s: float) -> float:
        """Global radiation beyond that of a cloudless sky [W/m2], as its running mean."""
        if self.is_fresh:
            self.brightening_wm2 = surplus_wm2
        else:
            fade = Fade.over(elapsed_s, BRIGHTENING_TIME_S)
            self.brightening_wm2 = fade.follow(
                self.brightening_wm2, self.last_brightening_wm2, surplus_wm2, elapsed_s, BRIGHTENING_TIME_S
            )
        self.last_brightening_wm2 = surplus_wm2
        return min(self.brightening_wm2, surplus_wm2)

    def follow_ground(self, course_k: Floats32, sunshine: float, reached: Floats64, elapsed_s: float) -> Floats64:
        """(256, 3, 3) what a step adds to the kept rise of the ground [K], by cover, shade before and shade now.

        Advances course and sunshine; the maps of rise and shade are advanced by whoever goes over the cells.

        Args:
            course_k: (256,) rise of each sunlit ground under a cloudless sky.
            sunshine: clearness at this moment, 0 with the sun below the horizon.
            reached: (3,) share of the beam that arrives in the shade of a building, of a crown, in the sun.
            elapsed_s: since the last step.
        """
        fade = self.fade(elapsed_s)
        # At night the course is 0 at once, in the middle of its fall. What fades is the sunshine.
        aim_k = course_k if sunshine > 0.0 else self.course_k
        of_before_k, of_now_k = fade.parts_k(self.course_k.astype(np.float64), aim_k.astype(np.float64))
        added_k = (
            of_before_k[:, np.newaxis, np.newaxis] * self.sunshine * reached[:, np.newaxis]
            + of_now_k[:, np.newaxis, np.newaxis] * sunshine * reached
        )
        self.course_k, self.sunshine = course_k, sunshine
        return np.asarray(added_k)

    def follow_walls(self, course_k: float, sunshine: float, is_sunlit: Bits, elapsed_s: float) -> WallHeating:
        """What walls in the sun and in the shade are warmer than the air after this step, the mean over the city.

        Args:
            course_k: rise of a sunlit wall under a cloudless sky.
            sunshine: clearness at this moment, 0 with the sun below the horizon.
            is_sunlit: (256, 153) as ``sunlit_walls`` tells.
            elapsed_s: since the last step.
        """
        fade, share = self.fade(elapsed_s), np.asarray(is_sunlit * sunshine, dtype=np.float64)
        aim_k = course_k if sunshine > 0.0 else self.wall_course_k
        of_before_k, of_now_k = fade.parts_k(self.wall_course_k, aim_k)
        risen_k = fade.kept * self.wall_heating_k + of_before_k * self.wall_share + of_now_k * share
        self.wall_heating_k = np.maximum(risen_k, 0.0)
        self.wall_course_k, self.wall_share = course_k, share
        return WallHeating(self._mean_over_city(is_sunlit), self._mean_over_city(~is_sunlit))

    def _mean_over_city(self, counted: Bits) -> Floats64:
        """(153,) mean rise over the levels that are counted; where none is, the mean over all."""
        weights = self.level_share[:, np.newaxis] * counted
        total = weights.sum(axis=0)
        everywhere = self.level_share @ self.wall_heating_k
        mean = (weights * self.wall_heating_k).sum(axis=0) / np.maximum(total, 1e-12)
        return np.asarray(np.where(total > 0.0, mean, everywhere))
