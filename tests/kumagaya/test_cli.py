"""The one command: what it lists, what it loads, how it says no."""

import subprocess
import sys

import pytest

from kumagaya.cli import COMMANDS, main


def kumagaya(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kumagaya", *words], capture_output=True, text=True, check=False, timeout=60
    )


def test_without_a_command_every_command_is_listed():
    done = kumagaya("--help")
    assert done.returncode == 0
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    assert "usage: " in capsys.readouterr().out


def test_an_unknown_command_is_refused_by_name():
    done = kumagaya("fly")
    assert done.returncode == 2
    assert "fly" in done.stderr


def test_a_users_mistake_is_one_line_and_exit_code_2(tmp_path):
    done = kumagaya("edge", "run", "--config", str(tmp_path / "absent.toml"))
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "absent.toml" in done.stderr


def test_asking_for_one_command_loads_no_other_room():
    words = "import sys; from kumagaya.cli import build_parser; build_parser('edge'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "fastapi", "central", "firmware_sim"} & set(loaded)
