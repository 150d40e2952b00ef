"""Every refusal of every route has one shape (RFC 9457) and a name of its own."""

import pytest
from structlog.testing import capture_logs

from central.store.sqlite import SqliteStore
from central.web import schemas
from central.web.problems import KINDS

FRAME = "20180723T050000000Z"

REFUSALS = [
    # method, path, status, type, field
    ("GET", "/nothing/here", 404, "not-found", None),
    ("GET", "/v1", 404, "not-found", None),
    ("GET", "/v1/heat", 404, "not-found", None),
    ("GET", "/../../etc/passwd", 404, "not-found", None),
    ("GET", "/%00", 404, "not-found", None),
    ("GET", "/problems/none", 404, "not-found", None),
    ("POST", "/v1/city", 405, "method-not-allowed", None),
    ("DELETE", "/v1/stations", 405, "method-not-allowed", None),
    ("HEAD", "/v1/heat/stream", 405, "method-not-allowed", None),
    ("GET", "/v1/stations/nobody/readings", 404, "unknown-station", "station"),
    ("GET", "/v1/stations/%00/readings", 404, "unknown-station", "station"),
    ("GET", "/v1/stations/kmg-01/readings?from=yesterday", 422, "invalid-input", "from"),
    ("GET", "/v1/stations/kmg-01/readings?from=2018-07-23T05:00:00", 422, "invalid-input", "from"),
    ("GET", "/v1/stations/kmg-01/readings?to=2500-01-01T00:00:00Z", 422, "invalid-input", "to"),
    ("GET", "/v1/stations/kmg-01/readings?to=0001-01-01T00:00:00%2B09:00", 422, "invalid-input", "to"),
    (
        "GET",
        "/v1/stations/kmg-01/readings?from=2018-07-23T05:00:00Z&to=2018-07-23T04:00:00Z",
        422,
        "invalid-input",
        "from",
    ),
    ("GET", "/v1/stations/kmg-01/readings?resolution=second", 422, "invalid-input", "resolution"),
    ("GET", "/v1/stations/kmg-01/readings?limit=0", 422, "invalid-input", "limit"),
    ("GET", "/v1/stations/kmg-01/readings?limit=10001", 422, "invalid-input", "limit"),
    ("GET", "/v1/stations/kmg-01/readings?limit=ten", 422, "invalid-input", "limit"),
    ("GET", "/v1/stations/kmg-01/readings?cursor=rubbish", 422, "invalid-input", "cursor"),
    ("GET", "/v1/heat/frames?limit=-1", 422, "invalid-input", "limit"),
    ("GET", "/v1/heat/frames?cursor=rubbish", 422, "invalid-input", "cursor"),
    ("GET", "/v1/heat/frames/20180723T000000000Z", 404, "unknown-frame", "frame"),
    ("GET", "/v1/heat/frames/rubbish", 404, "unknown-frame", "frame"),
    ("GET", "/v1/heat/frames/20180723T000000000Z/wbgt.png", 404, "unknown-frame", "frame"),
    ("GET", "/v1/heat/frames/20180723T000000000Z/wbgt.tif", 404, "unknown-frame", "frame"),
    ("GET", f"/v1/heat/frames/{FRAME}/colour.png", 404, "unknown-layer", "layer"),
    ("GET", f"/v1/heat/frames/{FRAME}/colour.tif", 404, "unknown-layer", "layer"),
    ("GET", "/v1/heat/at", 422, "invalid-input", "lat"),
    ("GET", "/v1/heat/at?lat=36.1", 422, "invalid-input", "lon"),
    ("GET", "/v1/heat/at?lat=91&lon=139", 422, "invalid-input", "lat"),
    ("GET", "/v1/heat/at?lat=36&lon=-181", 422, "invalid-input", "lon"),
    ("GET", "/v1/heat/at?lat=nan&lon=139", 422, "invalid-input", "lat"),
    ("GET", "/v1/heat/at?lat=36&lon=inf", 422, "invalid-input", "lon"),
    ("GET", "/v1/heat/areas?layer=shadow", 422, "invalid-input", "layer"),
    ("GET", "/v1/heat/areas?min=hot", 422, "invalid-input", "min"),
    ("GET", "/v1/heat/areas?min=nan", 422, "invalid-input", "min"),
    ("GET", "/v1/heat/areas?min=1e9", 422, "invalid-input", "min"),
    ("GET", "/v1/heat/areas?least_area_m2=-1", 422, "invalid-input", "least_area_m2"),
    ("GET", "/v1/heat/areas?least_area_m2=inf", 422, "invalid-input", "least_area_m2"),
    ("GET", "/v1/heat/areas?least_area_m2=small", 422, "invalid-input", "least_area_m2"),
]


@pytest.mark.parametrize(("method", "path", "status", "slug", "field"), REFUSALS)
def test_refusal(hot_town, method, path, status, slug, field):  # noqa: PLR0917 - a row of the table
    reply = hot_town.client.request(method, path)
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["cache-control"] == "no-store"
    if method == "HEAD":
        assert reply.content == b""
        return
    body = reply.json()
    schemas.Problem.model_validate(body)
    assert body["type"] == f"/problems/{slug}"
    assert body["status"] == status
    assert body.get("field") == field
    assert "\n" not in body["detail"]
    if field:
        assert body["detail"]


def test_an_unknown_station_is_told_the_known_ones(town):
    detail = town.client.get("/v1/stations/kmg-99/readings").json()["detail"]
    assert "'kmg-99'" in detail
    assert "kmg-01" in detail


@pytest.mark.parametrize("path", ["/v1/heat/frames/latest", "/v1/heat/areas", "/v1/heat/at?lat=36.139&lon=139.389"])
def test_before_the_first_frame(town, path):
    reply = town.client.get(path)
    assert reply.status_code == 404
    assert reply.json()["type"] == "/problems/no-frame-yet"
    assert reply.headers["retry-after"] == "2"


def test_a_fault_of_ours_tells_no_secrets(town, monkeypatch):
    def broken(_self):
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(SqliteStore, "last_readings", broken)
    with capture_logs() as logs:
        reply = town.client.get("/v1/stations")
    assert reply.status_code == 500
    (logged,) = logs
    assert logged["incident"] in reply.json()["detail"]
    assert "swordfish" in str(logged["exc_info"])
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["type"] == "/problems/internal-error"
    assert "swordfish" not in reply.text


@pytest.mark.parametrize("slug", KINDS)
def test_every_type_explains_itself(town, slug):
    reply = town.client.get(f"/problems/{slug}")
    assert reply.status_code == 200
    assert KINDS[slug].title in reply.text


def test_methods_that_are_allowed_are_named(town):
    assert town.client.post("/v1/stations").headers["allow"] == "GET"
