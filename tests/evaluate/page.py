"""docs/detection.md: the tables that were measured, with the words around them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from geo.detect.evaluate import Estimate
from tests.evaluate import city, spatial, temporal
from tests.evaluate.detectors import DETECTORS, NOMINAL, tail

HEAD = """# Detection: how well unusual weeks are found

`make evaluate` writes this page (`QUICK=1` prints a short form). "Farrington" is Farrington flexible alone (`geo.detect.farrington_flexible`,
its defaults); "policy" is what the product does (`geo.detect.watch_areas`): the same regression, or EARS where the history is short, with
the last weeks and the neighbours looked at as well ([methods](methods.md))."""

HOW = """## How to read it

- *Equal rates*: a detector that alarms more often finds more. Both are therefore compared with thresholds that give each the same share of
  false alarms on the same simulated weeks, not at the rates they claim; what they really raise at their nominal rate stands beside it.
- *POD*: share of outbreaks with an alarm between the first case and the last. *First week*: in the first of these. *FPR*: share of weeks (of
  areas) outside outbreaks with an alarm. *Sensitivity*: share of weeks (of areas) of outbreaks with one. *PPV*: share of alarms that lie
  in an outbreak. *Weeks*: from an outbreak's first week to its first alarm, where found.
- In space an outbreak is found by an alarm in one of its areas in a week and area with cases of it; an alarm beside it counts as false. An outbreak of 16 areas
  over three weeks gives chance dozens of tries: at FPR 1 % a good part is found by luck, by both; the rate of 0.1 % says more.
- Brackets are 95 % intervals: Wilson's for POD, bootstrap over replicates for the others; of a gain, of the paired difference."""

LIMITS = """## What it does not show

- The simulated areas scatter independently and follow the model class of the detector. Real areas rise and fall together, report late and change
  their ways; the real city stands for that, with one disease, in few outbreaks.
- Outbreaks are circles. A long one along a road or river shares less with its nearest neighbours.
- The thresholds at equal rates are set on the simulated weeks themselves. A locality sees its own rate in the back-test of its own history.
- The comparison with the published averages is one of magnitudes: sizes of past and current outbreaks were drawn by the same rules, not
  the same numbers."""


def percent(estimate: Estimate, *, digits: int = 0) -> str:
    """A share with its interval."""
    if np.isnan(estimate.value):
        return "–"
    value, low, high = (f"{100 * part:.{digits}f}" for part in estimate)
    return f"{value} ({low}–{high})"


def points(estimate: Estimate) -> str:
    """A difference of shares with its interval."""
    value, low, high = (f"{100 * part:+.1f}".replace("-", "−") for part in estimate)
    return f"{value} ({low} to {high})"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def temporal_section(
    groups: Mapping[int, Mapping[str, temporal.Compared]], *, replicates: int, seed: int
) -> str:
    """One series without neighbours: the 42 scenarios, by group."""
    rng = np.random.default_rng(seed)
    whole = {
        kind: temporal.together([group[kind] for group in groups.values()])
        for kind in ("equal rate", "nominal", "published")
    }
    rows = []
    for label, one in [
        *((f"set {n}", group["equal rate"]) for n, group in groups.items()),
        ("all", whole["equal rate"]),
    ]:
        skills = {name: one.skill(name, rng=rng) for name in DETECTORS}
        rows.append(
            [
                label,
                *(percent(skills[name].pod, digits=1) for name in DETECTORS),
                points(one.gain()),
                *(percent(skills[name].pod_first_week, digits=1) for name in DETECTORS),
                points(one.gain(first_week=True)),
            ]
        )
    full = []
    for label, kind, name in [
        ("Farrington, α = .01, 5 cases in 4 weeks", "published", "Farrington"),
        ("Farrington, α = .01", "nominal", "Farrington"),
        (f"policy, score ≥ {NOMINAL:.2f}", "nominal", "policy"),
        ("Farrington, FPR 1 %", "equal rate", "Farrington"),
        ("policy, FPR 1 %", "equal rate", "policy"),
    ]:
        skill = whole[kind].skill(name, rng=rng)
        figures = (skill.fpr, skill.pod, skill.pod_first_week, skill.sensitivity, skill.ppv)
        wait = f"{skill.timeliness.value:.2f}"
        full.append([label, *(percent(figure, digits=1) for figure in figures), wait])
    n = len(whole["nominal"].truth)
    return f"""## One series, no neighbours

The 42 scenarios of Noufaily et al. 2013 (seven sets of parameters, without and with trend, 0 to 2 harmonics), {
        replicates
    } series for each scenario
and each size of outbreak 1 to 10, {n:,} series, weeks 576 to 624 tested (seed {
        seed
    }). At FPR 1 %, a threshold for each scenario and detector [%, gain in points]:

{
        table(
            [
                "",
                "POD Farrington",
                "POD policy",
                "gain",
                "first week Farrington",
                "first week policy",
                "gain",
            ],
            rows,
        )
    }

All scenarios together [%]:

{table(["", "FPR", "POD", "first week", "sensitivity", "PPV", "weeks"], full)}

Bédubourg & Le Strat 2017 found, over 21 methods on such series at α = .01, FPR from 0.7 to 59.9 % and POD from 43.3 to 88.7 %."""


def spatial_section(rows: Sequence[spatial.Row], *, seed: int) -> str:
    """Outbreaks that neighbours share."""
    lines = []
    for row in rows:
        cells: list[object] = [row.zoning, f"{row.level:g}", row.n_around, row.n]
        for rate in spatial.RATES:
            cells += [f"{100 * row.pod(rate, name).value:.0f}" for name in DETECTORS]
            cells.append(points(row.gain(rate)))
        lines.append(cells)
    totals: list[Sequence[object]] = []
    for label, shared in (("more than one area", True), ("one area", False)):
        for rate in spatial.RATES:
            found = spatial.overall(list(rows), rate, shared=shared)
            pods = [percent(found[name], digits=1) for name in DETECTORS]
            totals.append([label, f"{rate:.1%}", *pods, points(found["gain"])])
    nominal = []
    for level in spatial.LEVELS:
        chosen = [row for row in rows if row.level == level]
        mean = [np.mean([row.nominal[name] for row in chosen]) for name in DETECTORS]
        nominal.append([f"{level:g}", *(f"{100 * value:.2f}" for value in mean)])
    return f"""## Outbreaks that neighbouring areas share

An area drawn at random and its nearest others share an outbreak of {
        spatial.SIZE:g} standard deviations of their common week's count, spread over
{
        spatial.WEEKS
    } weeks; counts are negative binomial (φ 1.5) with a yearly wave and uneven rates, 342 weeks, the last 26 tested (seed {
        seed
    }). POD at equal rates:

{table(["outbreak in", "FPR", "Farrington [%]", "policy [%]", "gain [points]"], totals)}

By zoning, mean cases of an area in a week, and areas of the outbreak:

{
        table(
            [
                "zoning",
                "cases",
                "areas",
                "n",
                "1 % Farrington",
                "1 % policy",
                "gain",
                "0.1 % Farrington",
                "0.1 % policy",
                "gain",
            ],
            lines,
        )
    }

Share of quiet weeks of areas at the nominal score of {NOMINAL:.2f}, which is to be {
        tail(NOMINAL):.0%} [%]; the least number of cases of a warning makes it
far less where counts are small:

{table(["cases", *DETECTORS], nominal)}"""


def city_section(alone: city.Years, policy: city.Years) -> str:
    """The real city, year by year."""

    def day(years: city.Years, year: int) -> str:
        first = years.first(year)
        return "–" if first is None else first.strftime("%d.%m.")

    def line(label: str, years: Sequence[int]) -> list[object]:
        counts = [sum(one.n_alarms(year) for year in years) for one in (alone, policy)]
        days = [day(one, years[0]) if len(years) == 1 else "" for one in (alone, policy)]
        return [label, *days, *counts]

    rows = [line(str(year), [year]) for year in (2007, *city.OUTBREAKS)]
    rows += [line(f"{year}, quiet", [year]) for year in city.QUIET if year < 2015]
    rows += [line("2016–2022 and 2024, quiet", [y for y in city.QUIET if y > 2015])]
    rows += [line("2005, a cluster of 44 cases", [2005])]
    return f"""## A real city

Dengue fever in the 37 districts of Tainan by week: a stand-in for a mental-health series, real, with known outbreaks between years of nearly none.
Every week is judged by what was known then; 2023 is missing in the source and is no data. Both alarm only with {city.LEAST} cases of the
district in {city.LEAST_WEEKS} weeks, Farrington at α = .01, the policy at the same nominal score. First week with an alarm (its Monday) and alarms of all districts:

{table(["year", "first, Farrington", "first, policy", "alarms, Farrington", "alarms, policy"], rows)}

In years of outbreaks more alarms mean that the policy keeps saying so: districts that have few cases themselves while their neighbours have many, and weeks
in which Farrington alone falls silent. An alarm of a quiet year is a false one."""


def assemble(old: str, new: Mapping[str, str]) -> str:
    """The whole page; a section that was not measured now stays as it was.

    Parameters
    ----------
    old : the page as it is; may be empty.
    new : first line → section.
    """
    parts = re.split(r"^(?=## )", old, flags=re.MULTILINE)[1:]
    kept = {part.partition("\n")[0]: part.rstrip() for part in parts}
    titles = (
        "## One series, no neighbours",
        "## Outbreaks that neighbouring areas share",
        "## A real city",
    )
    known = {**kept, **new}
    sections = [known[title] for title in titles if title in known]
    return "\n\n".join([HEAD, HOW, *sections, LIMITS]) + "\n"
