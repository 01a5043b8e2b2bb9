"""A practice world on this machine: AWS, a host, a model, a domain, an extension; reached by sockets only."""
