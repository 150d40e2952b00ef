"""How often one source may be refused before it has to wait. Only refusals cost: who is in the right never waits for who is not.

Pure: the time is handed in. Memory is bounded: the source that was quiet for longest is forgotten first.
"""

import ipaddress
from collections import OrderedDict
from typing import Final

SOURCES_MAX: Final = 10_000


class RefusalLimit:
    """A bucket of `burst` refusals for each source that fills again by one every `refill_s` seconds."""

    def __init__(self, burst: int = 10, refill_s: float = 10.0) -> None:
        self._burst = burst
        self._refill_s = refill_s
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, source: str, now_s: float) -> float:
        """0 when the source may try, else the seconds until it may."""
        spent = self._now_spent(source, now_s)
        return 0.0 if spent <= self._burst - 1 else (spent - (self._burst - 1)) * self._refill_s

    def refused(self, source: str, now_s: float) -> None:
        self._spent[source] = (self._now_spent(source, now_s) + 1.0, now_s)
        self._spent.move_to_end(source)
        while len(self._spent) > SOURCES_MAX:
            self._spent.popitem(last=False)

    def _now_spent(self, source: str, now_s: float) -> float:
        spent, at_s = self._spent.get(source, (0.0, now_s))
        return max(0.0, spent - (now_s - at_s) / self._refill_s)


def source_of(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: a household has 2**64 of those."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
