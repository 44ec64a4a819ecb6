"""Detection of unusual weeks and places, and how it becomes a warning tier."""

from geo.detect.ears import Ears, ears
from geo.detect.farrington import Farrington, farrington, farrington_flexible

__all__ = ["Ears", "Farrington", "ears", "farrington", "farrington_flexible"]
