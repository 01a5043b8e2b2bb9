"""Tests that need more of this machine than a user has: root, packages, a real systemd host."""
