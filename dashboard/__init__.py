"""The people: pages, figures and the command line."""
