"""Speed, beside a peer or a floor measured in the same run. `make bench` exits 1 over a limit. Not run by the tests."""
