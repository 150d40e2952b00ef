"""The gateway's own file with a desired document laid over it. Pure."""

from collections.abc import Mapping

import msgspec

from contract.profiles import Profile
from contract.twin import Desired, DesiredBus, DesiredStation, Quota, Refusal, Refused, check
from edge.config import BusConfig, EdgeConfig, HealthConfig, StationConfig


class Plan(msgspec.Struct, frozen=True):
    """What the agent runs by: the effective configuration, the profiles of its stations, and the document it comes from.

    A document brings its own profiles; lines it does not speak of go on with those of the gateway's folder, even under the same name.
    `profiles` is therefore kept for each line.
    """

    config: EdgeConfig
    profiles: Mapping[str, Mapping[str, Profile]]
    desired: Desired | None = None

    @property
    def version(self) -> int:
        return 0 if self.desired is None else self.desired.version

    def bus(self, name: str) -> BusConfig:
        return next(bus for bus in self.config.bus if bus.name == name)

    def profile(self, bus: str, station: StationConfig) -> Profile:
        return self.profiles[bus][station.profile]


def local_plan(config: EdgeConfig, profiles: Mapping[str, Profile]) -> Plan:
    """The file alone."""
    return Plan(config, {bus.name: profiles for bus in config.bus})


def merge(local: Plan, desired: Desired) -> Plan | Refused:
    """The local plan with the document's lines, quota and health interval in the place of its own; or why they do not fit together."""
    refused = check(desired, gateway=local.config.gateway, buses=[bus.name for bus in local.config.bus])
    if refused is not None:
        return msgspec.structs.replace(refused, version=desired.version)
    wished = {bus.name: bus for bus in desired.bus}
    carried = {profile.name: profile for profile in desired.profile}
    config = msgspec.structs.replace(
        local.config,
        bus=tuple(_with(bus, wished[bus.name]) if bus.name in wished else bus for bus in local.config.bus),
        health=local.config.health
        if desired.health_interval_s is None
        else HealthConfig(interval_s=desired.health_interval_s),
        outbox=local.config.outbox
        if desired.outbox is None
        else msgspec.structs.replace(
            local.config.outbox, bytes_max=desired.outbox.bytes_max, rows_max=desired.outbox.rows_max
        ),
    )
    profiles = {bus.name: carried if bus.name in wished else local.profiles[bus.name] for bus in config.bus}
    seen: dict[str, str] = {}
    for bus in config.bus:
        for station in bus.station:
            if station.id in seen:
                # Within the document `check` has looked; this one is also on a line that only the local file speaks of.
                return Refused(
                    Refusal.DUPLICATE_STATION,
                    f"{station.id!r} is on {seen[station.id]} and on {bus.name}",
                    desired.version,
                )
            seen[station.id] = bus.name
    return Plan(config, profiles, desired)


def _with(bus: BusConfig, wish: DesiredBus) -> BusConfig:
    stations = tuple(StationConfig(each.id, each.profile, each.unit_address, each.quantities) for each in wish.station)
    return msgspec.structs.replace(bus, interval_s=wish.interval_s, station=stations)


def reported_buses(config: EdgeConfig) -> list[DesiredBus]:
    """The lines as they are polled, in the words of a document."""
    return [
        DesiredBus(
            bus.name,
            bus.interval_s,
            tuple(DesiredStation(each.id, each.profile, each.unit_address, each.quantities) for each in bus.station),
        )
        for bus in config.bus
    ]


def reported_quota(config: EdgeConfig) -> Quota:
    return Quota(config.outbox.bytes_max, config.outbox.rows_max)


def changed_buses(before: Plan, after: Plan) -> list[str]:
    """Lines whose stations, interval or profiles differ."""
    changed = []
    for bus in after.config.bus:
        old = before.bus(bus.name)
        same_profiles = all(
            before.profiles[bus.name].get(each.profile) == after.profile(bus.name, each) for each in bus.station
        )
        if old != bus or not same_profiles:
            changed.append(bus.name)
    return changed


def changed_stations(before: Plan, after: Plan, bus: str) -> frozenset[str]:
    """Stations of the line, there before and after, that are now asked differently: address, profile or quantities."""
    old = {each.id: (each, before.profile(bus, each)) for each in before.bus(bus).station}
    return frozenset(
        each.id
        for each in after.bus(bus).station
        if each.id in old and old[each.id] != (each, after.profile(bus, each))
    )
