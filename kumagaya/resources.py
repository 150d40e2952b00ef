"""Where the files lie that come with the program: `config/` in a checkout, `share/kumagaya/` of an installed one."""

import sys
from pathlib import Path

from contract.errors import UserError


def config_dir() -> Path:
    """The folder of the short configurations that work. Raises UserError when the installation lacks it."""
    checkout = Path(__file__).resolve().parents[1] / "config"
    installed = Path(sys.prefix) / "share" / "kumagaya" / "config"
    for folder in (checkout, installed):
        if (folder / "devices").is_dir():
            return folder
    raise UserError(f"neither {checkout} nor {installed} is there", where="config/", hint="install kumagaya again")
