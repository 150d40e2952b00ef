"""A way between two processes that can be cut: a TCP proxy on loopback, in a thread of its own."""

import asyncio
import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

from tests.torture.plan import Action

_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)


class _Pair:
    """One connection: the client's half and the broker's."""

    def __init__(self, client: asyncio.StreamWriter, broker: asyncio.StreamWriter | None) -> None:
        self.client = client
        self.broker = broker
        self.dead = False
        """Swallows what it gets, for ever."""

    def reset(self) -> None:
        for writer in (self.client, self.broker):
            if writer is not None:
                _reset(writer)


class Link:
    """Listens on `port`, passes on to `to_port` of 127.0.0.1. A context; `cut` and `heal` may be called from any thread."""

    def __init__(self, port: int, to_port: int) -> None:
        self.port = port
        self._to_port = to_port
        self._mode: Action | None = None
        self._delay_s = 0.0
        self._pairs: set[_Pair] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"link-{port}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._listening.wait(10):
            raise RuntimeError(f"the link on port {self.port} did not open")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def cut(self, how: Action, delay_s: float = 0.0) -> None:
        self._loop.call_soon_threadsafe(self._cut, how, delay_s)

    def heal(self) -> None:
        self._loop.call_soon_threadsafe(self._heal)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", self.port))
        self._open.set()
        self._listening.set()
        self._loop.run_forever()
        server.close()
        for pair in tuple(self._pairs):
            pair.reset()
        for task in (tasks := asyncio.all_tasks(self._loop)):
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    def _cut(self, how: Action, delay_s: float) -> None:
        self._mode, self._delay_s = how, delay_s
        match how:
            case Action.REFUSE:
                for pair in tuple(self._pairs):
                    pair.reset()
            case Action.SWALLOW:
                for pair in self._pairs:
                    pair.dead = True
            case Action.HALF_CLOSE:
                for pair in self._pairs:
                    pair.dead = True
                    if pair.broker is not None:
                        _reset(pair.broker)
            case Action.HOLD:
                self._open.clear()

    def _heal(self) -> None:
        self._mode = None
        self._open.set()

    async def _accept(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        if self._mode is Action.REFUSE:
            _reset(client)
            return
        pair = _Pair(client, None)
        self._pairs.add(pair)
        try:
            if self._mode in {Action.SWALLOW, Action.HALF_CLOSE}:
                pair.dead = True
                await self._pump(pair, client_reader, None)
                return
            try:
                broker_reader, pair.broker = await asyncio.open_connection("127.0.0.1", self._to_port)
            except OSError:
                pair.reset()
                return
            away = asyncio.create_task(self._pump(pair, client_reader, pair.broker))
            back = asyncio.create_task(self._pump(pair, broker_reader, client))
            done, pending = await asyncio.wait({away, back}, return_when=asyncio.FIRST_COMPLETED)
            if pair.dead and back in done:
                # The client hears nothing of it: the connection is open for it until it gives up.
                await asyncio.wait({away})
            for task in pending:
                task.cancel()
            await asyncio.gather(away, back, return_exceptions=True)
        finally:
            self._pairs.discard(pair)
            for writer in (pair.client, pair.broker):
                if writer is not None:
                    writer.close()

    async def _pump(self, pair: _Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                if not self._open.is_set():
                    await self._open.wait()
                if self._mode is Action.DELAY:
                    await asyncio.sleep(self._delay_s)
                if pair.dead or writer is None:
                    continue
                if self._mode is Action.TEAR and len(data) > 2:
                    self._mode = None
                    writer.write(data[: len(data) // 2])
                    with contextlib.suppress(TimeoutError, OSError):
                        async with asyncio.timeout(1.0):
                            await writer.drain()
                    await asyncio.sleep(0.02)
                    pair.reset()
                    return
                writer.write(data)
                await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection with RST instead of FIN."""
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
