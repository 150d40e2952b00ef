"""Central's own look at what arrives: a value outside its quantity's range is kept, with a flag. Pure.

The edge has checked before and sees more (jumps, stuck values); a flag it has set is never changed here.
"""

from typing import Final

import msgspec

from contract.messages import Batch, Item, Reading
from contract.quantities import QUANTITIES, Flag

_RANGES: Final = {name: (quantity.minimum, quantity.maximum) for name, quantity in QUANTITIES.items()}


def checked(batch: Batch) -> Batch:
    """The batch with OUT_OF_RANGE set where it is due: the same object when nothing is."""
    replaced: dict[int, Item] = {}
    ranges = _RANGES
    for index, item in enumerate(batch.items):
        if not isinstance(item, Reading):
            continue
        for name, value in item.values.items():
            if value is None:
                continue
            low, high = ranges[name]
            if not low <= value <= high:
                replaced[index] = _flagged(item)
                break
    if not replaced:
        return batch
    items = [replaced.get(index, item) for index, item in enumerate(batch.items)]
    return msgspec.structs.replace(batch, items=items)


def _flagged(reading: Reading) -> Reading:
    flags = dict(reading.flags)
    for name, value in reading.values.items():
        low, high = _RANGES[name]
        if value is not None and not low <= value <= high:
            flags.setdefault(name, Flag.OUT_OF_RANGE)
    return msgspec.structs.replace(reading, flags=flags)
