"""SFTP over the practice folder only: paths are the real ones, those outside are not there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import paramiko
from paramiko.sftp import SFTP_OK


class Handle(paramiko.SFTPHandle):
    """An open file."""

    def __init__(self, flags: int, file: Any) -> None:
        super().__init__(flags)
        self.readfile = self.writefile = file

    def stat(self) -> paramiko.SFTPAttributes | int:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))


class Sftp(paramiko.SFTPServerInterface):
    """What `open_sftp` can do: read, write, list, rename, remove."""

    def __init__(self, server: paramiko.ServerInterface, root: Path, *args: Any, **kwargs: Any) -> None:
        super().__init__(server, *args, **kwargs)
        self._root = root

    def _path(self, path: str) -> Path:
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(self._root):
            raise FileNotFoundError(2, "outside the practice folder", path)
        return Path(path)

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        try:
            folder = self._path(path)
            return [paramiko.SFTPAttributes.from_stat(item.lstat(), item.name) for item in folder.iterdir()]
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return paramiko.SFTPAttributes.from_stat(self._path(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    def lstat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return paramiko.SFTPAttributes.from_stat(self._path(path).lstat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:
        try:
            descriptor = os.open(self._path(path), flags, attr.st_mode or 0o666)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        mode = "rb" if flags & os.O_ACCMODE == os.O_RDONLY else "r+b" if flags & os.O_RDWR else "wb"
        return Handle(flags, os.fdopen(descriptor, mode))

    def remove(self, path: str) -> int:
        return self._do(lambda: self._path(path).unlink())

    def rename(self, oldpath: str, newpath: str) -> int:
        return self._do(lambda: self._path(oldpath).rename(self._path(newpath)))

    posix_rename = rename

    def mkdir(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        return self._do(lambda: self._path(path).mkdir(attr.st_mode or 0o777))

    def chattr(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        return self._do(lambda: paramiko.SFTPServer.set_file_attr(str(self._path(path)), attr))

    @staticmethod
    def _do(work: Any) -> int:
        try:
            work()
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        return SFTP_OK
