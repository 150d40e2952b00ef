"""Documents, plans and lines for the tests of the twin."""

from contract import twin
from contract.profiles import Profile, Readable, Register
from contract.twin import Desired, DesiredBus, DesiredStation
from edge.config import BusConfig, EdgeConfig, MqttConfig, StationConfig
from edge.twin.merging import local_plan
from edge.twin.trial import Seen


def profile(name="bench", address=100, response_s=0.2):
    return Profile(
        name=name,
        title="",
        source=(),
        function=3,
        register=(Register("air_temperature_degc", address, "s16", 0.1),),
        readable=(Readable(address, address),),
        response_time_max_s=response_s,
    )


def station(name, unit, kind="bench", quantities=None):
    return DesiredStation(name, kind, unit, quantities)


def desired(version=1, *stations, bus="line-a", interval_s=1.0, profiles=None, **more):
    stations = stations or (station("s1", 1),)
    return Desired(
        v=twin.VERSION,
        version=version,
        gateway="gw",
        made_at_ms=7,
        bus=(DesiredBus(bus, interval_s, tuple(stations)), *more.pop("buses", ())),
        profile=(profile(),) if profiles is None else tuple(profiles),
        **more,
    )


def local(stations=(("s1", 1),), other=(("x1", 1),)):
    """Two lines, s1 on line-a and x1 on line-b, both of the local profile `bench`."""
    config = EdgeConfig(
        gateway="gw",
        data_dir="data",
        mqtt=MqttConfig("localhost"),
        bus=(
            BusConfig("line-a", "/dev/a", station=tuple(StationConfig(name, "bench", unit) for name, unit in stations)),
            BusConfig("line-b", "/dev/b", station=tuple(StationConfig(name, "bench", unit) for name, unit in other)),
        ),
    )
    return local_plan(config, {"bench": profile()})


class FakeLines:
    """Lines that answer what the test says: `alive` names the stations that do, whatever the plan; `answers` by (bus, id, unit)."""

    def __init__(self, plan, answers):
        self.plan = plan
        self.answers = answers
        self.puts = []
        self.sweeps = 0
        self.taken = True

    def put(self, plan, changed):
        self.plan, self.sweeps = plan, 0
        self.puts.append((plan.version, sorted(changed)))

    def _there(self, bus):
        return frozenset(
            each.id for each in self.plan.bus(bus).station if (bus, each.unit_address, each.profile) in self.answers
        )

    def answering(self, bus):
        return self._there(bus)

    def seen(self, bus):
        if not self.taken:
            return None
        return Seen(self.sweeps, float(self.sweeps), self._there(bus) if self.sweeps else frozenset())
