"""Voice channels: the protocol's rules (pure), who is in which channel (pure), and the asyncio shell around both."""
