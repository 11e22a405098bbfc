"""Users of Harmony homeservers. To them we are a foreign server: they log in with what their homeserver has signed.

`HarmonyAuth` is the part to use. `federation`, `sessions`, `permissions` and `servers` are pure; `homeserver` asks,
`login` answers, `membership` decides, `ids` and `state` keep what must outlast a restart.
"""

from hocket.auth.harmony.authenticator import HarmonyAuth
from hocket.auth.harmony.ids import IdTable
from hocket.auth.harmony.permissions import Nodes
from hocket.auth.harmony.servers import Homeserver, read_homeserver
from hocket.auth.harmony.sessions import Session, Sessions
from hocket.auth.harmony.state import ids_secret, own_key

__all__ = [
    "HarmonyAuth",
    "Homeserver",
    "IdTable",
    "Nodes",
    "Session",
    "Sessions",
    "ids_secret",
    "own_key",
    "read_homeserver",
]
