"""A mixed-integer model as arrays, and what HiGHS makes of it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from geo.arrays import FloatArray, IntArray
from geo.siting._progress import Progress

# Integers, rows and reduced costs hold within this, so that a coverage of 1e9 is right to a person.
_TOLERANCE = 1e-9
# Sum of the objective's coefficients after scaling: far above the absolute gap of 1e-6 below.
_SIZE = 2.0**30


class Ending(StrEnum):
    """How a search ended."""

    PROVEN = "proven"
    INFEASIBLE = "infeasible"
    STOPPED = "stopped"


class Outcome(NamedTuple):
    """What HiGHS found.

    Attributes
    ----------
    ending : whether it came to its end.
    values : float64, shape (n_columns,): the best solution; empty for none.
    bound : no solution is better; -inf or inf where nothing is known.
    """

    ending: Ending
    values: FloatArray
    bound: float


class Model:
    """Columns and rows, added in blocks and handed over in one piece.

    Parameters
    ----------
    maximise : whether the objective is to be high.
    """

    def __init__(self, *, maximise: bool) -> None:
        self.maximise = maximise
        self.offset = 0.0
        self.n_columns = 0
        self.n_rows = 0
        self._columns: list[tuple[FloatArray, FloatArray, FloatArray, npt.NDArray[np.int32]]] = []
        self._limits: list[tuple[FloatArray, FloatArray]] = []
        self._entries: list[tuple[IntArray, IntArray, FloatArray]] = []

    def add_columns(
        self,
        n: int,
        *,
        worth: npt.ArrayLike = 0.0,
        lower: npt.ArrayLike = 0.0,
        upper: npt.ArrayLike = 1.0,
        whole: bool = False,
    ) -> IntArray:
        """Add columns.

        Parameters
        ----------
        n : how many.
        worth : coefficients in the objective.
        lower, upper : bounds.
        whole : whether only whole values are allowed.

        Returns
        -------
        int64, shape (n,): their positions.
        """
        block = [np.broadcast_to(np.asarray(a, dtype=np.float64), n) for a in (worth, lower, upper)]
        self._columns.append((*block, np.full(n, int(whole), dtype=np.int32)))  # type: ignore[arg-type]
        self.n_columns += n
        return np.arange(self.n_columns - n, self.n_columns)

    def add_worth(self, column: IntArray, worth: FloatArray) -> None:
        """Add to coefficients of the objective.

        Parameters
        ----------
        column : positions, which may come again.
        worth : what is added to each.
        """
        total = np.concatenate([block[0] for block in self._columns])
        np.add.at(total, column, worth)
        start = 0
        for i, block in enumerate(self._columns):
            self._columns[i] = (total[start : start + len(block[0])], *block[1:])
            start += len(block[0])

    def add_rows(
        self,
        n: int,
        row: npt.ArrayLike,
        column: npt.ArrayLike,
        value: npt.ArrayLike,
        *,
        lower: npt.ArrayLike = -np.inf,
        upper: npt.ArrayLike = np.inf,
    ) -> None:
        """Add rows: lower <= sum of value × column <= upper.

        Parameters
        ----------
        n : how many.
        row : row of each entry, from 0 in this block; entries of one place are summed.
        column : column of each entry.
        value : coefficient of each entry, or one for all.
        lower, upper : limits.
        """
        rows = np.asarray(row, dtype=np.int64)
        values = np.broadcast_to(np.asarray(value, dtype=np.float64), rows.shape)
        self._entries.append((rows + self.n_rows, np.asarray(column, dtype=np.int64), values))
        block = [np.broadcast_to(np.asarray(a, dtype=np.float64), n) for a in (lower, upper)]
        self._limits.append((block[0], block[1]))
        self.n_rows += n

    def worth(self) -> FloatArray:
        """Coefficients of the objective.

        Returns
        -------
        float64, shape (n_columns,).
        """
        return np.concatenate([block[0] for block in self._columns])

    def arrays(self) -> tuple[Any, ...]:
        """Columns, rows and matrix by row.

        Returns
        -------
        Worth, lower, upper, whole; lower and upper of the rows; CSR matrix.
        """
        columns = [np.concatenate(parts) for parts in zip(*self._columns, strict=True)]
        limits = [np.concatenate(parts) for parts in zip(*self._limits, strict=True)]
        if not limits:
            limits = [np.empty(0), np.empty(0)]
            matrix = sparse.coo_array((0, self.n_columns)).tocsr()
        else:
            row, column, value = (np.concatenate(p) for p in zip(*self._entries, strict=True))
            coo = sparse.coo_array((value, (row, column)), shape=(self.n_rows, self.n_columns))
            matrix = coo.tocsr()
        return *columns, *limits, matrix


def run(
    model: Model,
    progress: Progress,
    *,
    start: FloatArray | None = None,
    enough: float = 0.0,
    tell: Callable[[float, float], bool] | None = None,
) -> Outcome:
    """Solve a model.

    Parameters
    ----------
    model : what to solve.
    progress : time left, and whether the search is still wanted.
    start : values of the first columns of a known solution; HiGHS completes it.
    enough : distance of objective and bound below which nothing better can be: below the step in
        which the objective goes, such as whole persons.
    tell : told objective and bound as they change; `progress.tell` if None.

    Returns
    -------
    Outcome : the ending is PROVEN only where the bound is reached, within `enough`.

    Notes
    -----
    HiGHS (Huangfu & Hall 2018), branch and cut, one thread, relative gap 0. The objective is scaled
    by a power of 2, which changes no digit.
    """
    from highspy import Highs, HighsModelStatus  # noqa: PLC0415 half a second to load

    worth, lower, upper, whole, row_lower, row_upper, matrix = model.arrays()
    size = float(np.abs(worth).sum())
    scale = 2.0 ** np.floor(np.log2(_SIZE / size)) if 0 < size < np.inf else 1.0
    solver = Highs()  # type: ignore[no-untyped-call]
    solver.silent()
    options: dict[str, int | float | str] = {
        "threads": 1, "parallel": "off", "random_seed": 1,
        "time_limit": max(0.0, progress.watch.left_s),
        "mip_rel_gap": 0.0, "mip_abs_gap": max(1e-6, enough * scale),
        "mip_feasibility_tolerance": _TOLERANCE, "primal_feasibility_tolerance": _TOLERANCE,
        "dual_feasibility_tolerance": _TOLERANCE,
    }  # fmt: skip
    for name, value in options.items():
        solver.setOptionValue(name, value)
    status = solver.passModel(
        model.n_columns, model.n_rows, matrix.nnz, 2, -1 if model.maximise else 1, 0.0,
        worth * scale, lower, upper, row_lower, row_upper, matrix.indptr.astype(np.int32),
        matrix.indices.astype(np.int32), matrix.data, whole,
    )  # fmt: skip
    if int(status) < 0:
        msg = f"HiGHS refuses a model of {model.n_rows} rows and {model.n_columns} columns"
        raise ValueError(msg)
    if start is not None:
        solver.setSolution(len(start), np.arange(len(start), dtype=np.int32), start)
    _listen(solver, progress, model, scale, tell or progress.tell)
    if progress.over:
        return Outcome(Ending.STOPPED, np.empty(0), np.inf if model.maximise else -np.inf)
    solver.run()
    found, info = solver.getModelStatus(), solver.getInfo()
    values = np.empty(0)
    if info.primal_solution_status == 2:
        values = np.array(solver.getSolution().col_value)
    bound = info.mip_dual_bound if whole.any() else info.objective_function_value
    ending = Ending.STOPPED
    if found == HighsModelStatus.kOptimal:
        ending = Ending.PROVEN
    elif found in (HighsModelStatus.kInfeasible, HighsModelStatus.kUnboundedOrInfeasible):
        # Every column has two bounds: nothing is unbounded.
        ending = Ending.INFEASIBLE
    elif not whole.any():
        bound = np.inf if model.maximise else -np.inf
    return Outcome(ending, values, bound / scale + model.offset)


def _listen(
    solver: Any,
    progress: Progress,
    model: Model,
    scale: float,
    tell: Callable[[float, float], bool],
) -> None:
    def told(event: Any) -> None:
        out = event.data_out
        objective, bound = out.mip_primal_bound, out.mip_dual_bound
        known = np.isfinite(objective) and abs(objective) < 1e300
        value = objective / scale + model.offset if known else float("nan")
        if not tell(value, bound / scale + model.offset):
            event.interrupt()

    def stopped(event: Any) -> None:
        if not progress.tell(float("nan"), float("nan")) or progress.over:
            event.interrupt()

    solver.cbMipInterrupt += told
    solver.cbSimplexInterrupt += stopped
