"""The SQL of the DuckDB store: points as they stand after their revisions, and what is asked of them.

Texts are joined from parts of this file alone; what comes from outside is bound to `$1`, `$2` and so on.
"""

# ruff: noqa: S608

from __future__ import annotations

from typing import Final

from gateway.marks import BACKFILLED, CLOCK_BITS, CLOCKS, EARLY, LATE, OUT_OF_ORDER

PRESENT: Final = """
    select points.channel, points.time, coalesce(newest.number, 0) as revision,
        case when newest.number is null then points.value else newest.last.value end as value,
        coalesce(newest.last.flag, points.flag) as flag, coalesce(newest.last.received, points.received) as received,
        coalesce(newest.last.mark, points.mark) as mark
    from {points} points left join (
        select channel, time, max(number) as number,
            arg_max({{'value': value, 'flag': flag, 'received': received, 'mark': mark}}, number) as last
        from {revisions} group by channel, time
    ) newest on newest.channel = points.channel and newest.time = points.time
"""
"""Points as they stand after their newest revision; `points` and `revisions` are tables, or queries in brackets."""
_CLOCKS: Final = str(list(CLOCKS))
READINGS: Final = f"""
    create or replace view readings as
    select site, device, factor, field, period, unit, present.time::timestamp as time, value,
        coalesce(flags.text, '?') as flag, received::timestamp as received, revision,
        coalesce({_CLOCKS}[(mark & {CLOCK_BITS}) + 1], '?') as clock, (mark & {EARLY}) > 0 as early,
        (mark & {LATE}) > 0 as late, (mark & {OUT_OF_ORDER}) > 0 as out_of_order,
        (mark & {BACKFILLED}) > 0 as backfilled
    from ({PRESENT.format(points="points", revisions="revisions")}) present
    join channels on channels.id = present.channel left join flags on flags.code = present.flag
"""
HISTORY: Final = """
    create or replace view history as
    select site, device, factor, field, period, unit, said.time::timestamp as time, number as revision, value,
        coalesce(flags.text, '?') as flag, received::timestamp as received, position
    from (
        select points.channel, points.time, 0 as number, points.value, points.flag, points.received, points.position
        from points semi join revisions using (channel, time)
        union all by name select channel, time, number, value, flag, received, position from revisions
    ) said
    join channels on channels.id = said.channel left join flags on flags.code = said.flag
"""

_WANTED: Final = (
    "(select * from {table} where channel = $1 and time >= make_timestamp_ms($2) and time < make_timestamp_ms($3))"
)
QUERY: Final = (
    "select time, value, flag, received, mark, revision from ("
    + PRESENT.format(points=_WANTED.format(table="points"), revisions=_WANTED.format(table="revisions"))
    + ") order by time desc limit $4"
)
_BETWEEN: Final = "(select * from {table} where time between make_timestamp_ms($1) and make_timestamp_ms($2))"
STORED: Final = (
    "select late.row, value, flag, revision as number from late join ("
    + PRESENT.format(points=_BETWEEN.format(table="points"), revisions=_BETWEEN.format(table="revisions"))
    + ") stored on stored.channel = late.channel and stored.time = late.time"
)

NEWEST: Final = "select channel, max(time) as time from points where time < make_timestamp_ms($1) group by channel"
"""The newest time of each channel before $1."""
RECEIVED: Final = "select epoch_ms(greatest(max(received), (select max(received) from revisions))) from points"
"""When the last row was received; no more than NULL in an empty file."""
AHEAD: Final = """
    select channel, max(time) as time from points where time >= make_timestamp_ms($1)
    group by channel, epoch_ms(time) // $2 order by time limit $3
"""
"""The newest time of each channel and $2 ms from $1 on, the nearest $3 of them."""

REVISIONS: Final = """
    with asked as (
        select revisions.rowid as id, revisions.*, channels.* exclude (id)
        from revisions join channels on channels.id = revisions.channel
        where ($1 is null or site = $1) and ($2 is null or device = $2) and ($3 is null or factor = $3)
            and received >= make_timestamp_ms($4) and received < make_timestamp_ms($5) and revisions.rowid < $6
        order by revisions.rowid desc limit $7
    )
    select asked.id, site, device, factor, field, period, unit, epoch_ms(asked.time), asked.number,
        case when asked.number = 1 then points.value else earlier.value end, coalesce(points.flag, earlier.flag),
        asked.value, asked.flag, epoch_ms(asked.received), asked.position, asked.mark
    from asked
    left join revisions earlier on earlier.channel = asked.channel and earlier.time = asked.time
        and earlier.number = asked.number - 1
    left join points on asked.number = 1 and points.channel = asked.channel and points.time = asked.time
    order by asked.id desc
"""
"""Revisions by number of their row: rows are only added, so that a higher one was stored later."""
