"""Notices of warnings: who is told of what, when, and what became of each."""
