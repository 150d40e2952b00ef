"""Which requests read a block so that no late answer to an older request can be taken for theirs. Pure.

An RTU reply names its unit, its function and its byte count, not what it answers. A request of a length that is not among the
lengths still unanswered is therefore the only one whose reply can be told from a late one, in whatever order they come.
"""

from collections.abc import Collection

import msgspec

from contract.profiles import BLOCK_REGISTERS_MAX, Block, Profile


class Read(msgspec.Struct, frozen=True):
    """One request: `count` registers from `address`."""

    address: int
    count: int


def reads_of(block: Block, first: int, last: int, unanswered: Collection[int]) -> tuple[Read, ...] | None:
    """The requests that cover the block with lengths outside `unanswered`; None when there are none.

    In order of their cost on the wire: the block as it is; a little more than the block, inside the readable range `first` .. `last`;
    the block in two parts, cut where no value is torn, the shorter one first.
    """
    if block.count not in unanswered:
        return (Read(block.address, block.count),)
    end = block.address + block.count - 1
    longest = min(last - first + 1, BLOCK_REGISTERS_MAX)
    for count in range(block.count + 1, longest + 1):
        if count not in unanswered:
            address = max(first, min(block.address, last - count + 1))
            if address <= block.address and end <= address + count - 1:
                return (Read(address, count),)
    inner = {register.address + offset for register in block.registers for offset in range(1, register.registers)}
    for shorter in range(1, block.count // 2 + 1):
        longer = block.count - shorter
        if shorter in unanswered or longer in unanswered or shorter == longer:
            continue
        if block.address + shorter not in inner:
            return Read(block.address, shorter), Read(block.address + shorter, longer)
        if block.address + longer not in inner:
            return Read(block.address + longer, shorter), Read(block.address, longer)
    return None


def readable_range(profile: Profile, block: Block) -> tuple[int, int]:
    """First and last address that the device lets read together with the block."""
    return next(
        (span.first, span.last)
        for span in profile.readable
        if profile.function_of(span) == block.function
        and span.first <= block.address
        and block.address + block.count - 1 <= span.last
    )
