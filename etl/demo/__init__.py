"""A fictional county-level city, as its departments would hand it in."""

from etl.demo.city import DEFAULT_END_WEEK, write_demo
from etl.demo.truth import TRUTH_NAME, DemoTruth

__all__ = ["DEFAULT_END_WEEK", "TRUTH_NAME", "DemoTruth", "write_demo"]
