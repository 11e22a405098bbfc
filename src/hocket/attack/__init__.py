"""`hocket attack`: attacks that an operator may safely run against an own server, beside two people who talk.

A client: of the server it knows the wire alone, as `hocket.load` does, whose crowd the two people are of. Every attack
is bounded in time, packets and connections; `report` says what counts as harm.
"""
