"""Withholding small counts, and the counts that would give them away."""

from geo.disclosure.hierarchy import suppress_hierarchy
from geo.disclosure.history import Earlier, suppress_again
from geo.disclosure.primary import LEAST_K, Published, suppress_derived, suppress_primary
from geo.disclosure.standin import stand_in
from geo.disclosure.sums import release_sums
from geo.disclosure.tree import Range, outsider_range

__all__ = [
    "LEAST_K",
    "Earlier",
    "Published",
    "Range",
    "outsider_range",
    "release_sums",
    "stand_in",
    "suppress_again",
    "suppress_derived",
    "suppress_hierarchy",
    "suppress_primary",
]
