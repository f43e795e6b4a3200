"""The address of a broker and who logs in there."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from simulators.errors import BrokerError


@dataclass(frozen=True, slots=True)
class Broker:
    """Where to publish, as whom."""

    host: str
    port: int
    secure: bool = False
    username: str | None = None
    password: str | None = None

    @classmethod
    def of(cls, url: str, username: str | None = None, password: str | None = None) -> Broker:
        """From `mqtt://host[:port]` or `mqtts://host[:port]`. Raises `BrokerError` for anything else."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError as error:
            raise BrokerError(f"{url}: {error}") from error
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise BrokerError(f"{url}: expected mqtt://host[:port] or mqtts://host[:port]")
        if parts.password:
            raise BrokerError("no password in the address: use --username and --password-file")
        secure = parts.scheme == "mqtts"
        return cls(parts.hostname, port or (8883 if secure else 1883), secure, username or parts.username, password)

    def __str__(self) -> str:
        return f"{'mqtts' if self.secure else 'mqtt'}://{self.host}:{self.port}"
