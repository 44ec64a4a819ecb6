"""Generalised linear models of many series at once: quasi-Poisson with a log link."""
