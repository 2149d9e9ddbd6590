"""The pure core: what decides. No I/O, no clock, no randomness, no environment (a test over the imports holds this)."""
