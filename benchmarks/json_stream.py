"""The stream that every reader of the ingest benchmark gets: JSON of five values, 200 bytes, encoded ahead."""

from __future__ import annotations

from random import Random

from simulators.fast_publisher import Encoded, encode_chunks

FACTORS = ("a21026", "a21002", "a34013", "a19001", "a01012")
SITE = "bench"
TOPIC = "pollution/+/+/data"
START = 1_767_225_600_000
"""ms UTC of the first reading."""


def topic(device: str) -> str:
    return f"pollution/{SITE}/{device}/data"


def payload(time_ms: int, values: list[float]) -> bytes:
    readings = ",".join(f'"{code}":{value}' for code, value in zip(FACTORS, values, strict=True))
    return f'{{"v":1,"time":{time_ms},"readings":{{{readings}}}}}'.ljust(200).encode()


def stream(count: int, devices: int, qos: int, start: int) -> list[Encoded]:
    """`count` messages, the devices `d0`, `d1`, ... in turn, a second apart, no value over its limit."""
    random = Random(7)
    shapes = [[round(random.uniform(10, 90), 3) for _ in FACTORS] for _ in range(997)]
    messages = (
        (topic(f"d{n % devices}"), payload(start + 1000 * (n // devices), shapes[n % 997])) for n in range(count)
    )
    return list(encode_chunks(messages, qos))  # pyright: ignore[reportArgumentType]


def after(start: int, count: int, devices: int) -> int:
    """The start of the next stream, so that no reading comes twice."""
    return start + 1000 * (count // devices + 1)
