"""Proof of skill: `python -m tests.evaluate` measures it and writes docs/detection.md."""
