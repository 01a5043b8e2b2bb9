"""nginx: `-t`, `-T`, `-s SIGNAL`, `-v`, `-g`, and the master process that keeps a worker."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import time

from iris_migrate.rehearsal.host.nginx import directives, syntax
from iris_migrate.rehearsal.host.nginx.routes import Routes
from iris_migrate.rehearsal.host.nginx.syntax import Directive, Emergency
from iris_migrate.rehearsal.host.stand_ins import accounts

SIGNALS = {"reload": signal.SIGHUP, "quit": signal.SIGQUIT, "stop": signal.SIGTERM, "reopen": signal.SIGUSR1}


def main(name: str, root: str, argv: list[str]) -> int:
    given: dict[str, str] = {}
    words = list(argv)
    while words:
        word = words.pop(0)
        if word in ("-s", "-c", "-g", "-p", "-e"):
            if not words:
                return accounts.fail(f'nginx: invalid option: "{word[1:]}"', 1)
            given[word] = words.pop(0)
        elif word in ("-t", "-T", "-q", "-v", "-V"):
            given[word] = ""
        else:
            return accounts.fail(f'nginx: invalid option: "{word.lstrip("-")}"', 1)
    if "-v" in given or "-V" in given:
        return accounts.fail("nginx version: nginx/1.24.0 (practice)", 0)
    return Nginx(root, given.get("-c", f"{root}/etc/nginx/nginx.conf"), given).run()


class Nginx:
    """One call of the program."""

    def __init__(self, root: str, path: str, given: dict[str, str]) -> None:
        self.root, self.path, self.given = root, path, given

    def run(self) -> int:
        if accounts.me(self.root) != "root":
            return accounts.fail(f'nginx: [emerg] open() "{self.root}/run/nginx.pid" failed (13: Permission denied)', 1)
        if "-s" in self.given and self.given["-s"] not in SIGNALS:
            return accounts.fail(f'nginx: invalid option: "-s {self.given["-s"]}"', 1)
        testing = "-t" in self.given or "-T" in self.given
        try:
            top = self.load()
        except Emergency as error:
            sys.stderr.write(f"nginx: [emerg] {error}\n")
            return accounts.fail(f"nginx: configuration file {self.path} test failed", 1) if testing else 1
        if testing:
            if "-q" not in self.given:
                sys.stderr.write(f"nginx: the configuration file {self.path} syntax is ok\n")
                sys.stderr.write(f"nginx: configuration file {self.path} test is successful\n")
            if "-T" in self.given:
                with open(self.path) as file:
                    sys.stdout.write(f"# configuration file {self.path}:\n{file.read()}")
            return 0
        if "-s" in self.given:
            return self._signal(SIGNALS[self.given["-s"]])
        return Master(self, top).begin()

    def load(self) -> tuple[Directive, ...]:
        """The configuration as it is on disk. Raises Emergency."""
        top = syntax.read(self.path, f"{self.root}/etc/nginx")
        directives.check(top)
        return top

    def pid_path(self, top: tuple[Directive, ...]) -> str:
        return next((item.args[0] for item in top if item.name == "pid"), f"{self.root}/run/nginx.pid")

    def _signal(self, number: int) -> int:
        path = self.pid_path(self.load())
        try:
            with open(path) as file:
                os.kill(int(file.read()), number)
        except FileNotFoundError:
            return accounts.fail(f'nginx: [error] open() "{path}" failed (2: No such file or directory)', 1)
        except (ValueError, ProcessLookupError):
            return accounts.fail(f'nginx: [error] invalid PID number "" in "{path}"', 1)
        return 0


class Master:
    """Holds the sockets and the pid file; a worker serves, a reload replaces it."""

    def __init__(self, nginx: Nginx, top: tuple[Directive, ...]) -> None:
        self.nginx, self.top = nginx, top
        self.sockets: dict[tuple[str, int], socket.socket] = {}
        self.workers: list[int] = []

    def begin(self) -> int:
        try:
            self._open_sockets()
        except Emergency as error:
            return accounts.fail(f"nginx: [emerg] {error}", 1)
        foreground = "daemon off" in self.nginx.given.get("-g", "") or any(
            item.name == "daemon" and item.args == ("off",) for item in self.top
        )
        if not foreground and os.fork():
            # The parent goes when the pid file stands, as nginx does.
            time.sleep(0)
            os._exit(0)
        if not foreground:
            os.setsid()
            null = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(null, descriptor)
        ctypes.CDLL(None).prctl(15, b"nginx", 0, 0, 0)
        with open(self.nginx.pid_path(self.top), "w") as file:
            file.write(f"{os.getpid()}\n")
        return self._loop()

    def _http(self) -> Directive:
        return next((item for item in self.top if item.name == "http"), Directive("http", (), (), ""))

    def _open_sockets(self) -> None:
        wanted = Routes(self._http()).sockets()
        opened: dict[tuple[str, int], socket.socket] = {}
        for host, port in wanted:
            if (host, port) in self.sockets:
                opened[host, port] = self.sockets[host, port]
                continue
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                listener.bind((host, port))
                listener.listen(511)
            except OSError as error:
                shown = f"[{host}]" if ":" in host else host
                raise Emergency(f"bind() to {shown}:{port} failed ({error.errno}: {error.strerror})") from error
            opened[host, port] = listener
        for at, listener in self.sockets.items():
            if at not in opened:
                listener.close()
        self.sockets = opened

    def _spawn(self) -> int:
        if path := self._error_log():  # it is there from the start, and again after it was moved away
            os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640))
        pid = os.fork()
        if pid == 0:
            from iris_migrate.rehearsal.host.nginx.worker import Worker

            ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # ends with its master
            Worker(self._http(), self.sockets).run()
        return pid

    def _loop(self) -> int:
        numbers = {signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        self.workers = [self._spawn()]
        while True:
            match signal.sigwait(numbers):
                case signal.SIGHUP:
                    self._reload()
                case signal.SIGCHLD:
                    self._reap()
                case signal.SIGUSR1:
                    self._replace()
                case number:
                    return self._end(number)

    def _reload(self) -> None:
        before = self.top
        try:
            self.top = self.nginx.load()
            self._open_sockets()
        except Emergency as error:
            self.top = before
            self._log(f"[emerg] {error}")
            return
        self._replace()

    def _replace(self) -> None:
        old, self.workers = self.workers, [*self.workers, self._spawn()]
        for pid in old:
            os.kill(pid, signal.SIGQUIT)

    def _reap(self) -> None:
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.workers:
                self.workers.remove(pid)
                if not self.workers:
                    self.workers = [self._spawn()]

    def _end(self, number: int) -> int:
        workers, self.workers = self.workers, []
        for pid in workers:
            os.kill(pid, number)
        for pid in workers:
            os.waitpid(pid, 0)
        os.unlink(self.nginx.pid_path(self.top))
        return 0

    def _error_log(self) -> str:
        """The file for errors; empty when they go to standard error."""
        path = next((item.args[0] for item in self.top if item.name == "error_log"), "")
        return "" if path == "stderr" else path

    def _log(self, text: str) -> None:
        if path := self._error_log():
            when = time.strftime("%Y/%m/%d %H:%M:%S")
            with open(path, "a") as file:
                file.write(f"{when} {text}\n")
