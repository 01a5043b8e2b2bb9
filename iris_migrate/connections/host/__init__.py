"""One host over SSH: looking at it, working on it, following it."""
