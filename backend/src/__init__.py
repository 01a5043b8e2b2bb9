"""The IRIS backend: one Flask service that prepares a developer to read one source file."""
