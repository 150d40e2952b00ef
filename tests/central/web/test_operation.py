"""/healthz, /metrics, /openapi.json, the page, and the headers that all answers share."""

import gzip
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from central.web import schemas
from tests.central.simulation.small_city import JST_14_MS


class TestHealth:
    def test_before_anything_happened_it_is_degraded_and_says_why(self, town):
        reply = town.client.get("/healthz")
        assert reply.status_code == 200
        body = reply.json()
        schemas.Health.model_validate(body)
        assert body["status"] == "degraded"
        assert body["checks"]["store"]["status"] == "ok"
        assert body["checks"]["city"]["detail"].startswith("waiting")
        assert body["checks"]["simulation"]["detail"] == "no frame yet"

    def test_all_is_well(self, hot_town):
        body = hot_town.client.get("/healthz").json()
        assert body["status"] == "ok", body

    def test_one_silent_station_is_told(self, hot_town):
        hot_town.clock.advance(40.0)
        hot_town.feed.say("kmg-01", hot_town.clock.ms)
        body = hot_town.client.get("/healthz").json()
        assert body["status"] == "degraded"
        assert body["checks"]["stations"]["detail"] == "1 of 8 stations are fresh"

    def test_no_weather_is_told(self, hot_town):
        hot_town.clock.advance(40.0)
        hot_town.simulation.look()
        assert "no_fresh_station" in hot_town.client.get("/healthz").json()["checks"]["simulation"]["detail"]

    def test_a_store_that_cannot_be_read_is_told(self, town, monkeypatch):
        def broken():
            raise OSError("disk is gone")

        monkeypatch.setattr(town.store, "health", broken)
        body = town.client.get("/healthz").json()
        assert body["status"] == "degraded"
        assert "disk is gone" in body["checks"]["store"]["detail"]


class TestMetrics:
    def families(self, town):
        text = town.client.get("/metrics").text
        return {family.name: family for family in text_string_to_metric_families(text)}

    def test_state_of_the_service(self, hot_town):
        found = self.families(hot_town)
        assert found["kumagaya_frames"].samples[0].value == 1.0
        assert found["kumagaya_frame_seconds"].samples[0].value >= 0.0
        assert found["kumagaya_store_writable"].samples[0].value == 1.0
        assert {sample.labels["station"] for sample in found["kumagaya_station_stale"].samples} == {
            f"kmg-{number:02d}" for number in range(1, 9)
        }

    def test_requests_are_counted_by_route_not_by_address(self, hot_town):
        for station in ("kmg-01", "kmg-02", "nobody"):
            hot_town.client.get(f"/v1/stations/{station}/readings")
        counts = {
            (sample.labels["route"], sample.labels["status"]): sample.value
            for sample in self.families(hot_town)["kumagaya_http_requests"].samples
            if sample.name.endswith("_total")
        }
        assert counts["/v1/stations/{station}/readings", "200"] == 2.0
        assert counts["/v1/stations/{station}/readings", "404"] == 1.0


class TestOpenApi:
    def test_every_route_is_listed_with_its_refusals(self, town):
        document = town.client.get("/openapi.json").json()
        assert document["openapi"].startswith("3.")
        assert set(document["paths"]) >= {
            "/v1/city",
            "/v1/city/buildings.geojson",
            "/v1/stations",
            "/v1/stations/{station}/readings",
            "/v1/heat/frames",
            "/v1/heat/frames/latest",
            "/v1/heat/frames/{frame}",
            "/v1/heat/frames/{frame}/{layer}.png",
            "/v1/heat/frames/{frame}/{layer}.tif",
            "/v1/heat/areas",
            "/v1/heat/at",
            "/v1/heat/stream",
            "/healthz",
            "/metrics",
        }
        readings = document["paths"]["/v1/stations/{station}/readings"]["get"]
        assert {parameter["name"] for parameter in readings["parameters"]} == {
            "station", "from", "to", "resolution", "limit", "cursor",
        }  # fmt: skip
        assert "application/problem+json" in readings["responses"]["404"]["content"]

    def test_all_references_resolve(self, town):
        document = town.client.get("/openapi.json").json()

        def references(node):
            if isinstance(node, dict):
                for key, value in node.items():
                    if key == "$ref":
                        yield value
                    else:
                        yield from references(value)
            elif isinstance(node, list):
                for value in node:
                    yield from references(value)

        for reference in references(document):
            node = document
            for part in reference.removeprefix("#/").split("/"):
                node = node[part]


class TestPage:
    def test_not_built_yet_says_how(self, town):
        reply = town.client.get("/")
        assert reply.status_code == 503
        assert "make web" in reply.text

    @pytest.fixture
    def built(self, town):
        (town.dist / "assets").mkdir(parents=True)
        (town.dist / "index.html").write_text("<!doctype html><title>熊谷</title>" + " " * 500, encoding="utf-8")
        (town.dist / "assets" / "main-abc.js").write_text("console.log(1)\n" * 200)
        (town.dist / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
        (town.dist.parent / "secret.txt").write_text("swordfish")
        return town

    def test_the_page_is_asked_for_again_its_parts_never(self, built):
        page = built.client.get("/")
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-cache"
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        part = built.client.get("/assets/main-abc.js")
        assert "immutable" in part.headers["cache-control"]
        assert part.headers["content-type"].startswith("text/javascript")

    def test_scripts_come_only_from_here(self, built):
        policy = built.client.get("/").headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "object-src 'none'" in policy

    def test_packed_and_held(self, built):
        with built.client.stream("GET", "/assets/main-abc.js") as reply:
            raw = b"".join(reply.iter_raw())
        assert reply.headers["content-encoding"] == "gzip"
        assert gzip.decompress(raw).startswith(b"console.log")
        held = built.client.get("/", headers={"If-None-Match": built.client.get("/").headers["etag"]})
        assert held.status_code == 304

    def test_a_new_build_is_seen_without_a_restart(self, built):
        first = built.client.get("/").text
        (built.dist / "index.html").write_text("<!doctype html><title>new</title>")
        assert built.client.get("/").text != first

    @pytest.mark.parametrize(
        "path", ["/%2e%2e/secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt", "//etc/passwd", "/assets"]
    )
    def test_nothing_outside_the_folder_is_served(self, built, path):
        reply = built.client.get(path)
        assert reply.status_code == 404
        assert "swordfish" not in reply.text


class TestAllAnswers:
    def test_any_origin_may_read(self, hot_town):
        reply = hot_town.client.get("/v1/stations", headers={"Origin": "https://example.org"})
        assert reply.headers["access-control-allow-origin"] == "*"
        preflight = hot_town.client.options(
            "/v1/heat/at", headers={"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
        )
        assert preflight.status_code == 200

    @pytest.mark.parametrize("path", ["/v1/stations", "/v1/heat/frames/latest", "/v1/city/buildings.geojson"])
    def test_head_is_get_without_a_body(self, hot_town, path):
        head, get = hot_town.client.head(path), hot_town.client.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == get.headers["content-type"]

    def test_content_types_are_not_guessed(self, town):
        assert town.client.get("/nothing").headers["x-content-type-options"] == "nosniff"

    def test_large_answers_are_packed_small_ones_not(self, hot_town):
        for at_ms in range(JST_14_MS - 60_000, JST_14_MS, 1000):
            hot_town.feed.say("kmg-01", at_ms)
        long = hot_town.client.get("/v1/stations/kmg-01/readings?resolution=raw")
        assert long.headers["content-encoding"] == "gzip"
        short = hot_town.client.get("/v1/stations/kmg-08/readings?resolution=raw&limit=1&to=2018-07-20T00:00:00Z")
        assert "content-encoding" not in short.headers


def test_the_manual_names_every_address(town):
    manual = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
    for path in town.client.get("/openapi.json").json()["paths"]:
        spoken = path.replace("{station}", "{id}").replace("{frame}", "{id}").replace("{slug}", "unknown-station")
        assert spoken in manual, path
