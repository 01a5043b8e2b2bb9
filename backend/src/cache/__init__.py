"""Where answers are kept: a text-only disk store or Redis, with a small front in each process."""
