"""What makes one station's weather differ from the next one's: shade, ground, shelter, place."""

from typing import Annotated, Final, Literal

import msgspec

SurfaceKind = Literal["reference", "asphalt", "paving", "plaza", "grass", "park", "roof", "water"]


class SurfaceEffect(msgspec.Struct, frozen=True):
    """How a ground changes the air 2 m above it, against the reference site on short grass.

    Attributes:
        day_k: warmer at full sun; night_k: warmer at night (stored heat).
        dew_point_k: moister.
    """

    day_k: float
    night_k: float
    dew_point_k: float


SURFACE_EFFECTS: Final[dict[str, SurfaceEffect]] = {
    "reference": SurfaceEffect(0.0, 0.0, 0.0),
    "asphalt": SurfaceEffect(1.0, 1.3, -0.4),
    "paving": SurfaceEffect(0.7, 1.0, -0.3),
    "plaza": SurfaceEffect(0.8, 0.9, -0.4),
    "grass": SurfaceEffect(-0.2, -0.2, 0.3),
    "park": SurfaceEffect(-0.9, 0.1, 0.8),
    "roof": SurfaceEffect(0.6, 0.6, -0.5),
    "water": SurfaceEffect(-0.7, 0.4, 1.0),
}
"""Of the size that urban climate campaigns report for canopy-layer differences (Oke et al. 2017, Urban Climates, ch. 7); the
single numbers are ours."""


class Shade(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that hides the sun between two azimuths (clockwise, may pass north) below an elevation."""

    from_azimuth_deg: Annotated[float, msgspec.Meta(ge=0.0, le=360.0)]
    to_azimuth_deg: Annotated[float, msgspec.Meta(ge=0.0, le=360.0)]
    below_elevation_deg: Annotated[float, msgspec.Meta(ge=0.0, le=90.0)]

    def hides(self, azimuth_deg: float, elevation_deg: float) -> bool:
        if elevation_deg >= self.below_elevation_deg:
            return False
        if self.from_azimuth_deg <= self.to_azimuth_deg:
            return self.from_azimuth_deg <= azimuth_deg <= self.to_azimuth_deg
        return azimuth_deg >= self.from_azimuth_deg or azimuth_deg <= self.to_azimuth_deg


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place for a station; the defaults are the reference site near Kumagaya Station.

    Attributes:
        exposure: wind speed against the open reference site; 0.5 is a sheltered street.
        sky_view: share of the sky dome that is free, 0..1: scales diffuse radiation.
        wind_turn_deg: how far buildings turn the wind, clockwise.
    """

    lat: Annotated[float, msgspec.Meta(ge=-66.0, le=66.0)] = 36.1390
    lon: Annotated[float, msgspec.Meta(ge=-180.0, le=180.0)] = 139.3890
    altitude_m: float = 30.0
    surface: SurfaceKind = "reference"
    exposure: Annotated[float, msgspec.Meta(gt=0.0, le=2.0)] = 1.0
    sky_view: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 1.0
    wind_turn_deg: float = 0.0
    shade: tuple[Shade, ...] = ()

    def in_shade(self, azimuth_deg: float, elevation_deg: float) -> bool:
        return any(shade.hides(azimuth_deg, elevation_deg) for shade in self.shade)


REFERENCE_SITE: Final = Site()
