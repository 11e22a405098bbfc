"""hRPC: how Harmony carries messages over HTTP and WebSocket. `codec` and `service` are pure; `asgi` is the shell."""
