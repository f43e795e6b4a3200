"""Makes the secret files of compose.yaml: `python3 deploy/make_secrets.py FOLDER`. Needs nothing but Python.

Existing files stay as they are. The folder is closed to others; the files in it are readable, because the containers
read them under users of their own.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

HASH_ROUNDS = 101
"""As mosquitto_passwd 2.0 does by default. The passwords made here are random: rounds add nothing to them."""

BROKER_USERS = ("gateway", "monitors")
"""The gateway reads; monitors and cameras publish."""


def password() -> str:
    """192 random bits."""
    return secrets.token_urlsafe(24)


def broker_line(user: str, word: str) -> str:
    """A line of mosquitto's password file: PBKDF2 with HMAC-SHA-512, format 7."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", word.encode(), salt, HASH_ROUNDS)
    return f"{user}:$7${HASH_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n"


def make(folder: Path) -> list[Path]:
    """Make the files that are not there yet, and return them."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    words: Mapping[str, Callable[[], str]] = {
        **{f"mosquitto_{user}_password": password for user in BROKER_USERS},
        "influxdb_admin_password": password,
        "influxdb_token": password,
        "grafana_admin_password": password,
    }
    made: list[Path] = []
    for name, word in words.items():
        if not (folder / name).exists():
            made.append(_write(folder / name, word()))
    passwords = folder / "mosquitto_passwords"
    if not passwords.exists():
        of_user = {user: (folder / f"mosquitto_{user}_password").read_text().strip() for user in BROKER_USERS}
        made.append(_write(passwords, "".join(broker_line(user, word) for user, word in of_user.items())))
    return made


def _write(file: Path, text: str) -> Path:
    file.write_text(text)
    file.chmod(0o644)
    return file


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    for each in make(Path(sys.argv[1])):
        sys.stdout.write(f"made {each}\n")
