"""Speed and memory beside peers, in one run, with equal answers."""
