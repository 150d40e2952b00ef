"""The cool way in Debian's Chromium, on a phone and at a desk: two taps, the walks appear, and the card says what the service said."""

import json
import re
import urllib.parse
import urllib.request

import numpy as np
import pytest

from tests.e2e.looking import pixels, wait_until

pytestmark = pytest.mark.e2e

NORTH_WEST, SOUTH_EAST = (0.30, 0.30), (0.66, 0.58)


def tap(page, share):
    """A tap on the map, as shares of its width and height."""
    box = page.locator('[data-testid="map"]').bounding_box()
    page.mouse.click(box["x"] + box["width"] * share[0], box["y"] + box["height"] * share[1])


def text(page, test_id):
    return page.locator(f'[data-testid="{test_id}"]').inner_text()


def number(words):
    """The first number in a text, thousands written with a comma."""
    return float(re.search(r"\d[\d,]*(\.\d+)?", words)[0].replace(",", ""))


def asked_of_the_service(page, city):
    """The walks between the ends in the page's address, computed from the frame that the page shows them of."""
    ends = urllib.parse.parse_qs(urllib.parse.urlsplit(page.url).fragment)
    query = urllib.parse.urlencode(
        {
            "from": ends["from"][0],
            "to": ends["to"][0],
            "frame": page.evaluate("window.kumagaya.way.frameId"),
        }
    )
    with urllib.request.urlopen(f"{city.url}/v1/paths/cool?{query}", timeout=10) as answer:
        return json.load(answer)["features"]


def the(walks, kind):
    return next(walk["properties"] for walk in walks if kind in walk["properties"]["kinds"])


@pytest.fixture
def found(page):
    """Start and goal tapped, and the walks there."""
    page.locator('[data-testid="way-open"]').click()
    assert text(page, "way-message") == "地図で出発地をタップしてください"
    tap(page, NORTH_WEST)
    assert text(page, "way-message") == "つぎに、到着地をタップしてください"
    tap(page, SOUTH_EAST)
    wait_until(page, "window.kumagaya.way.walks > 0")
    page.wait_for_timeout(800)
    return page


def card_says(page, walk):
    # A half goes up in the browser and to the even neighbour in Python: either whole number says it.
    assert number(text(page, "way-time")) == pytest.approx(walk["duration_s"] / 60, abs=0.501)
    assert number(text(page, "way-length")) == pytest.approx(walk["length_m"], abs=0.501)
    assert number(text(page, "way-shade")) == pytest.approx(walk["shade_pct"], abs=0.5)
    assert number(text(page, "way-mean")) == pytest.approx(walk["mean_utci_degc"], abs=0.0501)
    for index in ("utci", "wbgt"):
        shown = [number(each) for each in page.locator(f'[data-testid="way-minutes-{index}"] b').all_text_contents()]
        told = [minutes for minutes in walk[f"{index}_minutes"].values() if minutes >= 0.05]
        assert shown == pytest.approx(told, abs=0.0501)


def test_two_taps_bring_walks_whose_numbers_are_the_services(found, city):
    walks = asked_of_the_service(found, city)
    assert found.evaluate("window.kumagaya.way.walks") == len(walks)
    card_says(found, the(walks, "coolest"))
    if len(walks) > 1:
        found.locator('[data-testid="way-shortest"]').click()
        card_says(found, the(walks, "shortest"))
        assert "walk=shortest" in found.url


def test_the_lines_are_on_the_map_and_go_when_the_way_is_closed(found):
    drawn = pixels(found)
    blue = (np.abs(drawn - np.array([10, 63, 168])).max(axis=2) < 12).sum()
    assert blue > 800, f"{blue} pixels of the coolest walk's line"
    assert found.locator(".way-label").count() == found.evaluate("window.kumagaya.way.walks")
    found.locator('[data-testid="way-close"]').click()
    found.wait_for_timeout(600)
    left = (np.abs(pixels(found) - np.array([10, 63, 168])).max(axis=2) < 12).sum()
    # The button that opens it has the same blue.
    assert found.locator(".way-label").count() == 0
    assert "#" not in found.url
    assert left < 46 * 260


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_a_shared_address_brings_the_same_walks_back(found, browser, city):
    address, length = found.url, text(found, "way-length")
    other = browser.new_page(viewport={"width": 800, "height": 700}, locale="en-US")
    other.goto(address)
    wait_until(other, "window.kumagaya?.way.walks > 0")
    # The heat may have moved on by a frame; the shortest walk has not.
    other.locator('[data-testid="way-panel"]').wait_for(state="visible")
    assert other.locator('[data-testid="way-message"]').is_hidden()
    assert number(text(other, "way-length")) == pytest.approx(number(length), rel=0.3)
    other.close()


@pytest.mark.parametrize("page", ["desk"], indirect=True)
def test_swapping_turns_the_walk_round(found):
    before = found.evaluate("location.hash")
    found.locator('[data-testid="way-swap"]').click()
    wait_until(found, "window.kumagaya.way.walks > 0")
    start, goal = re.match(r"#from=(.*?)&to=([^&]*)", before).groups()
    assert found.evaluate("location.hash").startswith(f"#from={goal}&to={start}")


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_a_place_outside_the_map_is_one_friendly_line_and_asked_for_again(page, city):
    page.goto(f"{city.url}/#from=36.139,139.389&to=36.3,139.9")
    page.reload()
    wait_until(page, "document.querySelector('[data-testid=way-message].is-refusal')")
    assert text(page, "way-message") == "到着地が地図の外です。地図の中でえらび直してください。"
    wait_until(page, "window.kumagaya.shownFrameId")
    tap(page, SOUTH_EAST)
    wait_until(page, "window.kumagaya.way.walks > 0")


@pytest.mark.parametrize("page", ["desk"], indirect=True)
def test_with_the_keyboard_alone(page):
    page.locator('[data-testid="way-open"]').focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "H2"
    page.locator('[data-testid="way-from"]').select_option(index=1)
    canvas = page.locator('[data-testid="map"] canvas')
    canvas.focus()
    page.keyboard.press("Enter")
    wait_until(page, "window.kumagaya.way.walks > 0")
    assert "分" in page.locator('[data-testid="way-spoken"]').text_content()
    page.locator('[data-testid="way-close"]').focus()
    page.keyboard.press("Enter")
    assert page.locator('[data-testid="way-panel"]').is_hidden()


@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_from_one_station_to_another(page):
    page.locator('[data-testid="station-kmg-01"]').first.click()
    page.locator('[data-testid="way-from-station"]').click()
    assert text(page, "way-message") == "つぎに、到着地をタップしてください"
    page.locator('[data-testid="way-to"]').select_option(value="station kmg-05")
    wait_until(page, "window.kumagaya.way.walks > 0")
