"""Archives: what goes in comes out, encrypted on the way; whatever was done to the files is noticed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from iris_migrate.changes import Save
from iris_migrate.engine.archive import MANIFEST, Archive
from iris_migrate.engine.archive_key import VARIABLE, ArchiveKeys
from iris_migrate.engine.clock import SystemClock
from iris_migrate.engine.sealing import PIECE, Key, Sealer, opened, part
from iris_migrate.target import Unreadable
from iris_migrate.values import Archived

SECRET = "sk-canary-0123456789"


class Aws:
    """Answers one read; the archive asks it for nothing else."""

    account, region = "123456789012", "us-east-1"

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer

    def forget(self) -> None:
        pass

    async def read(self, service: str, operation: str, **params: Any) -> Any:
        return self.answer


class Download:
    """What stands at an address; the first attempt is cut in the middle."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    async def fetch(self, url: str, begin: Any, what: str) -> None:
        begin()(self.content[:3])
        begin()(self.content)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def archive(tmp_path: Path, key: Key | None = None, aws: Aws | None = None, content: bytes = b"") -> Archive:
    keys = ArchiveKeys(tmp_path / "state", {VARIABLE: key.text} if key else {}, lambda key, path: None)
    return Archive(
        tmp_path / "backups", aws=aws or Aws(), clock=SystemClock(), downloads=Download(content), key=keys,  # type: ignore[arg-type]
    )  # fmt: skip


def save(folder: Path, name: str, data: Any, *, secret: bool = True) -> Save:
    return Save(says="Save", name=name, source={"data": data}, secret=secret, folder=str(folder))


async def test_what_is_saved_is_encrypted_and_comes_back(tmp_path: Path, folder: Path) -> None:
    kept = archive(tmp_path)
    await kept.save(save(folder, "functions/f.json", {"Environment": {"KEY": SECRET}}), None)
    await kept.save(save(folder, "list.json", {"names": ["f"]}, secret=False), None)
    assert kept.value(Archived(str(folder), "functions/f.json", "Environment.KEY")) == SECRET
    assert await kept.content(str(folder), "list.json") == {"names": ["f"]}
    assert await kept.content(str(folder), "none.json") is None
    assert await kept.problems(str(folder)) == ()
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 3
    for path in files:
        assert SECRET.encode() not in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_files_of_every_size_are_sealed_whole(tmp_path: Path, size: int) -> None:
    content, key, path = os.urandom(size), Key.new(), tmp_path / "x"
    with path.open("wb") as file:
        sealer = Sealer(file, key, "x")
        for at in range(0, size, 700_000):
            sealer.write(content[at : at + 700_000])
        sealer.end()
    assert b"".join(opened(path, key, "x")) == content


@pytest.mark.parametrize("start", [0, 1, PIECE - 1, PIECE, 2 * PIECE + 5])
def test_a_part_is_read_without_what_stands_before_it(tmp_path: Path, start: int) -> None:
    data = os.urandom(3 * PIECE + 7)
    path, key, file = tmp_path / "x", Key.new(), io.BytesIO()
    sealer = Sealer(file, key, "x")
    sealer.write(data)
    sealer.end()
    path.write_bytes(file.getvalue())
    for length in (1, PIECE, len(data)):
        assert part(path, key, "x", start, length) == data[start : start + length]
    harmed = bytearray(file.getvalue())
    harmed[40] ^= 1  # in the first piece
    path.write_bytes(harmed)
    if start < PIECE:
        with pytest.raises(Unreadable, match="damaged"):
            part(path, key, "x", start, 1)
    else:
        assert part(path, key, "x", start, 1) == data[start : start + 1]


@pytest.mark.parametrize("harm", ["bit", "cut", "swapped", "renamed"])
def test_a_sealed_file_that_was_changed_is_refused(tmp_path: Path, harm: str) -> None:
    key, path = Key.new(), tmp_path / "x"
    file = io.BytesIO()
    sealer = Sealer(file, key, "x")
    sealer.write(b"a" * PIECE + b"b" * PIECE + b"c")
    sealer.end()
    data, piece = bytearray(file.getvalue()), PIECE + 16
    if harm == "bit":
        data[100] ^= 1
    elif harm == "cut":
        data = data[: 16 + 2 * piece]
    elif harm == "swapped":
        data = data[:16] + data[16 + piece : 16 + 2 * piece] + data[16 : 16 + piece] + data[16 + 2 * piece :]
    path.write_bytes(data)
    with pytest.raises(Unreadable, match="damaged"):
        b"".join(opened(path, key, "y" if harm == "renamed" else "x"))


async def test_each_harm_to_an_archive_is_named(tmp_path: Path, folder: Path) -> None:
    kept = archive(tmp_path)
    for name in ("a", "b", "c", "d"):
        await kept.save(save(folder, name, {"name": name}), None)
    (folder / "a.sealed").write_bytes(b"IRISARC1 something else")
    (folder / "b.sealed").unlink()
    (folder / "c.sealed").chmod(0o644)
    found = await kept.problems(str(folder))
    assert [problem.partition(":")[0] for problem in found] == ["a", "b", "c"]
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["items"]["e"] = {**manifest["items"]["d"], "file": "../../etc/passwd"}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    assert "e: '../../etc/passwd' leads out of the archive" in await kept.problems(str(folder))


async def test_another_key_opens_nothing_and_is_said(tmp_path: Path, folder: Path) -> None:
    await archive(tmp_path, Key.new()).save(save(folder, "a", 1), None)
    (found,) = await archive(tmp_path / "elsewhere", Key.new()).problems(str(folder))
    assert VARIABLE in found


async def test_a_key_is_made_once_and_lies_outside_the_archive(tmp_path: Path, folder: Path) -> None:
    told: list[str] = []
    keys = ArchiveKeys(tmp_path / "state", {}, lambda key, path: told.append(key.text))
    kept = Archive(tmp_path, aws=Aws(), clock=SystemClock(), key=keys)  # type: ignore[arg-type]
    await kept.save(save(folder, "a", 1), None)
    await kept.save(save(folder, "b", 2), None)
    assert len(told) == 1
    assert not [path for path in folder.rglob("*") if path.is_file() and told[0].encode() in path.read_bytes()]
    assert await archive(tmp_path).problems(str(folder)) == (), "a later program finds the key in the state folder"


async def test_a_download_is_what_aws_says_it_is(tmp_path: Path, folder: Path) -> None:
    source = {"aws": ["ecr", "GetDownloadUrlForLayer", {}], "follow": "downloadUrl"}
    kept = archive(tmp_path, aws=Aws({"downloadUrl": "https://signed.example.com/"}), content=b"layer")
    good = "sha256:" + hashlib.sha256(b"layer").hexdigest()
    await kept.save(Save(says="Save", name="l", source={**source, "digest": good}, folder=str(folder)), None)
    assert kept.value(Archived(str(folder), "l")) == b"layer"
    assert kept.value(Archived(str(folder), "l", start=1, length=2)) == b"ay"
    with pytest.raises(Unreadable, match="not what AWS says"):
        await kept.save(Save(says="Save", name="m", source={**source, "digest": "sha256:00"}, folder=str(folder)), None)
    assert [path.name for path in folder.rglob("m*")] == [MANIFEST], "nothing half is left"


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unreadable, match="cannot be saved"):
        await archive(tmp_path).save(save(tmp_path / "file", "a", 1), None)
