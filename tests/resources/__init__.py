"""Data cases of the resources, and the tests that every resource class has to pass."""
