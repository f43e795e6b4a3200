"""The result: alerts, points and pictures of one run together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulators.score.figures import Score
from simulators.score.pictures import Figures
from simulators.score.points import Points, whole


@dataclass(frozen=True, slots=True)
class Result:
    """All that is said of one receiver on one run."""

    score: Score
    points: Sequence[Points] = ()
    pictures: Sequence[Figures] = ()

    def json(self) -> dict[str, object]:
        """For JSON; `points` and `cameras` only where they were looked at."""
        figures = self.score.json()
        if self.points:
            figures["points"] = {"total": whole(self.points).json(), "devices": [each.json() for each in self.points]}
        if self.pictures:
            figures["cameras"] = [each.json() for each in self.pictures]
        return figures
