"""What an import found, put together from what was read and what was drawn."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from central.city.citygml import Tally
from central.city.ground import Ground
from central.city.ground_cover import GroundCover
from central.city.layers import Layers
from central.city.model import Building, ImportReport, LandCover


def import_report(
    tally: Tally,
    buildings: Sequence[Building],
    *,
    layers: Layers,
    ground: Ground,
    cover: GroundCover,
    tiles: Sequence[str],
) -> ImportReport:
    """The report of one import; `tiles` are the names of the files read."""
    sources = Counter(building.height_source.value for building in buildings)
    codes = np.bincount(cover.land_cover.reshape(-1), minlength=256)
    return ImportReport(
        buildings=tally.buildings,
        volumes=len(buildings),
        with_height=sources["measured"],
        height_from_solid=sources["solid"],
        height_from_storeys=sources["storeys"],
        height_from_neighbours=sources["neighbours"],
        height_not_numeric=tally.height_not_numeric,
        repaired=tally.repaired,
        lod2=sum(bool(building.roof) for building in buildings),
        skipped=dict(tally.skipped),
        skipped_examples=tuple(tally.examples),
        tiles=tuple(tiles),
        terrain=ground.source,
        relief_share=ground.relief_share,
        outside=tally.outside,
        roads=len(layers.roads),
        roads_with_width=sum(found.road.width_stated for found in layers.roads),
        uses=len(layers.uses),
        uses_unknown=dict(Counter(use.code for use in layers.uses if use.cover is LandCover.UNKNOWN)),
        trees=len(layers.trees),
        trees_estimated=sum(tree.estimated for tree in layers.trees),
        plant_covers=len(layers.covers),
        plant_covers_estimated=sum(found.estimated for found in layers.covers),
        plants_outside=tally.outside_plants,
        wood_m2=cover.wood_m2,
        cover_shares={
            code.name.lower(): float(codes[code]) / cover.land_cover.size for code in LandCover if codes[code]
        },
    )
