"""How fast the detectors are beside their peers: both sides in one run, equal answers checked."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pandas as pd
import statsmodels.api as sm
from esda import G_Local
from libpysal.graph import Graph
from scipy import sparse, stats
from scipy.spatial import cKDTree

from geo.detect import ears, farrington_flexible, getis_ord, spatial_scan, watch_areas
from tests.bench.bench_geo import measure, row


def _statsmodels_bound(y: np.ndarray, x: np.ndarray, now: np.ndarray, alpha: float) -> float:
    """Noufaily's bound of one series: fit, weigh down outbreaks, fit again, quantile."""

    def fit(columns: slice, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, float]:
        model = sm.GLM(y, x[:, columns], family=sm.families.Poisson(), freq_weights=weights)
        found = model.fit(scale="X2")
        df = len(y) - x[:, columns].shape[1]
        share = np.ones(len(y)) if weights is None else weights
        phi = max(float((share * (y - found.mu) ** 2 / found.mu).sum() / df), 1.0)
        if weights is not None:
            return found.params, found.mu, phi
        root = x[:, columns] * np.sqrt(found.mu)[:, None]
        hat = (np.linalg.qr(root)[0] ** 2).sum(axis=1)
        residual = 1.5 * (y ** (2 / 3) * found.mu ** (-1 / 6) - found.mu**0.5)
        s = residual / np.sqrt(phi * (1 - hat))
        omega = np.where(s > 2.58, s, 1.0) ** -2.0
        return fit(columns, omega * len(y) / omega.sum())

    params, _, phi = fit(slice(None), None)
    mean = float(np.exp(now @ params))
    if mean > y.max():
        params, _, phi = fit(slice(0, -1), None)
        mean = float(np.exp(now[:-1] @ params))
    if phi > 1:
        return float(stats.nbinom.ppf(1 - alpha, mean / (phi - 1), 1 / phi))
    return float(stats.poisson.ppf(1 - alpha, mean))


def farrington_row(*, n_series: int, n_peer: int) -> dict[str, object]:
    """One week of many series; the peer is timed on some of them and scaled up."""
    rng = np.random.default_rng(4)
    weeks = np.arange(320)
    mean = rng.gamma(4.0, 1.5, n_series) * np.exp(0.4 * np.sin(2 * np.pi * weeks / 52))[:, None]
    counts = rng.negative_binomial(mean / 0.5, 1 / 1.5).astype(float)
    now, b, w = 319, 5, 3
    # Design of the peer: the window, nine periods of five weeks between windows, the trend.
    past = weeks[now - 52 * b - w : now - 26]
    ahead = (now - past) % 52
    period = np.where(np.minimum(ahead, 52 - ahead) <= w, 0, (52 - ahead - w - 1) // 5 + 1)
    slope = (past - now) / 100.0
    x = np.column_stack([np.ones(len(past)), *(period == k for k in range(1, 10)), slope])
    here = np.zeros(x.shape[1])
    here[0] = 1.0

    def theirs() -> object:
        return np.array([_statsmodels_bound(counts[past, j], x, here, 0.01) for j in range(n_peer)])

    def ours() -> object:
        return farrington_flexible(counts, at=[now], b=b, w=w, limit54=(0, 1)).upper_bound[0]

    ours()
    fast, slow = measure(ours, repeat=3), measure(theirs, repeat=1)
    np.testing.assert_array_equal(fast.result[:n_peer], slow.result)
    slow = slow._replace(seconds=slow.seconds * n_series / n_peer)
    line = row(f"Farrington flexible, 1 week x {n_series:,}", "statsmodels loop", slow, fast)
    return line | {"note": f"peer timed on {n_peer:,} series"}


def ears_row(*, n_weeks: int, n_series: int) -> dict[str, object]:
    """EARS C1 to C3 of all series; the peer is a loop over series with pandas' rolling windows."""
    counts = np.random.default_rng(2).poisson(4.0, (n_weeks, n_series)).astype(float)
    alphas = {"C1": 0.001, "C2": 0.001, "C3": 0.025}

    def theirs() -> object:
        alarms = {method: np.zeros(counts.shape, dtype=bool) for method in alphas}
        for j in range(n_series):
            series = pd.Series(counts[:, j])
            for method, alpha in alphas.items():
                z = stats.norm.ppf(1 - alpha)
                past = series.shift(1 if method == "C1" else 3).rolling(7)
                mean, sigma = past.mean(), past.std().clip(lower=0.5)
                upper = mean + z * sigma
                if method == "C3":
                    over = ((series - mean) / sigma - 1).clip(lower=0)
                    upper = (series + sigma * (z - over.shift(1) - over.shift(2))).clip(lower=0)
                alarms[method][:, j] = series > upper
        return np.stack(list(alarms.values()))

    def ours() -> object:
        return np.stack(
            [ears(counts, method=m, min_sigma=0.5, alpha=a).alarm for m, a in alphas.items()]
        )

    ours()
    fast, slow = measure(ours, repeat=5), measure(theirs, repeat=1)
    np.testing.assert_array_equal(fast.result, slow.result)
    return row(f"EARS C1-C3 {n_weeks} weeks x {n_series:,}", "pandas loop", slow, fast)


def scan_row(*, n_side: int, cases: int) -> dict[str, object]:
    """Scan over the cells of a square city, beside our own target."""
    rng = np.random.default_rng(5)
    xy = np.argwhere(np.ones((n_side, n_side))) * 500.0
    population = rng.gamma(1.0, 300.0, n_side * n_side)
    counts = rng.multinomial(cases, population / population.sum()).astype(float)

    def ours() -> object:
        return spatial_scan(counts, population, xy, rng=np.random.default_rng(1))

    # Compiled first on a few cells.
    spatial_scan(counts[:50], population[:50], xy[:50], replicates=1, rng=rng)
    fast = measure(ours, repeat=1)
    return {
        "work": f"scan, 999 replicates, {n_side * n_side:,} cells, {cases:,} cases",
        "ours": f"{fast.seconds:.3g} s",
        "peer": "target 15 s",
        "ratio": "",
    }


def hotspot_row(*, n_side: int, permutations: int) -> dict[str, object]:
    """Gi* with conditional permutation on a grid."""
    step = sparse.diags_array([np.ones(n_side - 1)] * 2, offsets=[-1, 1])
    step = step + sparse.eye_array(n_side)
    near = sparse.csr_array(sparse.kron(step, step) - sparse.eye_array(n_side * n_side))
    y = np.random.default_rng(6).gamma(1.0, 5.0, n_side * n_side)

    def ours() -> object:
        return getis_ord(y, near, permutations=permutations, rng=np.random.default_rng(1)).z

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = Graph.from_sparse(sparse.csr_matrix(near))

        def theirs() -> object:
            found = G_Local(
                y, graph, transform="B", star=True, permutations=permutations, n_jobs=1, seed=1
            )
            return found.Zs

        # The peer compiles at its first call.
        few = Graph.from_sparse(sparse.csr_matrix(near[:50, :50]))
        G_Local(y[:50], few, transform="B", star=True, permutations=9, n_jobs=1, seed=1)
        fast, slow = measure(ours, repeat=3), measure(theirs, repeat=1)
    np.testing.assert_allclose(fast.result, slow.result, rtol=1e-7, atol=1e-7)
    return row(f"Gi*, {n_side * n_side:,} cells, {permutations} permutations", "esda", slow, fast)


def weekly_row(*, n_side: int, n_measures: int) -> dict[str, object]:
    """One week of many measures over all areas by the default policy, beside our own target."""
    rng = np.random.default_rng(7)
    xy = np.argwhere(np.ones((n_side, n_side))).astype(float)
    nearest = cKDTree(xy).query(xy, 9)[1][:, 1:]
    mean = rng.gamma(0.5, 2.0, n_side * n_side)
    season = np.exp(0.4 * np.sin(2 * np.pi * np.arange(312) / 52))[:, None]
    measures = [rng.poisson(mean * season).astype(float) for _ in range(n_measures)]

    def ours() -> object:
        return [watch_areas(counts, at=[311], nearest=nearest).score for counts in measures]

    watch_areas(measures[0][:, :9], at=[311], nearest=np.full((9, 8), -1))
    fast = measure(ours, repeat=1)
    return {
        "work": f"a week of {n_measures} measures x {n_side * n_side:,} areas, 312 weeks known",
        "ours": f"{fast.seconds:.3g} s, {fast.peak_mb:,.0f} MB",
        "peer": "target 60 s",
        "ratio": "",
    }


def rows(quick: bool) -> list[dict[str, object]]:
    """All rows of the table: small cases when `quick`, else those of docs/methods.md."""
    series, peer = (300, 20) if quick else (10_000, 500)
    side, cases = (20, 500) if quick else (100, 5_000)
    weeks, many = (104, 50) if quick else (312, 1_000)
    return [
        farrington_row(n_series=series, n_peer=peer),
        ears_row(n_weeks=weeks, n_series=many),
        scan_row(n_side=side, cases=cases),
        weekly_row(n_side=side, n_measures=2 if quick else 20),
        hotspot_row(n_side=20 if quick else 316, permutations=99),
    ]


if __name__ == "__main__":
    for line in rows(quick="--quick" in sys.argv):
        print(line)
