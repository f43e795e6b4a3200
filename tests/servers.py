"""Real servers for tests: mosquitto, InfluxDB 1.6 and VictoriaMetrics of Debian, on loopback, their data in a folder.

A server keeps its port and its data over `stop`, `kill9` and `start`, so a test can take it away and bring it back.
Readiness is seen by talking to it. The fixtures in `conftest.py` start and stop them and show their logs on failure.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

START_DEADLINE_S = 30.0
STOP_DEADLINE_S = 20.0
LOG_TAIL = 20_000


class Missing(Exception):
    """A program that a test needs is not installed; the message names the Debian package."""


def program(name: str, package: str) -> str:
    """Path of a program, looked for where Debian puts daemons too. Raises `Missing`."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        raise Missing(f"{name} is not installed (Debian package {package})")
    return found


def free_port() -> int:
    """A loopback port that nothing listens on.

    Taken from below the range of outgoing connections: while a server is down, a client that keeps dialling its
    port could otherwise be given that very port as its own and connect to itself.
    """
    for _ in range(200):
        port = random.SystemRandom().randrange(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port between 15000 and 32000")


class Server:
    """A server process: `command` and `ready` are what differ."""

    name = "server"

    def __init__(self, folder: Path, port: int | None) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.host = "127.0.0.1"
        self.log_file = folder / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Program and arguments; called at each start."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Whether it answers; may raise OSError while it does not."""
        with socket.create_connection((self.host, self.port), timeout=1):
            return True

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} is not started"
        return self._process.pid

    def start(self) -> Self:
        """Start on the same port and data as before and wait until it answers. Raises RuntimeError with its log."""
        assert not self.running, f"{self.name} runs already"
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(  # its own session: Ctrl-C on pytest leaves the stopping to the fixture
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                if self.ready():
                    return self
            except OSError:
                pass
            time.sleep(0.01)
        state = "ended" if self._process.poll() is not None else "does not answer"
        self.kill9()
        raise RuntimeError(f"{self.name} {state} at start on port {self.port}:\n{self.log()}")

    def stop(self) -> None:
        """Ask it to end and wait; it saves what it means to save."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill9()

    def kill9(self) -> None:
        """End it without warning, as a power cut does."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait(STOP_DEADLINE_S)

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers. `resume` thaws it."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> Self:
        """`stop` and `start`."""
        self.stop()
        return self.start()

    def log(self) -> str:
        """The end of what it has written so far."""
        try:
            return self.log_file.read_text("utf-8", "replace")[-LOG_TAIL:]
        except FileNotFoundError:
            return ""

    def close(self) -> None:
        """End it for good; a frozen one too."""
        if self.running:
            self.resume()
        self.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class Certificates:
    """An authority, a server certificate for 127.0.0.1 and localhost, and a client certificate."""

    ca_file: Path
    server_cert_file: Path
    server_key_file: Path
    client_cert_file: Path
    client_key_file: Path

    def context(self) -> ssl.SSLContext:
        """A client's TLS context that trusts the authority and shows the client certificate."""
        context = ssl.create_default_context(cafile=self.ca_file)
        context.load_cert_chain(self.client_cert_file, self.client_key_file)
        return context


def make_certificates(folder: Path) -> Certificates:
    """Make an authority and certificates signed by it with the openssl program. Raises `Missing`."""
    openssl = program("openssl", "openssl")
    folder.mkdir(parents=True, exist_ok=True)

    def run(*arguments: str) -> None:
        done = subprocess.run([openssl, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
    ca, ca_key = folder / "ca.crt", folder / "ca.key"
    run("req", "-x509", *new_key, "-days", "2", "-subj", "/CN=test authority", "-keyout", f"{ca_key}", "-out", f"{ca}")
    for who, names, usage in (
        ("server", "DNS:localhost,IP:127.0.0.1", "serverAuth"),
        ("client", "DNS:client", "clientAuth"),
    ):
        key, request, cert = folder / f"{who}.key", folder / f"{who}.csr", folder / f"{who}.crt"
        extensions = folder / f"{who}.ext"
        extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n")
        run("req", "-new", *new_key, "-subj", f"/CN={who}", "-keyout", f"{key}", "-out", f"{request}")
        signing = ("-CA", f"{ca}", "-CAkey", f"{ca_key}", "-CAcreateserial", "-days", "2", "-extfile", f"{extensions}")
        run("x509", "-req", "-in", f"{request}", *signing, "-out", f"{cert}")
    return Certificates(ca, folder / "server.crt", folder / "server.key", folder / "client.crt", folder / "client.key")


class Mosquitto(Server):
    """The broker, by default set up as `deploy/mosquitto/mosquitto.conf` is: a crash costs next to nothing.

    `options` are further lines of its configuration; they stand last and win.
    """

    name = "mosquitto"

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        persistence: bool = True,
        autosave_changes: int | None = 100,
        max_inflight_messages: int = 0,
        max_queued_messages: int = 1_000_000,
        tls: Certificates | None = None,
        require_client_certificate: bool = False,
        users: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """Write the configuration; nothing runs yet.

        `autosave_changes`: save after so many changes of its queues; None leaves the broker's default of 30 minutes.
        `max_inflight_messages`: 0 is no bound of the broker's own. `users`: name to password, and nobody else.
        """
        super().__init__(folder, port)
        self.program = program("mosquitto", "mosquitto")
        self.tls = tls
        self.url = f"{'mqtts' if tls else 'mqtt'}://{self.host}:{self.port}"
        lines = [
            f"listener {self.port} {self.host}",
            "user root",  # only heeded when started as root; else it could not write to the test's folder
            f"max_inflight_messages {max_inflight_messages}",
            f"max_queued_messages {max_queued_messages}",
            "max_queued_bytes 0",
            "set_tcp_nodelay true",
            "sys_interval 1",
            f"persistence {'true' if persistence else 'false'}",
            f"persistence_location {folder}/",
        ]
        if autosave_changes is not None:
            lines += ["autosave_on_changes true", f"autosave_interval {autosave_changes}"]
        if users is None:
            lines.append("allow_anonymous true")
        else:
            lines += ["allow_anonymous false", f"password_file {self._write_passwords(users)}"]
        if tls is not None:
            lines += [
                f"cafile {tls.ca_file}",
                f"certfile {tls.server_cert_file}",
                f"keyfile {tls.server_key_file}",
                f"require_certificate {'true' if require_client_certificate else 'false'}",
            ]
        self.config_file = folder / "mosquitto.conf"
        self.config_file.write_text("\n".join([*lines, *options]) + "\n", "utf-8")

    def _write_passwords(self, users: Mapping[str, str]) -> Path:
        file = self.folder / "passwords"
        file.write_text("".join(f"{name}:{password}\n" for name, password in users.items()), "utf-8")
        file.chmod(0o600)
        subprocess.run([program("mosquitto_passwd", "mosquitto"), "-U", file], check=True, capture_output=True)
        return file

    def command(self) -> list[str]:
        return [self.program, "-c", str(self.config_file)]


class StartMosquitto(Protocol):
    """Starts a broker with the keyword arguments of `servers.Mosquitto`; it is ended after the test."""

    def __call__(self, **options: object) -> Mosquitto: ...


class _HttpServer(Server):
    """A server whose readiness is one path that answers 2xx."""

    ready_path = "/"

    def __init__(self, folder: Path, port: int | None) -> None:
        super().__init__(folder, port)
        self.url = f"http://{self.host}:{self.port}"

    def request(self, path: str, body: bytes | None = None) -> bytes:
        """GET, or POST with a body. Raises urllib.error.URLError (an OSError), HTTPError for 4xx and 5xx."""
        request = urllib.request.Request(self.url + path, data=body)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read()

    def ready(self) -> bool:
        try:
            self.request(self.ready_path)
        except urllib.error.HTTPError:
            return False
        return True


class Influxd(_HttpServer):
    """InfluxDB 1.6: HTTP API without authentication, databases made by `create_database`."""

    name = "influxd"
    ready_path = "/ping"

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        super().__init__(folder, port)
        self.program = program("influxd", "influxdb")
        self.config_file = folder / "influxdb.conf"
        self.config_file.write_text(
            f"""
reporting-disabled = true
bind-address = "127.0.0.1:{free_port()}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
[http]
bind-address = "{self.host}:{self.port}"
log-enabled = false
[monitor]
store-enabled = false
[continuous_queries]
enabled = false
""",
            "utf-8",
        )

    def command(self) -> list[str]:
        return [self.program, "run", "-config", str(self.config_file)]

    def create_database(self, name: str = "pollution") -> str:
        """Make a database and return its name."""
        self.request("/query", f"q=CREATE+DATABASE+{name}".encode())
        return name


class VictoriaMetrics(_HttpServer):
    """VictoriaMetrics: takes `/api/v2/write` and `/write`; `flush` makes what was written visible to queries."""

    name = "victoria-metrics"
    ready_path = "/health"

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        super().__init__(folder, port)
        self.program = program("victoria-metrics", "victoria-metrics")

    def command(self) -> list[str]:
        return [
            self.program,
            f"-httpListenAddr={self.host}:{self.port}",
            f"-storageDataPath={self.folder}/data",
            "-retentionPeriod=100y",  # tests write times of years ago, which a shorter one would drop
            "-search.latencyOffset=0s",
            "-memory.allowedBytes=128MiB",
        ]

    def flush(self) -> None:
        """Make everything written so far visible to queries."""
        self.request("/internal/force_flush")
