"""Expected counts of the weeks to come: honest baselines, judged on what they would have said."""
