"""A real host for a rehearsal: Debian's own systemd, sshd, apt and nginx, in a container with a network of its own."""
