"""The only packages that touch the world: AWS, the host, the workstation, the public side."""
