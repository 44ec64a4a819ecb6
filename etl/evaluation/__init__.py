"""A locality's own past replayed: what would have been warned, how early, how often in vain."""
