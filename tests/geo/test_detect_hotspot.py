"""Gi* and local Moran against esda and against every draw there is; gaps and refusals."""

from __future__ import annotations

import warnings
from itertools import combinations

import numpy as np
import pytest
from scipy import sparse, stats

from geo.detect import discoveries, getis_ord, local_moran
from geo.errors import ShapeError, UnitError


def lattice(side: int) -> sparse.csr_array:
    """Queen neighbours of a square grid."""
    step = sparse.diags_array([np.ones(side - 1)] * 2, offsets=[-1, 1]) + sparse.eye_array(side)
    near = sparse.kron(step, step).tocsr()
    return sparse.csr_array(near - sparse.eye_array(side * side))


def peer(near: sparse.csr_array) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from libpysal.graph import Graph

        return Graph.from_sparse(sparse.csr_matrix(near))


# esda compiles itself anew in each run.
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_gi_star_equals_esda(seed: int) -> None:
    near = lattice(12)
    y = np.random.default_rng(seed).gamma(1.0, 5.0, 144)
    y[40:44] += 30
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda import G_Local

        theirs = G_Local(
            y, peer(near), transform="B", star=True, permutations=1999, seed=seed, n_jobs=1
        )
    found = getis_ord(y, near, permutations=1999, rng=np.random.default_rng(seed))
    np.testing.assert_allclose(found.z, theirs.Zs, rtol=1e-9, atol=1e-9)
    # esda tells one tail; both are simulated.
    np.testing.assert_allclose(found.p_permuted, np.minimum(2 * theirs.p_sim, 1), atol=0.12)
    assert np.corrcoef(found.p_permuted, theirs.p_sim)[0, 1] > 0.99


# esda compiles itself anew in each run.
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_local_moran_equals_esda(seed: int) -> None:
    near = lattice(12)
    y = np.random.default_rng(seed).gamma(1.0, 5.0, 144)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda import Moran_Local

        theirs = Moran_Local(y, peer(near), permutations=1999, seed=seed, n_jobs=1)
    found = local_moran(y, near, permutations=1999, rng=np.random.default_rng(seed))
    np.testing.assert_allclose(found.statistic, theirs.Is, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(found.quadrant, theirs.q)
    assert np.corrcoef(found.p_permuted, theirs.p_sim)[0, 1] > 0.98


def test_permutation_equals_the_list_of_all_draws() -> None:
    near = lattice(3)
    y = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0])
    found = getis_ord(y, near, permutations=40_000, rng=np.random.default_rng(1))
    moran = local_moran(y, near, permutations=40_000, rng=np.random.default_rng(1))
    for i in range(9):
        mine = near[[i]].nonzero()[1]
        others = np.delete(y, i)
        sums = np.array([sum(draw) for draw in combinations(others, len(mine))])
        tail = min((sums >= y[mine].sum()).mean(), (sums <= y[mine].sum()).mean())
        assert found.p_permuted[i] == pytest.approx(min(2 * tail, 1.0), abs=0.02)
    np.testing.assert_array_equal(found.p_permuted, moran.p_permuted)


def test_a_draw_of_the_area_itself_is_replaced_when_draws_are_many() -> None:
    """The same on a map large enough for the quicker way of drawing."""
    near = sparse.csr_array((np.ones(200), (np.arange(200), (np.arange(200) + 1) % 200)))
    y = np.arange(200.0)
    found = getis_ord(y, near, permutations=60_000, rng=np.random.default_rng(2))
    for i in (0, 60, 140, 198, 199):
        others, mine = np.delete(y, i), y[(i + 1) % 200]
        tail = min((others >= mine).mean(), (others <= mine).mean())
        assert found.p_permuted[i] == pytest.approx(min(2 * tail, 1.0), abs=0.01)


def test_an_unknown_area_is_nobodys_neighbour() -> None:
    near, y = lattice(6), np.random.default_rng(1).poisson(9.0, 36).astype(float)
    y[8] = np.nan
    keep = np.delete(np.arange(36), 8)
    for function in (getis_ord, local_moran):
        whole = function(y, near, permutations=99, rng=np.random.default_rng(3))
        part = function(y[keep], near[keep][:, keep], permutations=99, rng=np.random.default_rng(3))
        for name in vars(whole):
            np.testing.assert_array_equal(getattr(whole, name)[keep], getattr(part, name))
        assert np.isnan(whole.q[8])
    assert local_moran(y, near, permutations=0).quadrant[8] == 0


def test_an_area_without_neighbours() -> None:
    near = sparse.csr_array(np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0.0]]))
    hot = getis_ord([1.0, 2.0, 9.0], near, permutations=9, rng=np.random.default_rng(1))
    assert hot.z[2] > 0
    assert np.isnan(hot.p_permuted[2])
    moran = local_moran([1.0, 2.0, 9.0], near, permutations=0)
    assert np.isnan(moran.statistic[2])
    assert moran.quadrant.tolist() == [3, 3, 0]


def test_equal_values_and_none_at_all_have_no_answer() -> None:
    near = lattice(3)
    for y, links in ((np.ones(9), near), (np.full(9, np.nan), near), ([], near[:0, :0])):
        assert np.isnan(getis_ord(y, links, permutations=9, rng=np.random.default_rng(1)).q).all()
        assert np.isnan(local_moran(y, links, permutations=0).statistic).all()


def test_the_diagonal_does_not_matter() -> None:
    near, y = lattice(4), np.arange(16.0) ** 2
    full = sparse.csr_array(near + sparse.eye_array(16))
    np.testing.assert_array_equal(getis_ord(y, near).z, getis_ord(y, full).z)
    np.testing.assert_array_equal(
        local_moran(y, near, permutations=0).statistic,
        local_moran(y, full, permutations=0).statistic,
    )


def test_discoveries_equal_scipy_and_keep_gaps() -> None:
    p = np.random.default_rng(1).random(50) ** 3
    np.testing.assert_allclose(discoveries(p), stats.false_discovery_control(p), rtol=1e-12)
    p[7] = np.nan
    q = discoveries(p)
    assert np.isnan(q[7])
    rest = np.delete(np.arange(50), 7)
    np.testing.assert_allclose(q[rest], stats.false_discovery_control(p[rest]), rtol=1e-12)
    with pytest.raises(UnitError, match="p: value\\(s\\) outside 0 to 1"):
        discoveries([0.2, 1.2])


def test_refusals() -> None:
    near = lattice(3)
    with pytest.raises(ShapeError, match=r"neighbours: shape \(9, 9\); wanted \(4, 4\)"):
        getis_ord(np.ones(4), near)
    with pytest.raises(UnitError, match="weight\\(s\\) other than 0 and 1"):
        local_moran(np.ones(9), near * 0.5)
    with pytest.raises(UnitError, match="values: infinite"):
        getis_ord([np.inf] + [1.0] * 8, near)
    with pytest.raises(UnitError, match="permutations: -1; wanted 0 or more"):
        getis_ord(np.ones(9), near, permutations=-1)
    with pytest.raises(UnitError, match="rng: none; wanted a generator"):
        local_moran(np.arange(9.0), near)
