"""What an operator may ask of a simulated fleet."""

from __future__ import annotations

from dataclasses import dataclass

WEEKS_IN_A_MONTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A fleet and its luck. `loss` is the share of requests that meet a trouble on their way.

    `kills` is how often a server is killed and started again; `lanes` how many work at once.
    """

    seed: int
    phones: int = 40
    hubs: int = 2
    programs: int = 2
    supervisors: int = 1
    weeks: int = WEEKS_IN_A_MONTH
    kills: int = 2
    loss: float = 0.08
    lanes: int = 8

    @property
    def villages(self) -> int:
        """Three phones a village, and each hub has a village at least, as the centre has."""
        return max(self.hubs + 1, -(-self.phones // 3))
