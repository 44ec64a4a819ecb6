"""Withholding small counts, and the counts that would give them away.

What is guaranteed, and tested by an attacker who knows every published figure, the sums along
the hierarchy and this code's rules: within one week and one measure nobody can tell on which side
of k a withheld small count lies. What is **not** guaranteed yet:

- from week to week: sums over several weeks, or a rate over a trailing window, published next to
  the weekly counts, can be taken apart; see the `window` of `suppress_derived`;
- across measures that add up to one another, and across zonings that overlap without nesting;
- across snapshots, when a count is corrected between two publications;
- against somebody who knows one of the withheld counts from elsewhere, or who argues from why
  just these cells were chosen.
"""

from geo.disclosure.hierarchy import Range, outsider_range, suppress_hierarchy
from geo.disclosure.primary import LEAST_K, Published, suppress_derived, suppress_primary

__all__ = [
    "LEAST_K",
    "Published",
    "Range",
    "outsider_range",
    "suppress_derived",
    "suppress_hierarchy",
    "suppress_primary",
]
