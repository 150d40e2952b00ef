"""`kumagaya edge provision` and `kumagaya central fleet`, as a technician and an operator type them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kumagaya.cli import main

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def edge(tmp_path, capsys):
    (tmp_path / "edge.toml").write_text(
        f'gateway = "gw-01"\ndata_dir = "data"\nprofiles_dir = "{ROOT / "config/devices"}"\n[mqtt]\nhost = "127.0.0.1"\n'
        '[[bus]]\nname = "a"\nport = "/dev/null"\n[[bus.station]]\nid = "s1"\nprofile = "renke_rs_fsxcs"\nunit_address = 1\n'
    )

    def run(*words):
        code = main(["edge", "provision", "--config", str(tmp_path / "edge.toml"), *map(str, words)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def fleet(tmp_path, capsys):
    (tmp_path / "central.toml").write_text('data_dir = "central"\n')

    def run(*words):
        code = main(["central", "fleet", *map(str, words), "--config", str(tmp_path / "central.toml")])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_by_a_stick_from_nothing_to_an_identity(edge, fleet, tmp_path):
    stick = tmp_path / "stick"
    stick.mkdir()
    assert fleet("init")[0] == 0
    assert fleet("invite", "gw-01", "--site", "駅前")[0] == 0
    code, said, _ = edge("--offline", "--out", stick)
    assert code == 0
    mine = next(line for line in said.splitlines() if "fingerprint" in line).removeprefix("key fingerprint ")
    code, said, _ = fleet("sign-request", stick / "gw-01.csr")
    assert code == 0
    assert mine in said, "both ends print the same fingerprint"
    pin = next(line for line in said.splitlines() if line.startswith("root's pin")).split()[-1]
    code, said, _ = edge("--install", stick, "--pin", pin)
    assert code == 0
    assert 'ca = "' in said
    assert edge()[0] == 0
    assert "gw-01" in fleet("list")[1]
    assert '"status": "active"' in fleet("list", "--json")[1]
    assert "user gw-01" in fleet("acl")[1]


def test_an_invitation_is_drawn_and_written_out(fleet):
    fleet("init")
    _, said, _ = fleet("invite", "gw-01")
    assert "KMG1/gw-01/" in said
    assert said.count("█") > 500
    _, said, _ = fleet("invite", "gw-02", "--text")
    assert said.strip().startswith("KMG1/gw-02/")
    assert len(said.splitlines()) == 1


def test_the_broker_is_told_in_files_that_it_takes(fleet, tmp_path):
    fleet("init")
    code, said, _ = fleet("broker-config", "--out", tmp_path / "broker")
    assert code == 0
    assert str(tmp_path / "broker" / "mosquitto.conf") in said
    names = {path.name for path in (tmp_path / "broker").iterdir()}
    assert names >= {"mosquitto.conf", "acl", "revoked.pem", "authority.pem", "server.pem", "server.key", "data"}
    text = (tmp_path / "broker" / "mosquitto.conf").read_text()
    assert "require_certificate true" in text
    assert "allow_anonymous false" in text
    assert "$" not in text


def test_a_revocation_without_a_broker_says_what_is_left_to_do(fleet):
    fleet("init")
    fleet("invite", "gw-01")
    code, said, _ = fleet("revoke", "gw-01", "--reason", "lost")
    assert code == 1
    assert "the broker does not know yet" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--claim", "hello"], "claim: is no claim ticket"),
        (["--claim", "KMG1/GW/x/y/z"], "claim: gateway: 'GW' is no gateway id"),
        (["--claim", "KMG1/gw-01/123/y/z"], "claim: code: the code has to be 26 letters and digits"),
        (["--claim", "KMG1/gw-01/00000000000000000000000000/y/z"], "claim: pin: the pin has to be 43 characters"),
        (
            ["--claim", f"KMG1/gw-01/{'0' * 26}/{'a' * 43}/http://x"],
            "claim: url: 'http://x' is no address of the form https://host:port",
        ),
        (["--claim", f"KMG1/gw-02/{'0' * 26}/{'a' * 43}/https://x"], "the ticket is for 'gw-02'"),
        (["--claim", f"KMG1/gw-01/{'0' * 26}/{'a' * 43}/https://127.0.0.1:1"], "central cannot be reached"),
        (["--claim-file", "/nothing"], "/nothing: cannot be read"),
        (["--offline"], "--offline and --out DIR belong together"),
        (["--offline", "--out", "/nothing"], "is the stick mounted?"),
        (["--install", "/nothing"], "sign-request gw-01.csr writes it"),
        (["--key", "pkcs11:object=gw-01"], "lies in a token"),
        (["--key", "key.pem"], "'key.pem' is no pkcs11: address"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(edge, words, message):
    code, _, said = edge(*words)
    assert code == 2
    assert message in said
    assert len(said.splitlines()) == 1
    assert "0" * 26 not in said


def test_without_anything_it_says_how_to_begin(edge):
    code, said, _ = edge()
    assert code == 1
    assert "--claim TICKET" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["invite", "GW 1"], "gateway_id_malformed"),
        (["revoke", "nobody"], "gateway_unknown"),
        (["sign-request", "/nothing.csr"], "cannot be read"),
        (["renew-issuer", "--root-key", "/nothing"], "cannot be read"),
        (["init"], "already"),
    ],
)
def test_an_operators_mistake_too(fleet, words, message):
    fleet("init")
    code, _, said = fleet(*words)
    assert code == 2
    assert message in said
    assert len(said.splitlines()) == 1


def test_before_there_is_a_fleet_it_says_how_to_make_one(fleet):
    code, _, said = fleet("list")
    assert code == 2
    assert "kumagaya central fleet init" in said


def test_the_edge_command_stays_light():
    """A device that provisions loads nothing of central."""
    code = (
        "import sys; from kumagaya.cli import main\n"
        "import edge.provision.provisioning, edge.provision.agent, kumagaya.commands.edge\n"
        "heavy = {'numpy', 'fastapi', 'segno', 'central', 'uvicorn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_openssl_agrees_with_what_we_make(fleet, edge, tmp_path):
    """Another implementation's word on our chain and our list."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    fleet("init")
    fleet("invite", "gw-01")
    edge("--offline", "--out", tmp_path)
    fleet("sign-request", tmp_path / "gw-01.csr")
    edge("--install", tmp_path)
    fleet("broker-config", "--out", tmp_path / "broker")
    current = tmp_path / "data/identity/current"
    command = [
        openssl,
        "verify",
        "-x509_strict",
        "-purpose",
        "sslclient",
        "-crl_check",
        "-CRLfile",
        str(tmp_path / "broker/revoked.pem"),
    ]
    command += [
        "-CAfile",
        str(current / "authority.pem"),
        "-untrusted",
        str(current / "certificate.pem"),
        str(current / "certificate.pem"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    server = [openssl, "verify", "-x509_strict", "-purpose", "sslserver", "-verify_ip", "127.0.0.1"]
    server += [
        "-CAfile",
        str(current / "authority.pem"),
        "-untrusted",
        str(tmp_path / "broker/server.pem"),
        str(tmp_path / "broker/server.pem"),
    ]
    done = subprocess.run(server, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
