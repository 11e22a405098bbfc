"""Negotiation as pure functions over mediasoup's ORTC shapes: capabilities in, parameters out. No state, no I/O."""
