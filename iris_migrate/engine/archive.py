"""Archives on this machine: a folder with a manifest, the digest of everything in it, and what is secret encrypted."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iris_migrate.changes import Save
from iris_migrate.engine.sealing import Key, Sealer, opened, part
from iris_migrate.target import AwsError, Clock, Unreadable
from iris_migrate.values import Archived

if TYPE_CHECKING:
    from iris_migrate.connections.aws import AwsConnection
    from iris_migrate.connections.download import Downloads
    from iris_migrate.connections.host.connection import HostConnection

MANIFEST = "manifest.json"
FORMAT = 1
SEALED = ".sealed"


class Writing:
    """One file on its way into a folder; it appears under its name only when it is whole."""

    def __init__(self, path: Path, key: Key | None, name: str) -> None:
        self.path, self._part = path, path.with_name(path.name + ".part")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(descriptor, "wb")
        self._sealer = Sealer(self._file, key, name) if key else None
        self._sha, self.bytes = hashlib.sha256(), 0

    def __call__(self, data: bytes) -> None:
        self._sha.update(data)
        self.bytes += len(data)
        (self._sealer or self._file).write(data)

    @property
    def sha256(self) -> bytes:
        """Of the content, before it is encrypted."""
        return self._sha.digest()

    def end(self) -> None:
        if self._sealer:
            self._sealer.end()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self.path)

    def give_up(self) -> None:
        with contextlib.suppress(OSError):  # a full disk refuses what is still to be written
            self._file.close()
        self._part.unlink(missing_ok=True)


class Archive:
    """The archives of this machine. `key` gives the key, made when there is none yet; `backups` takes what has none.

    Implements `target.Archives`.
    """

    def __init__(
        self,
        backups: Path,
        *,
        aws: AwsConnection | None = None,
        clock: Clock | None = None,
        downloads: Downloads | None = None,
        key: Callable[[str], Key] | None = None,
    ) -> None:
        self._backups = backups.expanduser()
        self._aws, self._clock, self._downloads, self._key = aws, clock, downloads, key

    # Writing

    async def save(self, change: Save, host: HostConnection | None) -> dict[str, Any]:
        """Stream the source into its folder. Answers `path`, `sha256`, `bytes`. Raises Unreadable."""
        folder = folder_of(change.folder) if change.folder else self._backups
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            key = self._key_of(folder) if change.folder and change.secret else None
            path = inside(folder, change.name + (SEALED if key else ""))
            writing = await self._write(change, host, lambda: Writing(path, key, change.name))
            sha = writing.sha256.hex()
            if change.folder:
                await asyncio.to_thread(self._enter, folder, change.name, path, writing, key)
        except OSError as error:
            raise Unreadable(f"{change.name} cannot be saved in {folder}: {error.strerror or error}") from error
        return {"path": str(path), "sha256": sha, "bytes": writing.bytes}

    async def _write(self, change: Save, host: HostConnection | None, begin: Callable[[], Writing]) -> Writing:
        source = change.source
        made: list[Writing] = []

        def fresh() -> Writing:
            for old in made:
                old.give_up()
            made[:] = [begin()]
            return made[0]

        try:
            if "host" in source:
                if host is None:
                    raise Unreadable(f"{change.name}: the host cannot be reached")
                await host.fetch(str(source["host"]), fresh(), root=True)
            elif "data" in source:
                fresh()(as_json(source["data"]))
            elif "aws" in source:
                await self._from_aws(change, fresh)
            else:
                raise Unreadable(f"{change.name}: nobody knows how to save from {sorted(source)}")
            made[0].end()
            return made[0]
        except BaseException:
            for old in made:
                old.give_up()
            raise

    async def _from_aws(self, change: Save, fresh: Callable[[], Writing]) -> None:
        import jmespath

        assert self._aws is not None and self._downloads is not None
        service, operation, params = change.source["aws"]
        self._aws.forget()  # what is archived is what is there now
        if every := change.source.get("all"):
            fresh()(as_json(list(await self._aws.read_all(service, operation, every, **params))))
            return
        answer = await self._aws.read(service, operation, **params)
        if not (follow := change.source.get("follow")):
            fresh()(as_json(answer))
            return
        url = str(jmespath.search(follow, answer) or "")
        if not url:
            raise AwsError("NoAddress", f"the answer has no {follow}", f"{service}:{operation}")
        made: list[Writing] = []

        def begin() -> Writing:
            made[:] = [fresh()]
            return made[0]

        await self._downloads.fetch(url, begin, change.name)
        _must_be(str(change.source.get("digest") or ""), made[0].sha256, change.name)

    def _enter(self, folder: Path, name: str, path: Path, writing: Writing, key: Key | None) -> None:
        """Write the item into the manifest, in one move."""
        manifest = read_manifest(folder) or self._new_manifest()
        if key is not None:
            known = manifest.setdefault("key", key.id)
            if known != key.id:
                raise Unreadable(f"{folder} was begun with another key ({known}); give that one, or another folder")
        manifest["items"][name] = {
            "file": str(path.relative_to(folder)), "sealed": key is not None, "bytes": writing.bytes,
            "sha256": writing.sha256.hex(), "file_sha256": _file_digest(path),
        }  # fmt: skip
        into = Writing(folder / MANIFEST, None, MANIFEST)
        try:
            into(as_json(manifest))
            into.end()
        except BaseException:
            into.give_up()
            raise

    def _new_manifest(self) -> dict[str, Any]:
        from importlib.metadata import version

        assert self._aws is not None and self._clock is not None
        return {
            "format": FORMAT, "made_by": f"iris-migrate {version('iris-migrate')}", "account": self._aws.account,
            "region": self._aws.region, "begun": self._clock.now(), "items": {},
        }  # fmt: skip

    # Reading

    async def manifest(self, folder: str) -> Mapping[str, Any] | None:
        return await asyncio.to_thread(read_manifest, folder_of(folder))

    async def content(self, folder: str, name: str) -> Any:
        place = folder_of(folder)
        manifest = await asyncio.to_thread(read_manifest, place)
        if manifest is None or name not in manifest["items"]:
            return None
        return json.loads(await asyncio.to_thread(self._whole, place, manifest, name))

    async def problems(self, folder: str) -> tuple[str, ...]:
        place = folder_of(folder)
        return await asyncio.to_thread(self._check, place)

    def value(self, item: Archived) -> Any:
        """What an Archived in a Change stands for. Raises Unreadable."""
        import jmespath

        folder = folder_of(item.folder)
        manifest = read_manifest(folder)
        if manifest is None or item.item not in manifest["items"]:
            raise Unreadable(f"{item.item} is not in the archive {folder}")
        entry = manifest["items"][item.item]
        if item.length and entry["sealed"]:
            return part(inside(folder, entry["file"]), self._key_of(folder), item.item, item.start, item.length)
        data = self._whole(folder, manifest, item.item)
        if not item.expression:
            return data[item.start : item.start + item.length] if item.length else data[item.start :]
        return jmespath.search(item.expression, json.loads(data))

    def _whole(self, folder: Path, manifest: Mapping[str, Any], name: str) -> bytes:
        entry = manifest["items"][name]
        path = inside(folder, entry["file"])
        try:
            data = b"".join(opened(path, self._key_of(folder), name)) if entry["sealed"] else path.read_bytes()
        except OSError as error:
            raise Unreadable(f"{path} cannot be read: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise Unreadable(f"{path} is not what was saved: its digest is another")
        return data

    def _check(self, folder: Path) -> tuple[str, ...]:
        manifest = read_manifest(folder)
        if manifest is None:
            return (f"{folder} has no {MANIFEST}",)
        found: list[str] = []
        for name, entry in sorted(manifest["items"].items()):
            try:
                found += self._check_item(folder, name, entry)
            except (Unreadable, KeyError, TypeError, OSError) as error:
                found.append(f"{name}: {error}")
        return tuple(found)

    def _check_item(self, folder: Path, name: str, entry: Mapping[str, Any]) -> list[str]:
        path = inside(folder, entry["file"])
        if not path.is_file():
            return [f"{name}: {entry['file']} is not there"]
        if path.stat().st_mode & 0o077:
            return [f"{name}: {entry['file']} can be read by others"]
        if _file_digest(path) != entry["file_sha256"]:
            return [f"{name}: {entry['file']} was changed: its digest is another"]
        if entry["sealed"]:
            sha, size = hashlib.sha256(), 0
            for piece in opened(path, self._key_of(folder), name):
                sha.update(piece)
                size += len(piece)
            if (sha.hexdigest(), size) != (entry["sha256"], entry["bytes"]):
                return [f"{name}: decrypted, it is not what was saved"]
        return []

    def _key_of(self, folder: Path) -> Key:
        if self._key is None:
            raise Unreadable(f"no key for the archive {folder}")
        manifest = read_manifest(folder)
        return self._key(str(manifest.get("key") or "") if manifest else "")


def folder_of(name: str) -> Path:
    """An archive's folder as settings name it."""
    return Path(name).expanduser()


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of an archive; None when there is none. Raises Unreadable when it cannot be used."""
    try:
        data = json.loads((folder / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Unreadable(f"{folder / MANIFEST} cannot be read: {error}") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT or not isinstance(data.get("items"), dict):
        raise Unreadable(f"{folder / MANIFEST} is of another format than this version reads ({FORMAT})")
    return data


def inside(folder: Path, name: str) -> Path:
    """A path in the folder. A name that leads out of it is refused: manifests come from outside."""
    path = folder / name
    if ".." in Path(name).parts or Path(name).is_absolute():
        raise Unreadable(f"{name!r} leads out of the archive")
    return path


def as_json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str, indent=1).encode() + b"\n"


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _must_be(wanted: str, sha: bytes, name: str) -> None:
    kind, _, value = wanted.partition(":")
    seen = {"sha256": sha.hex(), "base64": base64.b64encode(sha).decode(), "": ""}.get(kind)
    if seen != value:
        raise Unreadable(f"{name}: what was downloaded is not what AWS says it is ({wanted})")
