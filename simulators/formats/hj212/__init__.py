"""HJ 212 of all editions: `writer` makes data messages, `frame` the envelope with its CRC, `sm4` encrypts (2025)."""

from simulators.formats.hj212.editions import Edition
from simulators.formats.hj212.frame import crc16, enclose
from simulators.formats.hj212.writer import Writer

__all__ = ["Edition", "Writer", "crc16", "enclose"]
