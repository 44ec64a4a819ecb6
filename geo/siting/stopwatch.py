"""Time taken since a start, for limits on how long a search may go on."""

from __future__ import annotations

# The one clock in geo: a limit of time has no meaning without one. It never says what time it is.
from time import perf_counter


class Stopwatch:
    """Seconds since it was made, and whether a limit has passed.

    Parameters
    ----------
    limit_s : limit [s], > 0.
    """

    def __init__(self, limit_s: float) -> None:
        self._start = perf_counter()
        self._limit_s = limit_s

    @property
    def seconds(self) -> float:
        """Seconds since the start.

        Returns
        -------
        Seconds.
        """
        return perf_counter() - self._start

    @property
    def left_s(self) -> float:
        """Seconds left before the limit, at least 0.

        Returns
        -------
        Seconds.
        """
        return max(0.0, self._limit_s - self.seconds)

    @property
    def over(self) -> bool:
        """Whether the limit has passed.

        Returns
        -------
        True or False.
        """
        return self.left_s == 0.0
