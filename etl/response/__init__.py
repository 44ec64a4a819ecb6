"""How a warning is answered: opened, acknowledged, responded to, closed; by whom and in time."""
