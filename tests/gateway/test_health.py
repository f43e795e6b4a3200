"""Health: what is wrong with the gateway itself fires when it lasts, and ends when it works again."""

from __future__ import annotations

import small_city

from gateway.alerts.machine import AlertMachine
from gateway.alerts.records import Family
from gateway.alerts.texts import Texts
from gateway.health import HOLD_MS, Condition, Health

GOOD, BAD = Condition(0.0, 1.0), Condition(1.0, 1.0)


class Watch:
    """Health with the alert machine behind it, on a clock that is moved."""

    def __init__(self) -> None:
        self.health = Health()
        self.machine = AlertMachine([], Texts(small_city.inventory()))
        self.now = small_city.START

    def at(self, second: float, **conditions: Condition) -> list[tuple[str, str]]:
        """(condition, step) of the steps made so many seconds after the start."""
        self.now = small_city.START + round(1000 * second)
        steps = [
            self.machine.apply(finding, subject, self.now)
            for finding, subject in self.health.step(conditions, self.now)
        ]
        return [(step.alert.subject.id, step.step.value) for step in steps if step is not None]


def test_a_link_that_is_down_for_ten_seconds_is_an_alert_once_and_its_return_ends_it() -> None:
    watch = Watch()
    told = {second: watch.at(second, link_city=BAD if 5 <= second < 40 else GOOD) for second in range(60)}
    assert {second: steps for second, steps in told.items() if steps} == {
        5 + HOLD_MS // 1000: [("link_city", "fired")],
        40: [("link_city", "resolved")],
    }


def test_a_reconnect_of_a_few_seconds_is_none() -> None:
    watch = Watch()
    for second in range(60):
        assert watch.at(second, link_city=BAD if second % 10 < 9 else GOOD) == []
    assert watch.machine.open_alerts() == []


def test_an_alert_says_what_and_since_when_in_both_languages() -> None:
    watch = Watch()
    watch.at(3, link_city=BAD)
    watch.at(14, link_city=BAD)
    (alert,) = watch.machine.open_alerts()
    assert alert.subject.family is Family.GATEWAY_HEALTH
    assert (alert.since, alert.fired) == (small_city.START + 3_000, small_city.START + 14_000)
    assert "city" in alert.text_en
    assert alert.text_zh != alert.text_en
    assert alert.evidence == (), "it rests on no reading"


def test_what_cannot_wait_fires_at_once() -> None:
    watch = Watch()
    refuses = Condition(1.0, 1.0, hold=0)
    assert watch.at(0, journal_refuses=refuses, store_away=BAD) == [("journal_refuses", "fired")]


def test_conditions_are_told_apart() -> None:
    watch = Watch()
    watch.at(0, link_a=BAD, link_b=GOOD)
    watch.at(5, link_a=BAD, link_b=BAD)
    assert watch.at(10, link_a=BAD, link_b=BAD) == [("link_a", "fired")]
    assert watch.at(12, link_a=GOOD, link_b=BAD) == [("link_a", "resolved")]
    assert watch.at(15, link_a=GOOD, link_b=BAD) == [("link_b", "fired")]


def test_a_share_over_its_limit_carries_value_limit_and_unit() -> None:
    watch = Watch()
    full = Condition(61.5, 50.0, "%", 0)
    assert watch.at(0, journal_filling=Condition(49.9, 50.0, "%", 0)) == []
    assert watch.at(1, journal_filling=full) == [("journal_filling", "fired")]
    (alert,) = watch.machine.open_alerts()
    assert (alert.value, alert.limit, alert.subject.unit) == (61.5, 50.0, "%")


def test_a_second_outage_is_another_alert() -> None:
    watch = Watch()
    ids: list[str] = []
    for start in (0, 100):
        watch.at(start, store_away=BAD)
        watch.at(start + 10, store_away=BAD)
        ids += [alert.id for alert in watch.machine.open_alerts()]
        watch.at(start + 20, store_away=GOOD)
    assert len(set(ids)) == 2
