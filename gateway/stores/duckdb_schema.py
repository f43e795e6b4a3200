"""The tables of the DuckDB store, as `docs/storage.md` documents them.

`points` has no index: at 3,000 rows a commit a primary key halves the speed and takes seven times the space.
Identity (channel, time) is kept by `gateway.stores.identity` before a row gets here. Both times are milliseconds
UTC; a column of them takes the same space as a BIGINT, and a condition on time skips whole row groups.
"""

from __future__ import annotations

from typing import Final

import duckdb
import numpy as np

from gateway.flags import PROCESS_MARKS, UNKNOWN, flag_text

_TABLES: Final = (
    """create table channels (
        id integer not null, site varchar not null, device varchar not null, factor varchar not null,
        field varchar not null, period varchar not null, unit varchar not null)""",
    """create table points (
        channel integer not null, time timestamp_ms not null, value double, flag utinyint not null,
        received timestamp_ms not null, position bigint not null)""",
    "create table journal_position (position bigint not null)",
    "create table flags (code utinyint not null, text varchar not null)",
    """create view readings as
        select site, device, factor, field, period, unit, time::timestamp as time, value,
            coalesce(flags.text, '?') as flag, received::timestamp as received
        from points join channels on channels.id = points.channel left join flags on flags.code = points.flag""",
    "insert into journal_position values (0)",
    "insert into flags select * from known_flags",
)


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables in a new file, all or none; does nothing where they are."""
    try:
        connection.execute("select position from journal_position")
    except duckdb.CatalogException:
        pass
    else:
        return
    codes = [code for code in range(128) if chr(code).isalnum()] + [*PROCESS_MARKS.values(), UNKNOWN]
    texts = np.array([flag_text(code) for code in codes], object)
    connection.begin()
    connection.register("known_flags", {"code": np.array(codes), "text": texts})
    for statement in _TABLES:
        connection.execute(statement)
    connection.commit()
    connection.unregister("known_flags")
