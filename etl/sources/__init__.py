"""Departments' files in any form, read and mapped to the canonical tables."""
