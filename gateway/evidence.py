"""Evidence: pictures kept under the SHA-256 of their bytes, bounded, the oldest going first."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import Final

from gateway.errors import GatewayError

NAME: Final = re.compile(r"[0-9a-f]{64}")


class Evidence:
    """A folder of JPEG files: `<folder>/ab/cd/abcd….jpg`, named by hash, so the same picture is kept once.

    A picture is whole or not there: it is written beside its place, synced and renamed. All calls block on the disk:
    keep them off the event loop. Raises `GatewayError` when the folder cannot be used.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        assert max_bytes > 0
        self.folder = folder
        self.max_bytes = max_bytes
        self.bytes = 0
        """Bytes kept now."""
        self.removed = 0
        """Pictures that went to make room, since the start."""
        self._sizes: OrderedDict[str, int] = OrderedDict()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._find()
        except OSError as error:
            raise GatewayError(f"evidence folder {folder}: {error.strerror}; check its place and rights") from error

    def __len__(self) -> int:
        return len(self._sizes)

    def keep(self, jpeg: bytes) -> str:
        """Keep a picture and return its hash. On return it is on the disk. Raises `GatewayError` where it cannot be."""
        sha = hashlib.sha256(jpeg).hexdigest()
        if sha in self._sizes:
            self._sizes.move_to_end(sha)
            return sha
        try:
            self._write(sha, jpeg)
        except OSError as error:
            raise GatewayError(f"evidence folder {self.folder}: {error.strerror}; make room or check rights") from error
        self._sizes[sha] = len(jpeg)
        self.bytes += len(jpeg)
        while self.bytes > self.max_bytes and len(self._sizes) > 1:
            old, size = self._sizes.popitem(last=False)
            self._place(old).unlink(missing_ok=True)
            self.bytes -= size
            self.removed += 1
        return sha

    def path(self, sha: str) -> Path | None:
        """Where a picture is; None where it is not kept (any more) or `sha` is no hash."""
        if not NAME.fullmatch(sha):
            return None
        place = self._place(sha)
        return place if place.is_file() else None

    def _place(self, sha: str) -> Path:
        return self.folder / sha[:2] / sha[2:4] / f"{sha}.jpg"

    def _write(self, sha: str, jpeg: bytes) -> None:
        place = self._place(sha)
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix="new-", delete=False) as file:
            try:
                file.write(jpeg)
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).replace(place)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        for folder in (place.parent, place.parent.parent, self.folder):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def _find(self) -> None:
        """Take stock of what an earlier run left, oldest first; what it did not finish goes."""
        for rest in self.folder.glob("new-*"):
            rest.unlink()
        found = [
            (place.stat().st_mtime_ns, place.stem, place.stat().st_size) for place in self.folder.glob("??/??/*.jpg")
        ]
        for _, sha, size in sorted(found):
            self._sizes[sha] = size
            self.bytes += size
