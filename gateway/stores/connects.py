"""How often a pool of HTTP connections has connected: more than once means that the server was away in between."""

from __future__ import annotations

from typing import Any, cast

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection


class Connects:
    """Counts the connections that a pool manager makes from now on; urllib3 counts them only where they are new."""

    def __init__(self, pools: urllib3.PoolManager) -> None:
        self.made = 0
        """Connections made so far, those made again in place of a broken one too."""
        count = self._count

        class Counted(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                count()

        class CountedSecure(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                count()

        class Pool(urllib3.HTTPConnectionPool):
            ConnectionCls = cast(Any, Counted)

        class SecurePool(urllib3.HTTPSConnectionPool):
            ConnectionCls = cast(Any, CountedSecure)

        pools.pool_classes_by_scheme = cast(Any, {"http": Pool, "https": SecurePool})

    def _count(self) -> None:
        self.made += 1
