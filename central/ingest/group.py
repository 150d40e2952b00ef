"""Messages that share one commit: what each means for the store, and what is owed to the broker once all of it is on disk.

A group is handed to the store, asked whether it is done, and tried again in part when the store could not write. A batch that the
store cannot take for a reason of its own (a number out of all bounds) is found by trying each alone, and refused; the rest goes in.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Final

import msgspec

from central.ingest.broker import Arrived
from central.ingest.sorting import Refused, Said, sort
from central.store.door import Incoming, Ingested, Reject, Store, StoreUnavailable
from contract.messages import VERSION, Health, Hello, Receipt, RejectReason
from contract.topics import Down, Stream, down
from contract.twin import Reported

PAYLOAD_HEAD_BYTES: Final = 200


class Outcome(msgspec.Struct):
    """What the messages of a group came to. `up_to`: (gateway, stream, epoch) -> committed up to."""

    stored: int = 0
    duplicates: int = 0
    shed: int = 0
    missing: int = 0
    rejected: list[RejectReason] = []
    up_to: dict[tuple[str, Stream, str], int] = {}

    def receipts(self, stored_at_ms: int) -> Iterator[tuple[str, Receipt]]:
        """(topic, receipt), one a stream and epoch."""
        for (gateway, stream, epoch), up_to_seq in self.up_to.items():
            yield down(gateway, Down.RECEIPT), Receipt(VERSION, stream, epoch, up_to_seq, stored_at_ms)


class _Task(msgspec.Struct):
    """One write; `future` is None when it has to be handed in (again)."""

    submit: Callable[[], Future[Any]]
    batches: list[tuple[Incoming, Arrived]] = []
    future: Future[Any] | None = None


class Group:
    """Messages from the broker on their way into the store.

    Args:
        arrived: in the order they came.
        store: where they go.
        now_ms: city time, for the note on a reject.
        changed: called from the store's thread whenever `advance` may have something to do.

    """

    def __init__(self, arrived: list[Arrived], store: Store, now_ms: int, changed: Callable[[], None]) -> None:
        self.arrived = arrived
        self.outcome = Outcome()
        self._store = store
        self._now_ms = now_ms
        self._changed = changed
        self._tasks: list[_Task] = []
        batches: list[tuple[Incoming, Arrived]] = []
        for message in arrived:
            meaning = sort(message.topic, message.payload)
            if isinstance(meaning, Incoming):
                batches.append((meaning, message))
            elif isinstance(meaning, Said):
                self._tasks.append(_Task(_saying(store, meaning)))
            else:
                self._refuse(meaning, message)
        if batches:
            self._tasks.append(self._ingesting(batches))

    def submit(self) -> None:
        """Hands everything that is not under way to the store."""
        for task in self._tasks:
            if task.future is None:
                task.future = task.submit()
                task.future.add_done_callback(lambda _: self._changed())

    def advance(self) -> str | None:
        """Takes in what the store has finished; never waits.

        Returns the store's problem when it could not write: call `submit` again after a while. None otherwise.
        """
        problem: str | None = None
        remaining: list[_Task] = []
        # What a task leaves behind (single batches, a reject) is appended while we look.
        queue, self._tasks = self._tasks, []
        for task in queue:
            if task.future is None or not task.future.done():
                remaining.append(task)
                continue
            failure = task.future.exception()
            if failure is None:
                if task.batches:
                    self._note([incoming for incoming, _ in task.batches], task.future.result())
            elif isinstance(failure, StoreUnavailable):
                problem = str(failure)
                task.future = None
                remaining.append(task)
            else:
                self._isolate(task, failure)
        self._tasks[:0] = remaining
        if problem is None:
            self.submit()
        return problem

    @property
    def done(self) -> bool:
        """Everything is on disk (or refused, and that is on disk)."""
        return not self._tasks

    def _isolate(self, task: _Task, failure: BaseException) -> None:
        if len(task.batches) > 1:
            self._tasks.extend(self._ingesting([one]) for one in task.batches)
        elif task.batches:
            incoming, message = task.batches[0]
            detail = f"cannot be stored: {type(failure).__name__}: {failure}"
            self._refuse(Refused(incoming.gateway, RejectReason.MALFORMED, detail), message)
        else:
            # A saying or the note on a reject: nothing is owed to anybody for it, and the next one replaces it.
            self.outcome.rejected.append(RejectReason.MALFORMED)

    def _ingesting(self, batches: list[tuple[Incoming, Arrived]]) -> _Task:
        incoming = [each for each, _ in batches]
        return _Task(lambda: self._store.ingest(incoming), batches)

    def _refuse(self, refused: Refused, message: Arrived) -> None:
        self.outcome.rejected.append(refused.reason)
        reject = Reject(
            refused.gateway,
            message.topic[:PAYLOAD_HEAD_BYTES],
            refused.reason,
            refused.detail[:500],
            message.payload[:PAYLOAD_HEAD_BYTES],
            self._now_ms,
        )
        self._tasks.append(_Task(lambda: self._store.add_reject(reject)))

    def _note(self, batches: Sequence[Incoming], results: Sequence[Ingested]) -> None:
        outcome = self.outcome
        for incoming, result in zip(batches, results, strict=True):
            outcome.stored += result.stored
            outcome.duplicates += result.duplicates
            outcome.shed += result.shed
            outcome.missing += result.missing
            outcome.up_to[incoming.gateway, incoming.stream, incoming.batch.epoch] = result.up_to_seq


def _saying(store: Store, said: Said) -> Callable[[], Future[Any]]:
    message = said.message
    if isinstance(message, Hello):
        return lambda: store.set_hello(said.gateway, message)
    if isinstance(message, Health):
        return lambda: store.set_health(said.gateway, message)
    if isinstance(message, Reported):
        return lambda: store.set_reported(said.gateway, message)
    return lambda: store.set_presence(said.gateway, message)
