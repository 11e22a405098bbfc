"""`hocket bench`: a load client. It joins through the public protocol, so it can load any server of it."""
