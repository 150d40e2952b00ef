"""Scenarios cost minutes of the city's computer: whom the door lets in."""

import pytest
from fastapi.testclient import TestClient

from central.config import load_config
from central.web.app import create_app
from central.web.staff import read_token
from contract.errors import UserError
from tests.central.simulation.small_city import JST_14_MS

PATH = "/v1/heat/scenarios"
HERE = "http://127.0.0.1:8080"
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def client(hot_town):
    """`client(**options)`: somebody at the machine, unless told otherwise."""

    def client(url=HERE, peer="127.0.0.1", token=None):
        app = create_app(store=hot_town.store, simulation=hot_town.simulation, clock=hot_town.clock, staff_token=token)
        return TestClient(app, url, client=(peer, 50000))

    return client


def kind_of(answer):
    return answer.status_code, answer.json().get("type")


LET_IN = (422, "/problems/invalid-edit")
KEPT_OUT = (403, "/problems/staff-only")


class TestWithoutAToken:
    @pytest.mark.parametrize(
        ("url", "peer", "headers"),
        [
            (HERE, "127.0.0.1", {}),
            (HERE, "127.0.0.1", {"Origin": HERE}),
            ("http://localhost:8080", "127.0.0.1", {"Origin": "http://localhost:8080"}),
            ("http://[::1]:8080", "::1", {}),
        ],
    )
    def test_somebody_at_the_machine_may(self, client, url, peer, headers):
        assert kind_of(client(url, peer).post(PATH, content=b"{}", headers=headers)) == LET_IN

    @pytest.mark.parametrize(
        ("url", "peer", "headers"),
        [
            # Another machine, and one whose address is not even known.
            ("http://192.168.1.5:8080", "192.168.1.9", {}),
            (HERE, "testclient", {}),
            # Through a proxy on this machine.
            (HERE, "127.0.0.1", {"X-Forwarded-For": "203.0.113.5"}),
            (HERE, "127.0.0.1", {"Forwarded": "for=203.0.113.5"}),
            (HERE, "127.0.0.1", {"X-Real-IP": "203.0.113.5"}),
            ("https://heat.example", "127.0.0.1", {}),
            # A page of somebody else in a browser on this machine, also where its name was pointed at it.
            (HERE, "127.0.0.1", {"Origin": "https://evil.example"}),
            (HERE, "127.0.0.1", {"Origin": "http://127.0.0.1:9999"}),
            (HERE, "127.0.0.1", {"Origin": "null"}),
            ("http://evil.example:8080", "127.0.0.1", {"Origin": "http://evil.example:8080"}),
        ],
    )
    def test_nobody_else_may(self, client, url, peer, headers):
        assert kind_of(client(url, peer).post(PATH, content=b"{}", headers=headers)) == KEPT_OUT
        assert kind_of(client(url, peer).delete(f"{PATH}/nobody", headers=headers)) == KEPT_OUT


class TestWithAToken:
    @pytest.mark.parametrize("word", ["Bearer", "bearer"])
    def test_who_has_it_may_from_anywhere(self, client, word):
        headers = {"Authorization": f"{word} {TOKEN}", "X-Forwarded-For": "203.0.113.5"}
        away = client("https://heat.example", "192.168.1.9", TOKEN)
        assert kind_of(away.post(PATH, content=b"{}", headers=headers)) == LET_IN

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": ""},
            {"Authorization": "Bearer"},
            {"Authorization": f"Basic {TOKEN}"},
            {"Authorization": f"Bearer {TOKEN}0"},
            {"Authorization": f"Bearer {TOKEN[:-1]}"},
            {"Authorization": "Bearer \u00e9".encode("latin-1")},
        ],
    )
    def test_who_has_not_may_not_even_at_the_machine(self, client, headers):
        assert kind_of(client(token=TOKEN).post(PATH, content=b"{}", headers=headers)) == KEPT_OUT


def test_reading_is_open_to_all(client):
    assert kind_of(client("https://heat.example", "192.168.1.9", TOKEN).get(f"{PATH}/nobody"))[0] == 404


def test_the_refusal_is_explained_and_does_not_read_the_body(client, hot_town):
    assert hot_town.clock.ms == JST_14_MS
    refused = client(peer="192.168.1.9").post(PATH, content=b" " * 2_000_000)
    assert kind_of(refused) == KEPT_OUT
    assert client().get("/problems/staff-only").status_code == 200


class TestTheTokensFile:
    def test_its_first_line_counts(self, tmp_path):
        (tmp_path / "t").write_text(f"{TOKEN}\r\nmade by me\n")
        assert read_token(tmp_path / "t") == TOKEN

    @pytest.mark.parametrize(
        "content", [b"", b"\n", b"short", b"two words that are long enough", "\u9375".encode() * 9]
    )
    def test_what_is_no_token_is_refused(self, tmp_path, content):
        (tmp_path / "t").write_bytes(content)
        with pytest.raises(UserError) as refused:
            read_token(tmp_path / "t")
        assert refused.value.where == str(tmp_path / "t")

    def test_it_lies_beside_the_configuration(self, tmp_path):
        (tmp_path / "central.toml").write_text('[web]\nstaff_token_file = "staff.token"\n')
        assert load_config(tmp_path / "central.toml").web.staff_token_file == str(tmp_path / "staff.token")

    def test_so_is_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(UserError, match="cannot be read"):
            read_token(tmp_path / "none")
