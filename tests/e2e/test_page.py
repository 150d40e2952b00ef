"""The page in Debian's Chromium, on a phone and at a desk: eight stations are on the map, and its pixels follow the weather."""

import shutil
import time

import numpy as np
import pytest
from playwright.sync_api import Page, sync_playwright
from rasterio.io import MemoryFile
from rich.console import Console

from firmware_sim.control import SetValues, ask
from kumagaya.demo.city import started
from kumagaya.demo.options import Options
from tests.processes import MOSQUITTO, free_port

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed"),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]

FLAGS = [
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
SIZES = {"phone": (390, 844), "desk": (1440, 900)}


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    options = Options(
        host="127.0.0.1",
        port=free_port(),
        data_dir=tmp_path_factory.mktemp("c"),
        city=None,
        weather=None,
        start=None,
        speed=1.0,
        seed=2018,
        faults=False,
    )
    with started(options, Console(stderr=True)) as (running, _):
        yield running


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=False, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=SIZES)
def page(request, browser, city):
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, locale="ja-JP", timezone_id="Asia/Tokyo")
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(city.url)
    page.wait_for_selector('[data-testid="map"] canvas', timeout=30_000)
    wait_until(page, "window.kumagaya?.shownFrameId")
    yield page
    # A map tile server that cannot be reached is no problem of the page: it has its own buildings.
    assert not [text for text in problems if "ERR_" not in text]
    context.close()


def wait_until(page: Page, expression: str, timeout_s: float = 30.0) -> None:
    """Asks again and again: the page's own security policy forbids what `wait_for_function` would do."""
    deadline = time.monotonic() + timeout_s
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"not in {timeout_s} s: {expression}"
        page.wait_for_timeout(100)


def pixels(page: Page) -> np.ndarray:
    """What the map shows, as height x width x 3."""
    with MemoryFile(page.locator('[data-testid="map"]').screenshot()) as file, file.open() as picture:
        return np.moveaxis(picture.read([1, 2, 3]), 0, -1).astype(int)


def colour_of(page: Page) -> np.ndarray:
    """The mean colour of the map's middle."""
    shown = pixels(page)
    height, width, _ = shown.shape
    return shown[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3].reshape(-1, 3).mean(axis=0)


def weather(city, air_temperature_degc: float, global_radiation_wm2: float) -> None:
    """Gives all eight stations this weather; the sun's radiation only to those that measure it."""
    for number in range(1, 9):
        ask(city.folders.lines, SetValues(f"kmg-0{number}", {"air_temperature_degc": air_temperature_degc}))
    for number in (1, 3, 7):
        ask(city.folders.lines, SetValues(f"kmg-0{number}", {"global_radiation_wm2": global_radiation_wm2}))


def test_the_map_shows_eight_stations_with_their_temperature(page):
    for number in range(1, 9):
        marker = page.locator(f'[data-testid="station-kmg-0{number}"]').first
        marker.wait_for(state="attached", timeout=20_000)
        wait_until(page, f"""/\\d/.test(document.querySelector('[data-testid="station-kmg-0{number}"]').textContent)""")


def test_the_pixels_change_when_the_weather_does(page, city):
    weather(city, 24.0, 150.0)
    page.wait_for_timeout(4_000)
    cool = colour_of(page)
    weather(city, 39.0, 900.0)
    deadline = time.monotonic() + 15
    change = 0.0
    while change < 20 and time.monotonic() < deadline:
        page.wait_for_timeout(300)
        change = float(np.abs(colour_of(page) - cool).max())
    assert change >= 20, f"the mean colour of the map moved by {change:.1f} of 255 only"


def test_the_frame_time_moves_on(page):
    first = page.evaluate("window.kumagaya.shownFrameId")
    wait_until(page, f"window.kumagaya.shownFrameId > '{first}'")


def test_the_language_can_be_changed_and_is_remembered(page):
    assert page.locator("html").get_attribute("lang") == "ja"
    page.locator('[data-testid="lang-toggle"]').click()
    assert page.locator("html").get_attribute("lang") == "en"
    page.reload()
    page.wait_for_selector('[data-testid="map"] canvas')
    assert page.locator("html").get_attribute("lang") == "en"


def test_every_layer_can_be_shown(page):
    shown = set()
    for layer in ("wbgt", "utci", "tmrt", "shadow"):
        page.locator(f'[data-testid="layer-{layer}"]').click()
        wait_until(page, f"window.kumagaya.shownLayer === '{layer}'")
        page.wait_for_timeout(500)
        shown.add(tuple(np.round(colour_of(page))))
    assert len(shown) == 4, "two layers look the same"


def test_a_station_opens_with_its_values_and_a_chart(page):
    page.locator('[data-testid="station-kmg-01"]').first.click()
    panel = page.locator('[data-testid="station-panel"]')
    panel.wait_for(state="visible", timeout=10_000)
    assert "°C" in panel.inner_text()
    page.wait_for_selector('[data-testid="station-panel"] canvas', timeout=10_000)


def test_a_tile_of_nothing_is_not_what_we_look_at(page):
    """The map is not one flat colour: buildings, streets and shade can be told apart."""
    assert pixels(page).reshape(-1, 3).std(axis=0).max() > 15
