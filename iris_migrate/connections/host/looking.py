"""When batches go: one in flight, what is asked meanwhile goes with the next; each answer is handed on as it comes."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Hashable
from typing import Any

from iris_migrate.connections.host.batch import (
    NOTHING,
    SHELL,
    Answer,
    Frames,
    Kind,
    Piece,
    Question,
    pieces,
    script,
)
from iris_migrate.connections.host.channels import Channels
from iris_migrate.connections.host.command import Command, refuse_root
from iris_migrate.connections.host.errors import ConnectionLost, HostError
from iris_migrate.redact import clean
from iris_migrate.target import Unreadable

GATHER, LONGEST = 0.004, 0.03  # seconds: gather until nothing more is asked for so long, at most so long
OLD = 1.0  # seconds after which a batch holds nothing back
GRACE = 2.0  # seconds beyond the limit for the answers to travel
TIMED_OUT = (124, 137)  # the statuses of `timeout`, and of what it had to kill

Asked = dict[Question, "asyncio.Future[Any]"]


class Shell:
    """A remote shell that answers one batch after another on one channel."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._answers: asyncio.Queue[tuple[str, Answer] | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._command: Command | None = None
        self.broken = False
        self.mark = ""

    async def open(self, channels: Channels) -> None:
        self._command = await Command.start(
            channels,
            SHELL,
            out=lambda data: self._take("out", data),
            err=lambda data: self._take("err", data),
            held=True,
        )
        self._command.ended.add_done_callback(lambda _: self._end())

    @property
    def usable(self) -> bool:
        return not self.broken and self._command is not None and not self._command.ended.done()

    async def answer(self, made: list[Piece], limit: float) -> AsyncIterator[tuple[Piece | None, Answer]]:
        """Yield (piece, answer) as they come. Raises ConnectionLost, TimeoutError, RootRefused."""
        assert self._command is not None
        self.mark = secrets.token_hex(8)
        sent = script(made, self.mark, limit)
        self._frames.begin(self.mark)
        self._command.send(sent.text)
        known = {piece.id: piece for piece in made}
        ends, until = 0, self._loop.time() + limit + GRACE
        self.broken = True  # until all has come
        while ends < sent.parts:
            async with asyncio.timeout_at(until):
                came = await self._answers.get()
            if came is None:
                raise ConnectionLost("The connection was lost while the host was looked at.")
            name, answer = came
            if name == "end":
                ends += 1
            elif name == "root":
                ends += 1
                yield None, answer
            else:
                yield known[name], answer
        self.broken = False

    async def close(self) -> None:
        if self._command is not None:
            await self._command.close()

    def _take(self, stream: str, data: bytes) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self._hand_on, stream, data)

    def _hand_on(self, stream: str, data: bytes) -> None:
        for found in self._frames.feed(stream, data):
            self._answers.put_nowait(found)

    def _end(self) -> None:
        self._answers.put_nowait(None)


class Looking:
    """Collects questions into batches and hands their answers on. What was answered is remembered until `forget`."""

    def __init__(self, channels: Channels, limit: float) -> None:
        self._channels, self.limit = channels, limit
        self.batches = 0  # sent so far, for tests and benchmarks
        self._known: Asked = {}
        self._waiting: Asked = {}
        self._flying: dict[asyncio.Task[None], float] = {}
        self._gathering: asyncio.Task[None] | None = None
        self._idle: list[Shell] = []

    async def ask(self, kind: Kind, item: Hashable, *, root: bool) -> Any:
        """One fact. Asked twice, it travels once. Raises Unreadable."""
        question = Question(kind, item, root)
        answer = self._known.get(question)
        if answer is None:
            answer = asyncio.get_running_loop().create_future()
            answer.add_done_callback(lambda done: done.cancelled() or done.exception())  # somebody may have left
            self._known[question] = self._waiting[question] = answer
            if self._gathering is None:
                self._gathering = asyncio.create_task(self._gather())
        return await asyncio.shield(answer)

    def forget(self) -> None:
        """What was answered belongs to one inspection."""
        self._known.clear()

    async def close(self) -> None:
        tasks = [*self._flying, *([self._gathering] if self._gathering else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for question, answer in self._waiting.items():
            _fail(answer, question, "the connection to the host was closed")
        shells, self._idle = self._idle, []
        await asyncio.gather(*(shell.close() for shell in shells))

    async def _gather(self) -> None:
        """Wait for the batch before, then until nothing more is asked; then send."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            while young := {task: began for task, began in self._flying.items() if loop.time() - began < OLD}:
                await asyncio.wait(young, timeout=min(young.values()) + OLD - loop.time(), return_when="ALL_COMPLETED")
            began, seen = loop.time(), -1
            while len(self._waiting) != seen and loop.time() - began < LONGEST:
                seen = len(self._waiting)
                await asyncio.sleep(GATHER)
            asked, self._waiting = self._waiting, {}
            flight = asyncio.create_task(self._fly(asked))
            self._flying[flight] = loop.time()
            flight.add_done_callback(self._flying.pop)
        self._gathering = None

    async def _fly(self, asked: Asked) -> None:
        """Send one batch; a lost connection is tried once more with what is not answered."""
        self.batches += 1
        reason = ""
        try:
            for _ in range(2):
                try:
                    await self._send(asked)
                    break
                except ConnectionLost as error:
                    reason = str(error)
                    self._channels.lost()
                    await self._channels.reconnect(5.0)
            else:
                reason = reason or "the connection was lost"
        except TimeoutError:
            reason = f"no answer in {self.limit:g} s"
        except HostError as error:
            reason = str(error)
        finally:
            for question, answer in asked.items():
                _fail(answer, question, reason or "the connection to the host was closed")

    async def _send(self, asked: Asked) -> None:
        left = [question for question, answer in asked.items() if not answer.done()]
        if not left:
            return
        shell = await self._shell()
        try:
            async for piece, answer in shell.answer(pieces(left), self.limit):
                if piece is None:
                    self._no_root(asked, answer)
                else:
                    self._settle(asked, piece, answer, shell.mark)
        finally:
            if shell.usable and not self._idle:
                self._idle.append(shell)
            else:
                await shell.close()

    async def _shell(self) -> Shell:
        while self._idle:
            shell = self._idle.pop()
            if shell.usable:
                return shell
            await shell.close()
        shell = Shell()
        await shell.open(self._channels)
        return shell

    def _settle(self, asked: Asked, piece: Piece, answer: Answer, mark: str) -> None:
        """Give each item of a piece its result."""
        try:
            results = piece.kind.read(piece.items, answer, mark)
        except (ValueError, KeyError, IndexError) as error:
            results = [Unreadable(f"the host's answer cannot be read ({type(error).__name__}: {error})")] * len(
                piece.items
            )
        for item, result in zip(piece.items, results, strict=True):
            question = Question(piece.kind, item, piece.root)
            waiting = asked[question]
            if result is NOTHING and answer.status in TIMED_OUT:
                _fail(waiting, question, f"no answer in {self.limit:g} s")
            elif result is NOTHING:
                said = clean(answer.err).strip().splitlines()
                _fail(waiting, question, said[0] if said else f"no answer (status {answer.status})")
            elif isinstance(result, Exception):
                _fail(waiting, question, str(result))
            elif not waiting.done():
                waiting.set_result(result)

    def _no_root(self, asked: Asked, answer: Answer) -> None:
        said = clean(answer.err).strip()
        try:
            refuse_root(said)
            reason = f"root could not look: {said or 'it ended early'}"
        except HostError as error:
            reason = str(error)
        for question, waiting in asked.items():
            if question.root:
                _fail(waiting, question, reason)


def _fail(answer: asyncio.Future[Any], question: Question, reason: str) -> None:
    if not answer.done():
        answer.set_exception(Unreadable(f"{question.kind.name} {_short(question.item)}: {reason}"))


def _short(item: object) -> str:
    text = clean(str(item)).replace("\n", " ")
    return text if len(text) <= 60 else text[:59] + "…"
