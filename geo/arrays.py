"""Array types, and how every module turns what it is given into them, or says why it cannot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from geo.errors import CodeError, ShapeError, UnitError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Int8Array = npt.NDArray[np.int8]
StateArray = npt.NDArray[np.uint8]


def floats(name: str, values: npt.ArrayLike, *, ndim: Sequence[int] = (1,)) -> FloatArray:
    """Values as a float64 array of an allowed number of dimensions.

    Parameters
    ----------
    name : what the values are, for messages.
    values : numbers of any real dtype; NaN stays.
    ndim : allowed numbers of dimensions.

    Returns
    -------
    float64 array; the input itself where it is one already.

    Raises
    ------
    ShapeError : the values are not numbers, or have another number of dimensions.

    Examples
    --------
    >>> floats("persons", [1, 2])
    array([1., 2.])
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as exc:
        raise ShapeError(f"{name}: not an array of numbers ({exc}); convert it first") from exc
    if array.ndim not in ndim:
        wanted = " or ".join(str(n) for n in ndim)
        raise ShapeError(f"{name}: {array.ndim} dimension(s), shape {array.shape}; wanted {wanted}")
    return array


def amounts(name: str, values: npt.ArrayLike, *, ndim: Sequence[int] = (1,)) -> FloatArray:
    """Values that cannot be negative or infinite, as a float64 array; NaN means unknown.

    Parameters
    ----------
    name : what the values are, for messages.
    values : numbers >= 0 or NaN.
    ndim : allowed numbers of dimensions.

    Returns
    -------
    float64 array; the input itself where it is one already.

    Raises
    ------
    ShapeError : the values are not numbers, or have another number of dimensions.
    UnitError : a value is negative or infinite.

    Examples
    --------
    >>> amounts("persons", [3, float("nan")])
    array([ 3., nan])
    """
    array = floats(name, values, ndim=ndim)
    bad = (array < 0) | np.isinf(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise UnitError(
            f"{name}: {int(bad.sum())} value(s) negative or infinite, first {array[bad][0]!r} "
            f"at {first}; wanted >= 0, or NaN where unknown"
        )
    return array


def points(name: str, xy: npt.ArrayLike) -> FloatArray:
    """Coordinates as a float64 array of shape (n, 2).

    Parameters
    ----------
    name : what the points are, for messages.
    xy : one row a point; an empty sequence gives shape (0, 2).

    Returns
    -------
    float64 array, shape (n, 2), C order.

    Raises
    ------
    ShapeError : the shape is another one, or a coordinate is infinite.

    Examples
    --------
    >>> points("sites", [(0, 1)])
    array([[0., 1.]])
    """
    array = floats(name, xy, ndim=(1, 2))
    if array.size == 0:
        array = array.reshape(0, 2)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ShapeError(f"{name}: shape {array.shape}; wanted (n, 2), one row (x, y) a point")
    if np.isinf(array).any():
        raise ShapeError(f"{name}: an infinite coordinate; wanted numbers, or NaN where unknown")
    return np.ascontiguousarray(array)


def parents(name: str, index: npt.ArrayLike, *, n_children: int, n_parents: int) -> IntArray:
    """Position of each child's parent, checked against both sizes.

    Parameters
    ----------
    name : what the index is, for messages.
    index : integers in -1..n_parents-1; -1 means no parent.
    n_children : wanted length.
    n_parents : number of parents.

    Returns
    -------
    int64 array, shape (n_children,).

    Raises
    ------
    ShapeError : the length differs, or the values are no integers.
    CodeError : a position is outside -1..n_parents-1.

    Examples
    --------
    >>> parents("village to town", [0, 0, -1], n_children=3, n_parents=1)
    array([ 0,  0, -1])
    """
    array = np.asarray(index)
    if array.shape != (n_children,):
        raise ShapeError(f"{name}: shape {array.shape}; wanted ({n_children},), one a child")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ShapeError(f"{name}: dtype {array.dtype}; wanted integers, -1 where no parent")
    whole = array.astype(np.int64)
    bad = (whole < -1) | (whole >= n_parents)
    if bad.any():
        raise CodeError(
            f"{name}: {int(bad.sum())} position(s) outside -1..{n_parents - 1}, first "
            f"{int(whole[bad][0])}; wanted the parent's position, or -1 where there is none"
        )
    return whole


def positive(name: str, value: float, *, unit: str) -> float:
    """Check that an option is a finite number above zero.

    Parameters
    ----------
    name : the option's name, for messages.
    value : the number.
    unit : its unit, for messages.

    Returns
    -------
    The number as float.

    Raises
    ------
    UnitError : it is zero, negative, infinite or NaN.

    Examples
    --------
    >>> positive("size_m", 500, unit="m")
    500.0
    """
    if not (np.isfinite(value) and value > 0):
        raise UnitError(f"{name}: {value!r}; wanted a number above 0 [{unit}]")
    return float(value)


def same_length(**arrays: npt.NDArray[np.generic] | Sequence[object]) -> int:
    """Check that arrays describe the same rows and return how many.

    Parameters
    ----------
    **arrays : name = array; the first axis is compared.

    Returns
    -------
    The length.

    Raises
    ------
    ShapeError : the lengths differ.

    Examples
    --------
    >>> same_length(need=[1, 2], access=[3, 4])
    2
    """
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ShapeError(f"lengths differ: {told}; wanted one row an area in each")
    return next(iter(lengths.values()))
