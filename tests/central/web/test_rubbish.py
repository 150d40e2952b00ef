"""Whatever is asked, the service answers in its own words: never with a fault of its own."""

import urllib.parse

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEXT = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "0", "-1", "1e400", "nan", "null", "[]", "2018-07-23T05:00:00Z", "9999-12-31T23:59:59Z", "raw"]
    ),
    st.integers().map(str),
    st.floats().map(str),
)
QUERIES = {
    "/v1/stations/kmg-01/readings": ["from", "to", "resolution", "limit", "cursor"],
    "/v1/heat/frames": ["limit", "cursor"],
    "/v1/heat/at": ["lat", "lon", "at"],
    "/v1/heat/areas": ["layer", "min", "least_area_m2", "at"],
}
ANSWERS = {200, 404, 405, 422}
OFTEN = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(reply):
    assert reply.status_code in ANSWERS, reply.text
    kind = reply.headers["content-type"]
    if reply.status_code != 200:
        assert kind == "application/problem+json"
        assert reply.json()["status"] == reply.status_code
    else:
        assert kind in {"application/json", "application/geo+json", "text/plain; charset=utf-8"}


@pytest.mark.parametrize("path", QUERIES)
@OFTEN
@given(data=st.data())
def test_rubbish_in_a_query(hot_town, path, data):
    query = {name: data.draw(TEXT) for name in data.draw(st.sets(st.sampled_from(QUERIES[path])))}
    try:
        encoded = urllib.parse.urlencode(query)
    except UnicodeEncodeError:  # a lone surrogate: no client can send it
        return
    check(hot_town.client.get(f"{path}?{encoded}"))


@pytest.mark.parametrize(
    "path", ["/v1/stations/{}/readings", "/v1/heat/frames/{}", "/v1/heat/frames/{}/wbgt.png", "/problems/{}"]
)
@OFTEN
@given(word=st.text(min_size=1, max_size=60))
def test_rubbish_in_a_path(hot_town, path, word):
    try:
        encoded = urllib.parse.quote(word, safe="")
    except UnicodeEncodeError:
        return
    if encoded in {".", ".."}:
        return
    check(hot_town.client.get(path.format(encoded)))
