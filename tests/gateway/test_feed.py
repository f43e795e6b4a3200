"""The fan-out of events to subscribers."""

from __future__ import annotations

import asyncio
import threading

import pytest

from gateway.feed import Event, Feed


async def take(events: object, count: int) -> list[Event]:
    return [await asyncio.wait_for(anext(events), 5) for _ in range(count)]  # pyright: ignore


async def test_an_event_of_another_thread_reaches_every_subscriber() -> None:
    feed = Feed()
    async with feed.subscribe() as one, feed.subscribe() as other:
        thread = threading.Thread(target=feed.publish, args=("alert", b"{}"))
        thread.start()
        assert await take(one, 1) == await take(other, 1) == [Event("alert", b"{}")]
        thread.join()


async def test_a_subscriber_gets_the_kinds_it_asked_for_in_order() -> None:
    feed = Feed()
    async with feed.subscribe({"alert"}) as events:
        for kind, payload in (("alert", b"1"), ("detection", b"2"), ("alert", b"3")):
            feed.publish(kind, payload)
        assert await take(events, 2) == [Event("alert", b"1"), Event("alert", b"3")]


async def test_an_overflow_drops_the_oldest_and_says_how_many_once() -> None:
    feed = Feed()
    async with feed.subscribe(most=3) as events:
        for number in range(8):
            feed.publish("alert", b"%d" % number)
        assert await take(events, 4) == [
            Event("lost", b'{"lost":5}'),
            Event("alert", b"5"),
            Event("alert", b"6"),
            Event("alert", b"7"),
        ]
        feed.publish("alert", b"8")
        assert await take(events, 1) == [Event("alert", b"8")]


async def test_a_slow_subscriber_costs_another_nothing() -> None:
    feed = Feed()
    async with feed.subscribe(most=1), feed.subscribe(most=100) as quick:
        for number in range(50):
            feed.publish("alert", b"%d" % number)
        assert [event.payload for event in await take(quick, 50)] == [b"%d" % number for number in range(50)]


async def test_a_wait_that_is_cancelled_loses_no_event() -> None:
    feed = Feed()
    async with feed.subscribe() as events:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(events)
        feed.publish("alert", b"1")
        assert await take(events, 1) == [Event("alert", b"1")]


async def test_disconnecting_ends_the_iteration_after_what_is_queued() -> None:
    feed = Feed()
    async with feed.subscribe() as events:
        feed.publish("alert", b"1")
        feed.disconnect()
        assert [event async for event in events] == [Event("alert", b"1")]


async def test_who_has_left_is_no_listener_any_more() -> None:
    feed = Feed()
    async with feed.subscribe():
        assert feed.listeners == 1
    assert feed.listeners == 0
    feed.publish("alert", b"into the void")


def test_publishing_to_a_subscriber_whose_loop_has_closed_does_no_harm() -> None:
    feed = Feed()

    async def leave_without_saying() -> None:
        await feed.subscribe().__aenter__()

    asyncio.run(leave_without_saying())
    feed.publish("alert", b"1")
