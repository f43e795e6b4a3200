"""HJ 212 itself: frames, editions, commands, codes, encryption, and what a frame does against the standard.

Knows no inventory, no clock, no socket and no store: bytes in, records out. Written from HJ 212-2017 and what public
implementations tell of 2005 and 2025; `docs/hj212.md` says which fact stands on what.
"""
