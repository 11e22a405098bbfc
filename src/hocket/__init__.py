"""Voice channels for Python: a self-hosted voice server, and the library it is made of."""
