"""The practice host's process 1: starts and ends every process, keeps the units and the journal."""
