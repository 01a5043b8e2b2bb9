"""A stand-in for nginx where the machine has none: reads the configuration that was written, and serves by it."""
