"""`gateway decode`: a stream of frames in; what they say out, one JSON object a frame, or told in words."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from enum import StrEnum
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import typer

from gateway.commands.decode_objects import Settings, object_of
from gateway.commands.decode_stream import Piece, Pieces
from gateway.config import environment
from gateway.errors import ConfigError
from gateway.hj212.cut import Cut
from gateway.hj212.editions import Edition
from gateway.hj212.keys import KeyRing
from gateway.keys_file import load_keys

READ: Final = 64 * 1024
"""Bytes asked for at once; what is there is taken, so that a slow sender's frames come out as they come in."""


class CodecName(StrEnum):
    AUTO = "auto"
    JSON = "json"
    HJ212 = "hj212"


class Language(StrEnum):
    EN = "en"
    ZH = "zh"


def command(
    file: Annotated[
        Path | None,
        typer.Argument(help="File of frames; - or nothing: standard input.", show_default=False),
    ] = None,
    codec: Annotated[
        CodecName, typer.Option(help="auto: HJ 212 frames wherever they are, and lines of JSON.")
    ] = CodecName.AUTO,
    zone: Annotated[str, typer.Option(help="Time zone of stamps that carry none.")] = "Asia/Shanghai",
    edition: Annotated[
        Edition | None, typer.Option(help="Edition of HJ 212; without it, recognised frame by frame.")
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(help="TOML with SM4 keys and passwords by MN; those of the environment are known too."),
    ] = None,
    accept_bad_crc: Annotated[bool, typer.Option("--accept-bad-crc", help="Read HJ 212 frames whose CRC is wrong.")] = (
        False
    ),
    explain: Annotated[bool, typer.Option("--explain", help="Tell HJ 212 frames field by field, for a person.")] = (
        False
    ),
    lang: Annotated[Language, typer.Option(help="Language of --explain.")] = Language.EN,
) -> None:
    """Decode a stream to one JSON object a frame. What is none becomes {"error", "reason"}; exit status 0."""
    settings = Settings(_zone(zone), accept_bad_crc, edition or "", _keys(keys))
    from_file = file if file is not None and str(file) != "-" else None
    try:
        source = from_file.open("rb") if from_file else nullcontext(cast("BufferedReader", sys.stdin.buffer))
    except OSError as error:
        raise typer.BadParameter(str(error), param_hint="FILE") from None
    write = _explainer(settings, lang) if explain else _printer(settings)
    try:
        with source as stream:
            for piece in pieces_of(stream, codec):
                write(piece)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`head`, say) has had enough. What is still buffered must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def pieces_of(stream: BufferedReader, codec: CodecName) -> Iterator[Piece]:
    """The pieces of a stream as they come; what is printed of one read goes out before the next is waited for."""
    pieces = Pieces(codec.value)
    while data := stream.read1(READ):
        yield from pieces.feed(data)
        sys.stdout.flush()
    yield from pieces.finish()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise typer.BadParameter(f"no time zone {name!r}", param_hint="--zone") from None


def _keys(file: Path | None) -> KeyRing:
    try:
        return load_keys(file, environment())
    except ConfigError as error:
        raise typer.BadParameter(f"\n{error}", param_hint="--keys") from None


def _printer(settings: Settings) -> Callable[[Piece], None]:
    """Prints each piece as one line of JSON."""
    output = sys.stdout.buffer

    def write(piece: Piece) -> None:
        output.write(msgspec.json.encode(object_of(piece, settings)) + b"\n")

    return write


def _explainer(settings: Settings, language: Language) -> Callable[[Piece], None]:
    """Tells each HJ 212 frame in words; other pieces as objects. Frames that cannot be used are told all the same."""
    from rich.console import Console  # here, since it takes long to import and most calls need none of it

    from gateway.commands.decode_explain import plain_lines, show
    from gateway.hj212.explain import explain
    from gateway.hj212.reader import parse_frame

    console = Console() if sys.stdout.isatty() else None
    as_object = _printer(settings)

    def write(piece: Piece) -> None:
        if not isinstance(piece, Cut):
            as_object(piece)
            return
        parsed = parse_frame(piece, edition=settings.edition, keys=settings.keys, zone=settings.zone)
        sections = explain(piece, parsed, settings.zone, language.value)
        if console:
            show(sections, console)
            console.print()
        else:
            text = "\n".join(plain_lines(sections))
            sys.stdout.buffer.write(f"{text}\n\n".encode("utf-8", "backslashreplace"))

    return write
