"""Plan metres, and what may lie in them: rectangles, houses, trees; and the lines and sites that every draft has.

u runs along the railway towards east-south-east, v across it towards the north; the station is at (0, 0).
"""

from dataclasses import dataclass, field

from central.city.model import LandCover

REACH_M = 1320.0
"""Half the side of the plan: it covers a 2 km square however it is turned."""


@dataclass(frozen=True, slots=True)
class Rect:
    """An upright rectangle of the plan [m]."""

    u0: float
    v0: float
    u1: float
    v1: float

    @property
    def width(self) -> float:
        return self.u1 - self.u0

    @property
    def depth(self) -> float:
        return self.v1 - self.v0

    @property
    def middle(self) -> tuple[float, float]:
        return (self.u0 + self.u1) / 2, (self.v0 + self.v1) / 2

    @property
    def area(self) -> float:
        return self.width * self.depth

    def inset(self, west: float, south: float, east: float, north: float) -> "Rect":
        return Rect(self.u0 + west, self.v0 + south, self.u1 - east, self.v1 - north)

    def touches(self, other: "Rect") -> bool:
        return self.u0 < other.u1 and other.u0 < self.u1 and self.v0 < other.v1 and other.v0 < self.v1

    @property
    def corners(self) -> list[tuple[float, float]]:
        return [(self.u0, self.v0), (self.u1, self.v0), (self.u1, self.v1), (self.u0, self.v1)]


@dataclass(frozen=True, slots=True)
class House:
    """Corners in plan metres, counter-clockwise, and the height [m]."""

    corners: list[tuple[float, float]]
    height_m: float


@dataclass(frozen=True, slots=True)
class Tree:
    u: float
    v: float
    height_m: float
    radius_m: float


@dataclass(slots=True)
class Plan:
    """What is drawn, in the order of drawing: later ground covers earlier ground."""

    ground: list[tuple[Rect, LandCover]] = field(default_factory=list)
    houses: list[House] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)


# Always in the same place, whatever the seed: the eight weather stations stand there.
RAIL = Rect(-REACH_M, -20.0, REACH_M, 14.0)
STREAM = Rect(-REACH_M, 330.0, REACH_M, 360.0)
NORTH_PLAZA = Rect(-72.0, 16.0, 86.0, 102.0)
SOUTH_PLAZA = Rect(-46.0, -78.0, 52.0, -22.0)
BUS_TERMINAL = Rect(-196.0, 20.0, -80.0, 102.0)
CITY_HALL = Rect(-330.0, 700.0, -200.0, 850.0)
CENTRAL_PARK = Rect(30.0, 690.0, 190.0, 820.0)
DEPARTMENT_STORE = Rect(-640.0, 498.0, -530.0, 586.0)
SCHOOL = Rect(-310.0, -580.0, -110.0, -430.0)
NORTH_SCHOOL = Rect(390.0, 700.0, 560.0, 840.0)
SOUTH_PARK = Rect(110.0, -300.0, 210.0, -215.0)
SHRINE = Rect(-560.0, 700.0, -460.0, 800.0)
STATION_STORE = Rect(92.0, 22.0, 182.0, 101.0)
CAR_PARK = Rect(-160.0, -172.0, -88.0, -116.0)
SUPERMARKET = Rect(400.0, -830.0, 540.0, -720.0)
HOSPITAL = Rect(420.0, 150.0, 540.0, 230.0)
RIVER_V = -900.0

# Middle line and width [m] of the streets that run through; between them lanes are cut at random.
AVENUES_ACROSS = [
    (-880.0, 10.0),
    (-640.0, 10.0),
    (-340.0, 18.0),
    (-85.0, 14.0),
    (108.5, 13.0),
    (480.0, 22.0),
    (664.0, 10.0),
    (886.0, 14.0),
    (1110.0, 8.0),
]
AVENUES_ALONG = [
    (-1000.0, 12.0),
    (-700.0, 16.0),
    (-380.0, 12.0),
    (0.0, 26.0),
    (335.0, 14.0),
    (650.0, 18.0),
    (1000.0, 12.0),
]
TREE_LINED_WIDTH_M = 14.0

# Sites that keep their ground free of lanes and lots.
RESERVED = [
    NORTH_PLAZA, STATION_STORE, SOUTH_PLAZA, BUS_TERMINAL, CITY_HALL, CENTRAL_PARK, DEPARTMENT_STORE, SCHOOL, NORTH_SCHOOL,
    SOUTH_PARK, SHRINE, CAR_PARK, SUPERMARKET, HOSPITAL,
]  # fmt: skip
