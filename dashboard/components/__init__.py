"""Reusable widgets: data and texts in, Dash components out; they read nothing."""
