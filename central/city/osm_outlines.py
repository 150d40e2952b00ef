from pathlib import Path

from central.city.citygml import LonLatBox, RawVolume, Tally


def read_outlines(path: Path, tally: Tally, box: LonLatBox | None = None) -> list[RawVolume]:
    raise NotImplementedError
