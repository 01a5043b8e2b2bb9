"""The program as it is started: by its command line, in a process of its own."""
