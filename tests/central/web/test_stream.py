"""The live stream: order, the slow listener, and what everybody gets on connecting."""

import asyncio
import json

import pytest

from central.web import schemas
from central.web.stream import QUEUE_EVENTS_MAX, READINGS_APART_S, Event, Hub, HubFullError, Subscription
from tests.central.simulation.small_city import HOT_DAY, STATIONS

PATIENCE_S = 10.0


def parsed(wire):
    """(id, event, data) of one event in the wire form."""
    fields = dict(line.split(": ", 1) for line in wire.decode().split("\r\n") if line)
    return int(fields["id"]), fields["event"], json.loads(fields["data"])


def hub_of(town, **options):
    seconds = [0.0]
    hub = Hub(town.services, monotonic_s=lambda: seconds[0], **options)
    return hub, seconds


async def taken(subscription, count):
    return [parsed((await asyncio.wait_for(anext(subscription), PATIENCE_S)).wire) for _ in range(count)]


class TestSubscription:
    def test_a_slow_listener_loses_the_old_not_the_new(self):
        async def story():
            subscription = Subscription()
            for number in range(QUEUE_EVENTS_MAX + 5):
                subscription.put(Event(number, b""))
            first = (await anext(subscription)).number
            rest = [(await anext(subscription)).number for _ in range(QUEUE_EVENTS_MAX - 1)]
            return subscription.dropped, first, rest[-1]

        assert asyncio.run(story()) == (5, 5, QUEUE_EVENTS_MAX + 4)

    def test_it_ends_when_the_hub_closes_after_what_is_left(self):
        async def story():
            subscription = Subscription()
            subscription.put(Event(1, b""))
            subscription.close()
            return [event.number async for event in subscription]

        assert asyncio.run(story()) == [1]

    def test_a_waiting_listener_is_woken(self):
        async def story():
            subscription = Subscription()
            waiting = asyncio.create_task(anext(subscription))
            await asyncio.sleep(0)
            subscription.put(Event(7, b""))
            return (await asyncio.wait_for(waiting, PATIENCE_S)).number

        assert asyncio.run(story()) == 7


class TestHub:
    def test_everything_on_connecting(self, hot_town):
        async def story():
            hub, _ = hub_of(hot_town)
            return [parsed(event.wire) for event in await hub.snapshot()]

        frame, readings = asyncio.run(story())
        assert (frame[1], readings[1]) == ("frame", "readings")
        schemas.Frame.model_validate(frame[2])
        schemas.Stations.model_validate(readings[2])
        assert len(readings[2]["stations"]) == len(STATIONS)

    def test_before_the_first_frame_only_stations(self, town):
        async def story():
            hub, _ = hub_of(town)
            return [parsed(event.wire)[1] for event in await hub.snapshot()]

        assert asyncio.run(story()) == ["readings"]

    def test_a_crowd_that_connects_at_once_shares_one_snapshot(self, hot_town):
        async def story():
            hub, _ = hub_of(hot_town)
            first, second = await asyncio.gather(hub.snapshot(), hub.snapshot())
            return first is second

        assert asyncio.run(story())

    def test_changes_go_to_all_listeners_with_growing_ids(self, hot_town):
        async def story():
            hub, seconds = hub_of(hot_town)
            await hub.look()
            one, two = hub.subscribe(), hub.subscribe()
            for number in range(3):
                seconds[0] += 1.0
                hot_town.clock.advance(1.0)
                hot_town.feed.say("kmg-03", hot_town.clock.ms, {**HOT_DAY, "air_temperature_degc": 60.0 + number})
                hot_town.feed.all_say(hot_town.clock.ms + 1, {**HOT_DAY, "air_temperature_degc": 30.0 + number})
                assert hot_town.simulation.look()
                await hub.look()
            return await taken(one, 6), await taken(two, 6)

        one, two = asyncio.run(story())
        assert one == two
        assert [name for _, name, _ in one] == ["frame", "readings"] * 3
        ids = [number for number, _, _ in one]
        assert ids == sorted(set(ids))
        frames = [data["id"] for _, name, data in one if name == "frame"]
        assert frames == sorted(set(frames))

    def test_only_stations_that_said_something_new(self, hot_town):
        async def story():
            hub, seconds = hub_of(hot_town)
            await hub.look()
            listener = hub.subscribe()
            seconds[0] += 1.0
            hot_town.clock.advance(1.0)
            hot_town.feed.say("kmg-05", hot_town.clock.ms)
            await hub.look()
            return await taken(listener, 1)

        ((_, name, data),) = asyncio.run(story())
        assert name == "readings"
        assert [station["id"] for station in data["stations"]] == ["kmg-05"]

    def test_readings_keep_their_distance_and_none_is_forgotten(self, hot_town):
        async def story():
            hub, seconds = hub_of(hot_town)
            await hub.look()
            listener = hub.subscribe()
            sent = []
            for _ in range(4):
                seconds[0] += READINGS_APART_S / 4
                hot_town.clock.advance(READINGS_APART_S / 4)
                hot_town.feed.say("kmg-01", hot_town.clock.ms)
                await hub.look()
                sent.append(hub.sent_events)
            return sent, await taken(listener, 1)

        sent, ((_, _, data),) = asyncio.run(story())
        assert sent == [0, 0, 0, 1]
        assert data["stations"][0]["last"]["at"] == "2018-07-23T05:00:00.200Z"

    def test_what_came_too_soon_is_told_without_another_commit(self, hot_town):
        async def story():
            hub, seconds = hub_of(hot_town)
            await hub.look()
            listener = hub.subscribe()
            hot_town.feed.say("kmg-01", hot_town.clock.ms + 100)
            await hub.look()
            early = hub.sent_events
            seconds[0] += READINGS_APART_S
            await hub.look()
            return early, await taken(listener, 1)

        early, ((_, name, _),) = asyncio.run(story())
        assert (early, name) == (0, "readings")

    def test_silence_is_told_too(self, hot_town):
        """Nothing was committed, yet stations and map have grown stale: the page must not have to guess."""

        async def story():
            hub, seconds = hub_of(hot_town)
            await hub.look()
            listener = hub.subscribe()
            seconds[0] += 40.0
            hot_town.clock.advance(40.0)
            await hub.look()
            return await taken(listener, 2)

        (_, first, frame), (_, second, readings) = asyncio.run(story())
        assert (first, second) == ("frame", "readings")
        assert frame["stale"] is True
        assert all(station["last"]["stale"] for station in readings["stations"])

    def test_what_was_queued_before_the_snapshot_does_not_come_after_it(self, hot_town):
        async def story():
            hub, seconds = hub_of(hot_town)
            await hub.look()
            listener = hub.subscribe()
            seconds[0] += 1.0
            hot_town.clock.advance(1.0)
            hot_town.feed.say("kmg-05", hot_town.clock.ms)
            await hub.look()
            listener.close()
            return [parsed(wire)[0] async for wire in hub.listen(listener)]

        ids = asyncio.run(story())
        assert ids == sorted(set(ids))
        assert len(ids) == 2

    def test_who_lost_something_is_sent_everything_once_more(self, hot_town):
        async def story():
            hub, seconds = hub_of(hot_town)
            await hub.look()
            listener = hub.subscribe()
            stream = hub.listen(listener)
            before = [parsed(await anext(stream)) for _ in range(2)]
            for _ in range(QUEUE_EVENTS_MAX + 1):
                seconds[0] += 1.0
                hot_town.clock.advance(1.0)
                hot_town.feed.say("kmg-05", hot_town.clock.ms)
                await hub.look()
            after = [parsed(await asyncio.wait_for(anext(stream), PATIENCE_S)) for _ in range(2)]
            return before, after

        before, after = asyncio.run(story())
        assert [name for _, name, _ in before] == [name for _, name, _ in after] == ["frame", "readings"]
        assert len(after[1][2]["stations"]) == len(STATIONS)
        assert after[0][0] > before[-1][0]

    def test_a_full_house_is_refused(self, hot_town):
        async def story():
            hub, _ = hub_of(hot_town, listeners_max=2)
            first = hub.subscribe()
            hub.subscribe()
            with pytest.raises(HubFullError):
                hub.subscribe()
            hub.unsubscribe(first)
            hub.subscribe()
            return hub.listeners

        assert asyncio.run(story()) == 2

    def test_a_store_that_is_away_does_not_end_the_watch(self, hot_town, monkeypatch):
        async def story():
            hub, _ = hub_of(hot_town)
            listener = hub.subscribe()
            away = hot_town.store.change_token

            def broken():
                raise OSError("disk is gone")

            monkeypatch.setattr(hot_town.store, "change_token", broken)
            await hub.start()
            await asyncio.sleep(0.25)
            monkeypatch.setattr(hot_town.store, "change_token", away)
            got = await taken(listener, 1)
            await hub.stop()
            return got

        ((_, name, _),) = asyncio.run(story())
        assert name == "frame"


def test_over_http(hot_town):
    """The route itself: retry, then the snapshot, in the wire form; it ends with the service."""
    from sse_starlette.sse import AppStatus

    async def story():
        messages, sent = asyncio.Queue(), asyncio.Event()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "path": "/v1/heat/stream",
            "raw_path": b"/v1/heat/stream",
            "query_string": b"",
            "headers": [],
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
            "root_path": "",
        }

        async def receive():
            await sent.wait()
            return {"type": "http.disconnect"}

        task = asyncio.create_task(hot_town.app(scope, receive, messages.put))
        start = await asyncio.wait_for(messages.get(), PATIENCE_S)
        body = b""
        while body.count(b"\r\n\r\n") < 3:
            body += (await asyncio.wait_for(messages.get(), PATIENCE_S))["body"]
        sent.set()
        await asyncio.wait_for(task, PATIENCE_S)
        return start, body

    AppStatus.should_exit = False
    start, body = asyncio.run(story())
    assert start["status"] == 200
    assert dict(start["headers"])[b"content-type"].startswith(b"text/event-stream")
    retry, frame, readings = body.split(b"\r\n\r\n")[:3]
    assert retry == b"retry: 2000"
    assert parsed(frame)[1] == "frame"
    assert parsed(readings)[1] == "readings"
