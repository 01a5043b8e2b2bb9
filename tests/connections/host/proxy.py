"""A TCP proxy that can cut its connections, hold them up and delay what passes."""

from __future__ import annotations

import asyncio
import contextlib


class Proxy:
    """`delay` seconds a direction. `cut()` resets every connection; with `refusing` new ones are closed at once."""

    def __init__(self, port: int, *, delay: float = 0.0, address: str = "127.0.0.1") -> None:
        self._address, self._target, self._delay = address, port, delay
        self._pairs: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.accepted = 0
        self.refusing = False
        self.bytes_down = 0
        self.cut_after: list[int] = []  # cut when so many bytes have come down since the last cut

    async def start(self) -> Proxy:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    def cut(self) -> None:
        for writer in self._pairs:
            with contextlib.suppress(RuntimeError):
                writer.transport.abort()
        self._pairs.clear()
        self.bytes_down = 0

    async def stop(self) -> None:
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.refusing:
            writer.transport.abort()
            return
        up, down = await asyncio.open_connection(self._address, self._target)
        self._pairs += [writer, down]
        for source, sink, counted in ((reader, down, False), (up, writer, True)):
            task = asyncio.create_task(self._pass(source, sink, counted))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, counted: bool) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError, RuntimeError):
            while data := await source.read(65536):
                if counted:
                    self.bytes_down += len(data)
                    if self.cut_after and self.bytes_down >= self.cut_after[0]:
                        self.cut_after.pop(0)
                        self.cut()
                        return
                if self._delay:
                    loop.call_later(self._delay, sink.write, data)
                else:
                    sink.write(data)
                    await sink.drain()
            if self._delay:
                await asyncio.sleep(self._delay)
            sink.close()
