"""One desired state a class, one file a family."""
