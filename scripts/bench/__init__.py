"""The benchmark: what Sidekey costs, beside what a user would pick instead, in one run."""
