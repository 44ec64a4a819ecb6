"""At the department: row-level exports in, weekly counts by area out; persons never leave it.

Runs on a bare machine. Rows are read in chunks and counted in memory; nothing of a row is written
anywhere, not even into a temporary folder.
"""
