"""Tests of what the shipped checklists put on a host."""
