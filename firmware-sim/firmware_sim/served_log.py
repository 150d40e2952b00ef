"""What the simulated stations really gave out, for comparing with what was stored at the other end."""

from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

import msgspec

from contract.errors import UserError
from firmware_sim.station import Served


class ServedLog:
    """One file a station, `STATION.jsonl`, appended to; each line one answer, written before its bytes go out.

    A line holds `station`, `at_ms` (the city's wall time), `function`, `address`, `words` (registers as served), `values` (physical
    values by quantity after the register's rounding; null: the invalid marker was served) and `faults`: a master must have got what has
    none; what is late, echoed or among noise it may have lost.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot keep a served-log here: {error.strerror}", where=str(folder)) from None
        self._folder = folder
        self._files: dict[str, TextIO] = {}
        self._encode = msgspec.json.Encoder().encode

    def write(self, served: Served) -> None:
        file = self._files.get(served.station)
        if file is None:
            path = self._folder / f"{served.station}.jsonl"
            file = self._files[served.station] = path.open("a", encoding="utf-8", buffering=1)
        try:
            file.write(self._encode(served).decode() + "\n")
        except OSError as error:
            raise UserError(f"cannot write: {error.strerror}", where=str(self._folder)) from None

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
