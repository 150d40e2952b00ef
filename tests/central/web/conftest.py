"""A service on the small city whose store was filled through its door."""

from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from prometheus_client import CollectorRegistry

from central.simulation.service import SimulationService
from central.store.sqlite import open_store
from central.web.app import create_app
from central.web.services import Services
from tests.central.simulation.small_city import JST_14_MS, Feed, HandClock, SmallEngine, add_stations


@pytest.fixture
def town(tmp_path):
    """Everything but frames: `town.feed`, `town.clock`, `town.simulation`, `town.client`."""
    clock = HandClock()
    store = open_store(tmp_path / "central.db", clock)
    add_stations(store)
    simulation = SimulationService(store=store, clock=clock, data_dir=tmp_path, engine=SmallEngine(tmp_path))
    dist = tmp_path / "dist"
    app = create_app(
        store=store,
        simulation=simulation,
        clock=clock,
        simulated_weather=True,
        registry=CollectorRegistry(),
        dist=dist,
    )
    yield SimpleNamespace(
        clock=clock,
        store=store,
        simulation=simulation,
        app=app,
        dist=dist,
        feed=Feed(store),
        client=TestClient(app, raise_server_exceptions=False),
        services=Services(store, simulation, clock, 1.0, simulated_weather=True),
    )
    store.close()


@pytest.fixture
def hot_town(town):
    """A hot afternoon with one frame."""
    assert town.simulation.prepare()
    town.feed.all_say(JST_14_MS)
    assert town.simulation.look()
    return town
