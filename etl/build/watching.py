"""Step 6a: what the detectors say of one measure on one level, week after week."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from etl.build.delay import Delays
from etl.build.disclose import Disclosed
from etl.build.figures import Figures
from etl.build.history import History
from etl.build.layers import States
from etl.build.levels import Floats, Ints, LevelFrame
from etl.build.work import Work
from etl.sections import MeasureSettings
from geo.detect.control import controlled_scores
from geo.detect.neighbours import nearest_areas
from geo.detect.tiers import Evidence, Tiers, base_tiers, legend_tiers, weekly_tiers
from geo.detect.watch import RINGS, Detection, FalseAlarms, false_alarms, watch_areas
from geo.detect.withheld import raise_guesses
from geo.model import Level, Missing, Tier
from geo.tier_policy import NAMES

# Neighbours whose own tiers say whether a rise is spreading: the first ring of the detector.
N_AROUND = RINGS[1]


@dataclass(frozen=True)
class Tested:
    """Weeks of one measure on one level held against what their past leads to expect.

    Attributes
    ----------
    weeks : names of the weeks tested.
    counts : published counts, shape (n_weeks, n_areas); NaN where withheld or unknown.
    states : `Missing` of the counts, same shape.
    found : what the detectors say.
    """

    weeks: Sequence[str]
    counts: Floats
    states: States
    found: Detection


@dataclass(frozen=True)
class Watched:
    """One measure on one level over the weeks tested: the published ones and some before them.

    Attributes
    ----------
    weeks : names of the weeks tested.
    counts : published counts, shape (n_weeks, n_areas); NaN where withheld or unknown.
    counted : `Missing` of the counts, same shape.
    found : what the detectors say, false discoveries held down.
    alarms : what of it chance alone would raise.
    evidence : what the tiers rest on.
    n_around : neighbours that say whether a rise is spreading, of each area.
    provisional : newest weeks that are not complete yet.
    first : row of the first published week.
    """

    shown: Disclosed
    weeks: Sequence[str]
    counts: Floats
    counted: States
    found: Detection
    alarms: FalseAlarms
    evidence: Evidence
    n_around: Ints
    tiers: Tiers
    provisional: int
    first: int

    @property
    def measure(self) -> MeasureSettings:
        return self.shown.measure

    @property
    def frame(self) -> LevelFrame:
        return self.shown.frame

    def is_provisional(self, row: int) -> bool:
        """Whether a week is one of the newest, which are not complete yet."""
        return row >= len(self.weeks) - self.provisional

    @property
    def states(self) -> States:
        """States of the tiers: a colour tells no more than the count it stands for."""
        silent = (self.tiers.tier == Tier.NO_DATA) & (self.counted == Missing.OK)
        return np.where(silent, int(Missing.NO_DATA), self.counted).astype(np.uint8)

    @property
    def tier(self) -> Floats:
        """The tiers that are shown, NaN where none is."""
        return np.where(self.states == Missing.OK, self.tiers.tier, np.nan)


@dataclass(frozen=True)
class Watch:
    """Everything that the detectors are handed: published figures, and guesses made of them.

    Attributes
    ----------
    gaps : level → gap class of each area, NaN where unknown.
    """

    work: Work
    figures: Figures
    history: History
    gaps: Mapping[Level, Floats]
    delays: Delays
    _alerts: dict[Level, Floats] = field(default_factory=dict)
    _near: dict[Level, Ints] = field(default_factory=dict)

    def look(self, shown: Disclosed) -> Watched:
        """Tiers of a measure on a level in every published week and those before that they hang on.

        Where a count is withheld the detector is handed what anybody would guess; so no tier, bound
        or score tells of a number that is withheld.
        """
        return self.judge(shown, self.test(shown))

    def test(self, shown: Disclosed) -> Tested:
        """Hold these weeks against what their past leads to expect."""
        config, measure, frame = self.work.config, shown.measure, shown.frame
        policy, k = config.warnings.tier_policy(), config.disclosure.k
        series = self.history.before(self.figures, measure.code, frame.level)
        n = config.publish.weeks + min(
            policy.hold_weeks + len(NAMES) + policy.persistence_weeks,
            len(self.figures.weeks) - config.publish.weeks,
        )
        at = np.arange(len(series.guesses) - n, len(series.guesses))
        delay = self.delays.of(measure.code)
        found = watch_areas(
            raise_guesses(series.guesses, series.hidden, k=k),
            at=at,
            nearest=self._nearest(frame),
            max_years=config.warnings.history_years,
            min_sigma=config.warnings.min_sigma,
            reported=delay.shares(len(series.guesses)),
        )
        weeks = list(self.figures.weeks[-n:])
        return Tested(weeks, series.published[-n:], shown.states[-n:], found)

    def judge(self, shown: Disclosed, tested: Tested) -> Watched:
        """What the policy makes of weeks that have been tested."""
        config, frame = self.work.config, shown.frame
        policy, k = config.warnings.tier_policy(), config.disclosure.k
        counts, found, n = tested.counts, tested.found, len(tested.weeks)
        near = self._nearest(frame)[:, :N_AROUND]
        kept = found.score
        if len(frame) >= config.warnings.fdr_from_areas:
            kept = controlled_scores(kept, found.pvalue, fdr=config.warnings.fdr)
        # Where three colours show no blue, a warning begins at yellow.
        least = min(tier for tier in legend_tiers(policy.colours) if tier >= Tier.BLUE) - 1
        # A withheld week is unknown here: it neither warns nor ends what stands.
        score = np.where(np.isnan(counts), np.nan, kept)
        found = replace(found, score=score, excess=counts - found.expected)
        base = base_tiers(counts, score, found.excess, policy=policy, floor=k)
        evidence = Evidence(
            counts=counts,
            score=score,
            excess=found.excess,
            spread=_spread(base >= Tier.BLUE, near),
            upstream=self._upstream(frame, n),
            gap=np.broadcast_to(self._gap(frame), counts.shape),
        )
        return Watched(
            shown=shown,
            weeks=tested.weeks,
            counts=counts,
            counted=tested.states,
            found=found,
            alarms=false_alarms(
                found,
                counts,
                least_score=policy.scores[least],
                least_count=max(policy.min_counts[least], k),
            ),
            evidence=evidence,
            n_around=(near >= 0).sum(axis=1),
            tiers=weekly_tiers(evidence, policy=policy, floor=k),
            provisional=self.delays.of(shown.measure.code).provisional,
            first=n - config.publish.weeks,
        )

    def _nearest(self, frame: LevelFrame) -> Ints:
        """Neighbours of the areas of a level, the same for every measure."""
        if frame.level not in self._near:
            self._near[frame.level] = nearest_areas(frame.xy, k=max(RINGS))
        return self._near[frame.level]

    def _gap(self, frame: LevelFrame) -> Floats:
        return self.gaps.get(frame.level, np.full(len(frame), np.nan))

    def _upstream(self, frame: LevelFrame, n: int) -> Floats:
        """Highest tier of the alerts from above that are published; NaN where none is known."""
        if frame.level in self._alerts:
            return self._alerts[frame.level]
        highest = np.full((n, len(frame)), np.nan)
        for code, levels in self.figures.by_measure.items():
            tier = self.work.config.measure(code).upstream
            for one in levels:
                if tier and one.frame.level == frame.level:
                    seen = np.where(one.states[-n:] == Missing.OK, one.counts[-n:], np.nan)
                    alert = np.where(seen > 0, float(Tier[tier.upper()]), 0.0)
                    highest = np.fmax(highest, np.where(np.isnan(seen), np.nan, alert))
        self._alerts[frame.level] = highest
        return highest


def _spread(high: np.ndarray, near: Ints) -> Floats:
    """Share of the neighbours that stand out by themselves; NaN without neighbours."""
    there = near >= 0
    n = there.sum(axis=1)
    standing = (high[:, np.where(there, near, 0)] & there).sum(axis=2)
    return np.where(n > 0, standing / np.maximum(n, 1), np.nan)
