"""The tables of the DuckDB store, as `docs/storage.md` documents them.

`points` has no index: at 3,000 rows a commit a primary key halves the speed and takes seven times the space.
Identity (channel, time) is kept by `gateway.stores.instants` before a row gets here. Both times are milliseconds
UTC; a column of them takes the same space as a BIGINT, and a condition on time skips whole row groups.
"""

from __future__ import annotations

from typing import Final

import duckdb
import numpy as np

from gateway.flags import PROCESS_MARKS, UNKNOWN, flag_text
from gateway.stores.duckdb_sql import HISTORY, READINGS

_TABLES: Final = (
    """create table channels (
        id integer not null, site varchar not null, device varchar not null, factor varchar not null,
        field varchar not null, period varchar not null, unit varchar not null)""",
    """create table points (
        channel integer not null, time timestamp_ms not null, value double, flag utinyint not null,
        received timestamp_ms not null, position bigint not null)""",
    "create table journal_position (position bigint not null)",
    "create table flags (code utinyint not null, text varchar not null)",
    "insert into journal_position values (0)",
    "insert into flags select * from known_flags",
)
"""The first form of the file."""
_REVISED: Final = (
    "alter table points add column mark utinyint default 0",
    """create table revisions (
        channel integer not null, time timestamp_ms not null, number integer not null, value double,
        flag utinyint not null, received timestamp_ms not null, position bigint not null,
        mark utinyint not null default 0)""",
)
"""What the second form adds: how each reading came, and later values for instants that were stored before."""


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables in a new file, or add what a file of an earlier form has not: all or nothing."""
    tables = {str(name) for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
    if "revisions" in tables:
        return
    connection.begin()
    if "points" not in tables:
        codes = [code for code in range(128) if chr(code).isalnum()] + [*PROCESS_MARKS.values(), UNKNOWN]
        texts = np.array([flag_text(code) for code in codes], object)
        connection.register("known_flags", {"code": np.array(codes), "text": texts})
        for statement in _TABLES:
            connection.execute(statement)
    for statement in (*_REVISED, READINGS, HISTORY):
        connection.execute(statement)
    connection.commit()
    if "points" not in tables:
        connection.unregister("known_flags")
