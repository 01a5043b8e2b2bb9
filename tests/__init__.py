"""The tests of iris-migrate."""
