"""A FastAPI app with voice channels under /voice. Run it: uvicorn --app-dir examples fastapi_app:app"""

from fastapi import FastAPI

from hocket import ChannelId, Credentials, Permissions, User, VoiceServer

MEMBERS = {"ada-secret": User(1, "Ada"), "bob-secret": User(2, "Bob")}


async def authenticate(credentials: Credentials) -> User | None:
    """Says who opens a stream; None lets nobody in."""
    return MEMBERS.get(credentials.token or "")


async def authorize(user: User, channel: ChannelId) -> Permissions:
    """Says what a user may do in a channel."""
    return Permissions(join=channel.guild == 1, speak=user.name == "Ada")


voice = VoiceServer(authenticate=authenticate, authorize=authorize)
app = FastAPI(lifespan=voice.lifespan)
app.mount("/voice", voice.asgi)


@app.get("/channels")
async def channels() -> dict[int, list[str]]:
    """Who is where."""
    return {id.channel: [person.user.name for person in view.participants] for id, view in voice.channels.items()}
