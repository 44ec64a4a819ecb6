"""The data: departments' files in, published snapshots out."""
