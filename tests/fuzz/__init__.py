"""Files as nobody should send them, by number, and what must hold of each: see `worker`."""
