"""A place as people write it: LAT,LON."""

from typing import Final

from contract.errors import UserError

EXAMPLE: Final = "LAT,LON in degrees, for example 36.139,139.389"
LAT_MAX_DEG: Final = 90.0
LON_MAX_DEG: Final = 180.0


def is_on_earth(lat: float, lon: float) -> bool:
    """False for NaN too."""
    return abs(lat) <= LAT_MAX_DEG and abs(lon) <= LON_MAX_DEG


def swapped(lat: float, lon: float) -> str:
    """What to tell somebody who seems to have written the longitude first."""
    return f"LAT first, LON second: is {lon:.8g},{lat:.8g} meant?"


def read_place(text: str, where: str = "") -> tuple[float, float]:
    """(lat, lon) [degrees].

    Args:
        text: two numbers and a comma.
        where: what to call it in a refusal.

    Raises:
        UserError: no two numbers, or no place on Earth.
    """
    try:
        lat, lon = (float(word) for word in text.split(","))
    except ValueError:
        raise UserError(f"{text!r} is no place", where=where, hint=EXAMPLE) from None
    if not is_on_earth(lat, lon):
        hint = swapped(lat, lon) if is_on_earth(lon, lat) else EXAMPLE
        raise UserError(f"{text!r} is no place on Earth", where=where, hint=hint)
    return lat, lon
