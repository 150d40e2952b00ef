"""One small city and one browser for all tests of the page, which is looked at on a phone and at a desk.

They end with this room: while a browser is open Playwright's event loop runs in the thread of all tests, and no other can.
"""

import pytest
from playwright.sync_api import sync_playwright
from rich.console import Console

from kumagaya.demo.city import started
from kumagaya.demo.options import Options
from tests.e2e.looking import CHROMIUM, FLAGS, MISSING, wait_until
from tests.processes import free_port

SIZES = {"phone": (390, 844), "desk": (1440, 900)}


@pytest.fixture(scope="package")
def installed():
    if MISSING is not None:
        pytest.skip(MISSING)


@pytest.fixture(scope="package")
def city(installed, tmp_path_factory):
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


@pytest.fixture(scope="package")
def browser(installed):
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
    # What the service refuses is an answer, though the browser's console calls it an error.
    assert not [text for text in problems if "ERR_" not in text and "status of 422" not in text]
    context.close()
