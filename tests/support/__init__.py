"""What tests of every room share: a closed network, a PostgreSQL server, a watched browser."""
