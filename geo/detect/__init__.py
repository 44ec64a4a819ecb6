"""Detection of unusual weeks, and how it becomes a warning tier."""
