"""How a search goes on: what it tells, and whether it is still wanted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from geo.siting.stopwatch import Stopwatch

# What a caller is told: seconds, best value so far, bound; False ends the search.
OnProgress = Callable[[float, float, float], bool | None]
# Seconds between two calls, so that telling costs nothing.
_EVERY_S = 0.1


class Progress:
    """Tells a caller how far a search is, and keeps whether it was called off.

    Parameters
    ----------
    watch : time taken and time left.
    on_progress : told seconds, best value (NaN for none) and bound; returning False, or raising,
        calls the search off; None for nobody.
    maximise : whether a bound lies above the values.

    Attributes
    ----------
    watch : as given.
    cancelled : whether the search was called off.
    """

    def __init__(self, watch: Stopwatch, on_progress: OnProgress | None, *, maximise: bool) -> None:
        self.watch = watch
        self._tighter = np.fmin if maximise else np.fmax
        self._better = np.fmax if maximise else np.fmin
        self._best = self._bound = np.nan
        self.cancelled = False
        self._on_progress = on_progress
        self._next_s = 0.0

    @property
    def over(self) -> bool:
        """Whether to stop: called off, or out of time.

        Returns
        -------
        True or False.
        """
        return self.cancelled or self.watch.over

    def tell(self, objective: float, bound: float) -> bool:
        """Tell how far it is, at most ten times a second.

        One search may begin again where another ended: what is told never gets worse.

        Parameters
        ----------
        objective, bound : value and bound that hold; NaN where there is none.

        Returns
        -------
        Whether to go on.
        """
        self._best = float(self._better(self._best, objective))
        self._bound = float(self._tighter(self._bound, bound))
        if not np.isnan(self._bound):
            # A bound of the choices that may be better says nothing beyond the best one known.
            self._bound = float(self._better(self._bound, self._best))
        if self._on_progress is None or self.cancelled or self.watch.seconds < self._next_s:
            return not self.cancelled
        try:
            wanted = self._on_progress(self.watch.seconds, self._best, self._bound)
        except Exception:  # noqa: BLE001 nothing may be raised through the compiled solver
            wanted = False
        self._next_s = self.watch.seconds + _EVERY_S
        self.cancelled = wanted is False
        return not self.cancelled

    def end(self, objective: float, bound: float) -> None:
        """Tell the last word, whenever the one before was.

        Parameters
        ----------
        objective, bound : best value and bound; NaN where there is none.
        """
        cancelled, self._next_s = self.cancelled, 0.0
        self.tell(objective, bound)
        # Nothing is left to be called off.
        self.cancelled = cancelled
