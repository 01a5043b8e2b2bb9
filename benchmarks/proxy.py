"""A TCP proxy that delays: what the host and AWS look like from far away. In a process of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def delaying(host: str, port: int, round_trip: float) -> Iterator[int]:
    """Another port of the same host that leads to its `port`, each direction half a round trip (seconds) late."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(there, host, port, round_trip / 2), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Any, host: str, port: int, delay: float) -> None:
    asyncio.run(_listen(pipe, host, port, delay))


async def _listen(pipe: Any, host: str, port: int, delay: float) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(_late(reader, far_writer, delay), _late(far_reader, writer, delay))

    server = await asyncio.start_server(accept, host, 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Pass on what comes, each piece its delay after it came: pieces do not wait for one another."""
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    async def send() -> None:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.close()

    sender = asyncio.create_task(send())
    try:
        while data := await reader.read(65536):
            queue.put_nowait((loop.time() + delay, data))
    except ConnectionError:
        pass
    queue.put_nowait((loop.time() + delay, b""))
    await asyncio.gather(sender, return_exceptions=True)
