"""Checklists in: loaded, checked, rendered and compiled to plain data."""
