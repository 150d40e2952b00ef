"""The page in Debian's Chromium, on a phone and at a desk: eight stations are on the map, and its pixels follow the weather."""

import time

import numpy as np
import pytest

from firmware_sim.control import SetValues, ask
from tests.e2e.looking import pixels, wait_until

pytestmark = pytest.mark.e2e


def colour_of(page) -> np.ndarray:
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
    # The station's own WBGT is drawn beside its temperature.
    wait_until(page, """document.querySelector('[data-testid="station-chart"]').textContent.includes('WBGT')""")


def test_a_tile_of_nothing_is_not_what_we_look_at(page):
    """The map is not one flat colour: buildings, streets and shade can be told apart."""
    assert pixels(page).reshape(-1, 3).std(axis=0).max() > 15
