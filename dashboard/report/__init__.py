"""The weekly pack: pictures of the pages, slides of maps and tables, and what was made of what."""
