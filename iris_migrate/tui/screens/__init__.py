"""One screen a file, its style beside it; each is awaited and answers with a typed result."""
