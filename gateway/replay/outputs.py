"""What a replay writes: alerts, detections and dead letters as JSON lines, readings as CSV, and a summary."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import duckdb
import msgspec

from gateway.alerts.feeds import alert_payload, detection_payload, iso_time
from gateway.alerts.ledger_reader import LedgerReader
from gateway.alerts.records import Detection, Transition
from gateway.errors import GatewayError

PAGE: Final = 1_000
_READINGS: Final = """
    copy (
        select * replace (strftime(time, $iso) as time, strftime(received, $iso) as received) from readings
        order by received, site, device, time, period, factor, field
    ) to $file (format csv, header)
"""
_ISO: Final = "%Y-%m-%dT%H:%M:%S.%gZ"


class Outputs:
    """The files of one replay, in a folder of its own; those of an earlier one there are written over."""

    def __init__(self, folder: Path) -> None:
        """Raises `GatewayError` where the folder cannot be written."""
        self.folder = folder
        self._files = ExitStack()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "summary.json").unlink(missing_ok=True)  # it comes last: with it the replay was whole
            self._alerts = self._files.enter_context((folder / "alerts.jsonl").open("wb"))
            self._detections = self._files.enter_context((folder / "detections.jsonl").open("wb"))
        except OSError as error:
            self._files.close()
            raise GatewayError(f"{error.filename}: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def steps(self, steps: Sequence[Transition]) -> None:
        """Steps of alerts, as they are published."""
        self._alerts.writelines(alert_payload(step) + b"\n" for step in steps)

    def detection(self, detection: Detection) -> None:
        """What was seen in a frame, as it is published."""
        self._detections.write(detection_payload(detection) + b"\n")

    def dead_letters(self, ledger: LedgerReader) -> None:
        """Those that the ledger kept, oldest first, with the keys that `gateway deadletters` has."""
        with (self.folder / "dead_letters.jsonl").open("wb") as file:
            file.writelines(msgspec.json.encode(letter) + b"\n" for letter in _letters(ledger))

    def readings(self, store: Path) -> None:
        """The view `readings` of a DuckDB store that nobody has open, in the order in which they were received."""
        with duckdb.connect(store, read_only=True) as connection:
            connection.execute(_READINGS, {"iso": _ISO, "file": str(self.folder / "readings.csv")})

    def summary(self, summary: Mapping[str, object]) -> None:
        """The figures; written when all else is."""
        text = msgspec.json.format(msgspec.json.encode(summary), indent=2)
        (self.folder / "summary.json").write_bytes(text + b"\n")


def _letters(ledger: LedgerReader) -> Iterator[dict[str, object]]:
    ids: list[int] = []
    while page := ledger.dead_letters(limit=PAGE, before=ids[-1] if ids else None):  # newest first
        ids += [kept.id for kept in page]
    for id in reversed(ids):
        kept = ledger.dead_letter(id)
        if kept is not None:
            letter = kept.letter
            yield {
                "position": letter.position,
                "received": iso_time(letter.received),
                "topic": letter.topic,
                "reason": letter.reason,
                "detail": letter.detail,
                "payload": base64.b64encode(letter.payload).decode(),
            }
