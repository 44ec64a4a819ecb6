"""Where new sites should go: the question, the ground it is asked of, and the answer."""
