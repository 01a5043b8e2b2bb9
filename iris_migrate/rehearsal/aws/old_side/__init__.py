"""The old side of a practice world: what a migration starts from and a decommission takes down, in several kinds."""
