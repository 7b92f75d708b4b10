#!/usr/bin/env python3
"""A PostgreSQL server of a test's own, for tests in whatever language: `--help` says how.

It starts one on a free port and in a private directory, and prints where, as one line of JSON.
Then it obeys a word a line on its standard input, and answers each with the line `done`: kill
(SIGKILL to all processes), shutdown (fast), restart, freeze, thaw. When its input ends, as it does
when the test was killed, so do the server and its directory. Root steps down to the user nobody,
and keeps the right to read and search everywhere: / itself may be closed to others.
"""

import argparse
import contextlib
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

LIMIT = 60.0  # seconds, for what takes one
PORTS = 5  # that somebody else may take before we have them
CAP_DAC_READ_SEARCH, CAP_SETPCAP = 2, 8  # as in linux/capability.h
STEP_DOWN = ["setpriv", "--reuid=nobody", "--clear-groups", "--pdeathsig=QUIT"]
CERTIFICATE = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
CERTIFICATE += ["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
CERTIFICATE += ["-addext", "subjectAltName=DNS:localhost", "-keyout", "server.key"]
CERTIFICATE += ["-out", "server.crt"]


def stepping_down() -> list[str]:
    """What a program must be preceded by; all that it keeps is one capability, if we have it."""
    if os.geteuid() != 0:
        return ["setpriv", "--pdeathsig=QUIT"]
    status = pathlib.Path("/proc/self/status").read_text().split("CapPrm:")[1].split()[0]
    ours = int(status, 16)
    kept = "-all,+dac_read_search" if ours & 1 << CAP_DAC_READ_SEARCH else "-all"
    words = [*STEP_DOWN, f"--regid={pwd.getpwnam('nobody').pw_gid}"]
    # Without this bit access(2) forgets the capability, and PostgreSQL believes it.
    words += ["--securebits=+no_setuid_fixup"] if ours & 1 << CAP_SETPCAP else []
    return [*words, f"--inh-caps={kept}", f"--ambient-caps={kept}"]


def program(name: str) -> str:
    """The newest one of this machine, with its path."""
    found = pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    numbered = sorted(found, key=lambda path: int(path.parent.parent.name))
    return str(numbered[-1]) if numbered else name


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    def __init__(self, options: argparse.Namespace) -> None:
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="irx-postgres-", dir="/tmp"))
        self.data = self.directory / "data"
        self.secure = options.secure
        self.process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.directory, nobody.pw_uid, nobody.pw_gid)
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        self.environment |= {"LC_ALL": "C", "TZ": "UTC"}

    def create(self, options: argparse.Namespace) -> None:
        self._run("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "--locale=C")
        self._configure(options)
        for _ in range(PORTS):
            self.port = free_port()
            if self._start():
                break
        else:
            raise SystemExit(self._complaint("it does not start"))
        if self.secure:
            self._say("ALTER ROLE postgres PASSWORD 'secret'")

    def _start_program(self, *words: str) -> "subprocess.Popen[bytes]":
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(
                [*stepping_down(), *words],
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _run(self, name: str, *words: str) -> None:
        extra = ["--encoding=UTF8", "--wal-segsize=1", "--no-sync"] if name == "initdb" else []
        if self._start_program(program(name), *words, *extra).wait() != 0:
            raise SystemExit(self._complaint(f"{name} fails; is the package postgresql installed?"))

    def _complaint(self, what: str) -> str:
        log = (self.directory / "log").read_text(errors="replace")
        return f"a PostgreSQL server for a test: {what}\n{log[-8192:]}"

    def _configure(self, options: argparse.Namespace) -> None:
        settings = [
            "listen_addresses = '127.0.0.1'",
            f"unix_socket_directories = '{self.directory}'",
            f"cluster_name = '{self.directory.name}'",  # by which its processes are known
            f"max_connections = {options.max_connections}",
            f"fsync = {'off' if options.no_fsync else 'on'}",
            "shared_buffers = '4MB'",
            "huge_pages = off",
            "dynamic_shared_memory_type = mmap",
            "log_line_prefix = '%m [%p] '",
        ]
        if self.secure:
            if self._start_program(*CERTIFICATE).wait() != 0:
                raise SystemExit(self._complaint("openssl makes no certificate"))
            for setting in ("ssl_cert_file = '{}/server.crt'", "ssl_key_file = '{}/server.key'"):
                settings.append(setting.format(self.directory))
            settings.append("ssl = on")
            rules = "local all all trust\nhostssl all all all scram-sha-256\n"
            (self.data / "pg_hba.conf").write_text(rules)
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("\n".join([*settings, *options.setting]) + "\n")

    def _say(self, sql: str) -> bool:
        words = [program("psql"), "-XAtq", "-h", str(self.directory), "-p", str(self.port)]
        words += ["-U", "postgres", "-c", sql, "postgres"]
        environment = {**self.environment, "PGCONNECT_TIMEOUT": "30"}
        return subprocess.run(words, env=environment, capture_output=True).returncode == 0

    def _start(self) -> bool:
        """False when it ended without an answer."""
        words = ["postgres", "-D", str(self.data), "-p", str(self.port)]
        self.process = self._start_program(program(words[0]), *words[1:])
        until = time.monotonic() + LIMIT
        while time.monotonic() < until:
            if self._say("SELECT 1"):
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.02)
        raise SystemExit(self._complaint("it does not answer"))

    def described(self) -> dict[str, object]:
        host, query = "postgres@127.0.0.1", ""
        if self.secure:
            host = "postgres:secret@localhost"
            query = f"?sslmode=verify-full&sslrootcert={self.directory}/server.crt"
        return {
            "port": self.port,
            "directory": str(self.directory),
            "url": f"postgres://{host}:{self.port}/postgres{query}",
            "socketUrl": f"postgres://postgres@/postgres?host={self.directory}&port={self.port}",
            "psql": program("psql"),
        }

    def _is_ours(self, pid: str) -> bool:
        """The postmaster, and whom it has just forked, have its command line; others a title."""
        with contextlib.suppress(OSError):
            line = pathlib.Path("/proc", pid, "cmdline").read_bytes().decode(errors="replace")
            words = line.split("\0")
            title = line.startswith(f"postgres: {self.directory.name}: ")
            return title or (words[0].endswith("/postgres") and str(self.data) in words[1:3])
        return False

    def signal_all(self, number: int) -> int:
        count = 0
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(ProcessLookupError):
                if self._is_ours(pid):
                    os.kill(int(pid), number)
                    count += 1
        return count

    def _await(self) -> None:
        if self.process is not None:
            self.process.wait()

    def kill(self) -> None:
        while self.signal_all(signal.SIGKILL) > 0:
            time.sleep(0.002)
        self._await()

    def shutdown(self, number: int = signal.SIGINT) -> None:
        if self.process is not None:
            self.process.send_signal(number)
        self.signal_all(signal.SIGCONT)
        self._await()

    def restart(self) -> None:
        for _ in range(PORTS):
            if self._start():
                return
            time.sleep(1)  # somebody's connection happens to have this port
        raise SystemExit(self._complaint("it does not start again"))

    def remove(self) -> None:
        # It starts once more after a kill, as only then it frees the shared memory that it had.
        if self.process is not None:
            if self.process.poll() is not None and (self.data / "postmaster.pid").exists():
                self._start()
            if self.process.poll() is None:
                self.shutdown(signal.SIGQUIT)
            self.kill()
        shutil.rmtree(self.directory)

    def obey(self, word: str) -> None:
        match word:
            case "kill":
                self.kill()
            case "shutdown":
                self.shutdown()
            case "restart":
                self.restart()
            case "freeze":
                self.signal_all(signal.SIGSTOP)
            case "thaw":
                self.signal_all(signal.SIGCONT)
            case _:
                raise SystemExit(f"{word}?")
        print("done", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--max-connections", type=int, default=50)
    parser.add_argument("--no-fsync", action="store_true")
    parser.add_argument("--secure", action="store_true", help="TCP by TLS and a password only")
    parser.add_argument("--setting", action="append", default=[], help="name = 'value'")
    options = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for the test; the end of the input is for us
    server = Server(options)
    try:
        server.create(options)
        print(json.dumps(server.described()), flush=True)
        for line in sys.stdin:
            server.obey(line.strip())
    finally:
        server.remove()


if __name__ == "__main__":
    main()
