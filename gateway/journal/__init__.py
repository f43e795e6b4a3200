"""The journal: every message, durable before it is acknowledged. All else reads it.

`format` is the block on disk, `segments` the files, `journal` appends and syncs, `reader` goes through the blocks
from a position, `verify` checks a folder without touching it.
"""
