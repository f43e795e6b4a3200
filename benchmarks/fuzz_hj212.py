"""Fuzzing of all that reads HJ 212 from outside: no exception, no hang, no growing memory, same pieces in any reads.

    python benchmarks/fuzz_hj212.py [--cases 1000000] [--seed 1] [--json FILE]
    python benchmarks/fuzz_hj212.py --atheris [-runs=1000000]     (pip install atheris)

A case is a string of bytes: mutations of field frames and of frames of every edition, half of them with length and
CRC set right again so that they reach the depths. It goes through the stream cutter (whole and in random reads, which
must give the same), `parse_frame` with keys, the words of `--explain`, the codec in blocks of 100, and the pieces and
objects of `gateway decode` in both languages of a mixed stream. The figure: cases, the longest time of one, and how
far memory grew after the first tenth. A failing case is printed with its seed and number, and the status is 1; a case
that does not end in five minutes ends the run with a trace.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import msgspec  # noqa: E402

from gateway.channels import Channels  # noqa: E402
from gateway.codecs.auto import Auto  # noqa: E402
from gateway.codecs.seam import CodecSettings, Sink  # noqa: E402
from gateway.commands.decode_explain import plain_lines  # noqa: E402
from gateway.commands.decode_objects import Settings, object_of  # noqa: E402
from gateway.commands.decode_stream import LONGEST_LINE, Pieces  # noqa: E402
from gateway.config import Decode, outside_data  # noqa: E402
from gateway.hj212.crc import crc16  # noqa: E402
from gateway.hj212.cut import Cut, Stray  # noqa: E402
from gateway.hj212.explain import explain  # noqa: E402
from gateway.hj212.keys import DeviceSecrets, KeyRing  # noqa: E402
from gateway.hj212.reader import parse_frame  # noqa: E402
from gateway.hj212.sm4 import seal_segment  # noqa: E402
from gateway.hj212.stream import LONGEST_FRAME, LONGEST_STRAY, StreamCutter, cut  # noqa: E402
from gateway.inventory_file import read_inventory  # noqa: E402
from gateway.records import Block  # noqa: E402

MN: Final = "010000A8900016F000169DC0"
KEY: Final = b"0" * 16
KEYS: Final = KeyRing({MN: DeviceSecrets("123456", ((0, KEY), (1_767_196_800_000, b"1" * 16)))})
ZONE: Final = ZoneInfo("Asia/Shanghai")
HANG_S: Final = 300
BLOCK: Final = 100
EDITIONS: Final = ("", "2005", "2017", "2025")

_HEAD: Final = f"QN=20260520210700000;ST=31;CN=%d;PW=123456;MN={MN};Flag=%d;"
_SEGMENTS: Final = tuple(
    text.encode()
    for text in (
        _HEAD % (2051, 9) + "CP=&&DataTime=20260520210600;a01011-Min=1.35,a01011-Avg=1.35,a01011-Flag=N&&",
        _HEAD % (2011, 5) + "CP=&&DataTime=20260520210600;a21026-Rtd=35.2,a21026-Flag=D;a34013-ZsRtd=1.2&&",
        _HEAD % (2061, 7) + "PNUM=3;PNO=2;CP=&&DataTime=20260520210000;w01018-SampleTime=20260520200000,w01018-Avg=3&&",
        "ST=32;CN=2011;PW=123456;MN=LD130133000015;CP=&&DataTime=20260824003817;B01-Rtd=36.91;011-Rtd=231.0&&",
        _HEAD % (3020, 5) + "CP=&&DataTime=20260520210600;PolId=w01018;i12001-Info=//log; a=b, c//,i12001-SN=7&&",
        _HEAD % (2021, 4) + "CP=&&DataTime=20260520210600;SB1-RS=1;SB2-RS=0&&",
        "ST=91;CN=9012;PW=123456;MN=A;Flag=0;CP=&&QN=20260520210700000;ExeRtn=1&&",
        _HEAD % (9015, 9) + "CP=&&&&",
        _HEAD % (1014, 9) + "RF=1;CP=&&SKCreateTime=20260101000000;NewSK=0123456789abcdef&&",
    )
)
_JSON: Final = b'{"v":1,"time":"2026-03-01T12:00:00","device":"d","readings":{"a21026":35.2,"b-Max":{"value":null}}}\n'
_TOKENS: Final = (
    *(b"##", b"&&", b"CP=&&", b"&&CP=", b"\r\n", b"\r\r", b"\n", b"\0", b"//", b";", b",", b"=", b"-", b"#", b"{"),
    *(b"##0000", b"##9999", b"##0010", b"&&FFFF\r\n", b"{0xE4,", b"0x", b"-Flag=", b"-Rtd=", b"-Info=//", b"-EFlag=Z"),
    *(b"1e999", b"-1e-400", b"9" * 400, b"0" * 20, b"NaN", b"St", b"DataTime=99999999999999", b"DataTime=2026023008"),
    *(b"Flag=255;", b"Flag=999", b"PNUM=0;PNO=0;", b"PNUM=9999;PNO=1;", b"RF=1;", b"MN=;", b"CN=2011;", b"PolId="),
    *("水质；，".encode(), "水质".encode("gb18030"), b"\xff\xfe", b"\xed\xa0\x80", b"\x81\x30\x81\x30", b"\x1b[2J"),
)  # fmt: skip


def framed(segment: bytes, crc: int) -> bytes:
    return b"##%04d%b%04X\r\n" % (len(segment) % 10_000, segment, crc)


def seeds() -> list[bytes]:
    """Frames of every edition and kind, encrypted ones, JSON, and those of the field where the outside data are."""
    found = [framed(segment, crc16(segment)) for segment in _SEGMENTS]
    found += [
        framed(seal_segment(segment, KEY, printed=printed), crc16(segment))
        for segment in _SEGMENTS[:3]
        for printed in (False, True)
    ]
    found.append(_JSON)
    vectors = outside_data() / "domain" / "hj212_vectors.jsonl"
    if vectors.exists():
        found += [json.loads(line)["frame"].encode() + b"\r\n" for line in vectors.read_text().splitlines()]
    return found


def mutated(random: Random, pool: list[bytes]) -> bytes:
    """One case."""
    data = bytearray(random.choice(pool))
    for _ in range(random.choice((0, 1, 1, 2, 3, 5, 8))):
        at, to = sorted((random.randrange(len(data) + 1), random.randrange(len(data) + 1)))
        match random.randrange(8):
            case 0 if data:
                data[min(at, len(data) - 1)] = random.randrange(256)
            case 1:
                del data[at : min(to, at + 20)]
            case 2:
                data[at:at] = random.choice(_TOKENS)
            case 3:
                data[at : min(to, at + 8)] = random.choice(_TOKENS)
            case 4:
                data[to:to] = data[at:to][:200]
            case 5:
                other = random.choice(pool)
                data[at:] = other[random.randrange(len(other)) :]
            case 6:
                data[at:at] = random.randbytes(random.randrange(40))
            case _:
                data += random.choice(pool)
        del data[3 * LONGEST_FRAME :]
    if random.random() < 0.5 and data.startswith(b"##"):
        end = data.rfind(b"&&") + 2
        segment = bytes(data[6 : max(end, 6)])
        plain = segment
        if random.random() < 0.2:
            segment = seal_segment(plain, KEY, printed=random.random() < 0.3)
        return framed(segment, crc16(plain)) + bytes(data[end + 6 : end + 60] if random.random() < 0.1 else b"")
    return bytes(data)


def reads(data: bytes, random: Random) -> Iterator[bytes]:
    """The same bytes in up to six reads."""
    places = sorted(random.randrange(len(data) + 1) for _ in range(random.randrange(6)))
    for start, end in pairwise((0, *places, len(data))):
        yield data[start:end]


class Target:
    """All readers. Raises for what none of them may do."""

    def __init__(self) -> None:
        raw: dict[str, Any] = {
            "sites": [{"id": "s", "latitude": 33.0, "longitude": 112.0}],
            "devices": [
                {"id": "d", "site": "s", "kind": "stack", "interval_s": 1, "mn": MN},
                {"id": "e", "site": "s", "kind": "pond", "interval_s": 1, "mn": "LD130133000015"},
            ],
        }
        inventory, mistakes, _ = read_inventory(raw)
        assert inventory is not None, mistakes
        settings = CodecSettings(Decode(unknown_devices="accept"), keys=KEYS)
        self._codec = Auto(inventory, Channels(inventory, 5_000), settings)
        self._block: list[bytes] = []
        self._settings = [Settings(ZONE, True, edition, KEYS) for edition in EDITIONS]
        self.frames = 0

    def one(self, case: bytes, random: Random) -> None:
        edition = random.randrange(len(EDITIONS))
        found = self._cut(case, random)
        for piece in found:
            if isinstance(piece, Cut):
                self.frames += 1
                parsed = parse_frame(piece, edition=EDITIONS[edition], keys=KEYS, zone=ZONE)
                "\n".join(plain_lines(explain(piece, parsed, ZONE, "zh" if edition else "en"))).encode()
        pieces = Pieces("auto")
        for read in reads(case, random):
            for piece in pieces.feed(read):
                msgspec.json.encode(object_of(piece, self._settings[edition]))
            assert pieces.held <= LONGEST_LINE + LONGEST_FRAME
        for piece in pieces.finish():
            msgspec.json.encode(object_of(piece, self._settings[edition]))
        self._block.append(case)
        if len(self._block) == BLOCK:
            self.decode_block()

    def _cut(self, case: bytes, random: Random) -> list[Cut | Stray]:
        whole = cut(case)
        cutter = StreamCutter()
        found: list[Cut | Stray] = []
        for read in reads(case, random):
            found += cutter.feed(read)
            assert cutter.held <= LONGEST_FRAME + LONGEST_STRAY
        found += cutter.finish()
        assert [piece.raw.rstrip(b"\r\n") for piece in found] == [piece.raw.rstrip(b"\r\n") for piece in whole]
        return whole

    def decode_block(self) -> None:
        """Every message of the block ends as readings, as a sign of life, or buried."""
        payloads, self._block = self._block, []
        sink = Sink(Block(0, 1_767_225_600_000, "fuzz", ["t"] * len(payloads), payloads))
        self._codec.decode(range(len(payloads)), [n % 2 for n in range(len(payloads))], sink)
        settled = {*sink.rows, *(letter.position for letter in sink.dead)}
        assert len(settled) + sink.alive_only == len(payloads)
        readings = sink.readings()
        assert len(readings.channel) == len(readings.time) == len(readings.value) == len(readings.flag)


def generated(cases: int, seed: int) -> dict[str, float | int]:
    """Run so many cases; the figures. A failing case ends it with an exception that names it."""
    pool, target, random = seeds(), Target(), Random(seed)
    slowest, began = 0.0, time.perf_counter()
    after_warming = 0
    case = b""
    for number in range(cases):
        if number % 1_000 == 0:
            faulthandler.dump_traceback_later(HANG_S, exit=True)
            if number == cases // 10:
                after_warming = _peak_kib()
        case = mutated(random, pool)
        start = time.process_time()
        try:
            target.one(case, random)
        except Exception as error:
            error.add_note(f"case {number} of seed {seed}: {case!r}")
            raise
        slowest = max(slowest, time.process_time() - start)
    faulthandler.cancel_dump_traceback_later()
    return {
        "cases": cases,
        "frames": target.frames,
        "failures": 0,
        "slowest_case_ms": round(slowest * 1000, 2),
        "peak_mib": round(_peak_kib() / 1024, 1),
        "grown_kib": _peak_kib() - after_warming,
        "seconds": round(time.perf_counter() - began, 1),
    }


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def with_atheris(arguments: list[str]) -> None:
    """Let coverage steer the mutations, where atheris is installed."""
    import atheris  # pyright: ignore[reportMissingImports]

    target = Target()

    def one(data: bytes) -> None:
        target.one(data, Random(len(data)))

    corpus = Path(tempfile.mkdtemp(prefix="fuzz_hj212_"))
    for number, seed in enumerate(seeds()):
        (corpus / str(number)).write_bytes(seed)
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], "-max_len=4096", *arguments, str(corpus)], one)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--atheris", action="store_true")
    options, rest = parser.parse_known_args()
    if options.atheris:
        with_atheris(rest)
        return
    figures = generated(options.cases, options.seed)
    for name, value in figures.items():
        print(f"{name:<16} {value}")
    if options.json:
        options.json.write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
