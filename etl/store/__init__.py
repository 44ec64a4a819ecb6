"""The store: tables and migrations, one writer, one reader of what is published."""
