"""What to give up first when the disk quota is full: a stretch is thinned before anything is dropped. Pure.

Works on *packs*: the items of one commit, one row of the outbox. A tombstone (`contract.messages.Shed`) is a pack of its own
that stands for the range it replaces, so that "shed" and "lost" never look alike.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

STRETCH_SHARE: Final = 0.25
"""How much of the outbox is treated at once: few, wide tombstones instead of one for each new reading."""


class Pack(msgspec.Struct, frozen=True):
    """A row of the outbox without its payload. `shed`: items a tombstone stands for; 0 for a pack of readings."""

    first_seq: int
    last_seq: int
    first_at_ms: int
    last_at_ms: int
    shed: int = 0
    thinned: bool = False

    @property
    def items(self) -> int:
        return self.last_seq - self.first_seq + 1


def thin(packs: Sequence[Pack], keep_every: int) -> list[tuple[Pack, ...]]:
    """Of consecutive packs, the runs to be replaced by a tombstone each: every `keep_every`-th pack of readings is kept.

    Tombstones and what an earlier thinning kept end a run and stay.
    """
    runs: list[tuple[Pack, ...]] = []
    run: list[Pack] = []
    fresh = 0
    for pack in packs:
        settled = pack.shed > 0 or pack.thinned
        if settled or fresh % keep_every == 0:
            if run:
                runs.append(tuple(run))
            run = []
        else:
            run.append(pack)
        fresh += not settled
    if run:
        runs.append(tuple(run))
    return runs


def tombstone(packs: Sequence[Pack]) -> Pack:
    """The pack that stands for a run of consecutive packs; what they had shed before is counted in."""
    return Pack(
        first_seq=packs[0].first_seq,
        last_seq=packs[-1].last_seq,
        first_at_ms=min(pack.first_at_ms for pack in packs),
        last_at_ms=max(pack.last_at_ms for pack in packs),
        shed=sum(pack.shed or pack.items for pack in packs),
    )


def plan(packs: Sequence[Pack], keep_every: int) -> list[tuple[Pack, ...]]:
    """The runs of the oldest stretch that tombstones are to replace.

    Args:
        packs: the oldest packs, ascending: the stretch to be treated.
        keep_every: see `thin`.

    Returns:
        The runs of a thinning while there is something to thin in the stretch; else one run: the whole stretch.

    """
    runs = thin(packs, keep_every)
    if runs:
        return runs
    return [tuple(packs)] if packs else []
