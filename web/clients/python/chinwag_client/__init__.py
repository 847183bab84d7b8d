"""A client for Chinwag: typed HTTP (`http_client`), and a WebSocket that resumes and loses no message (`ChatConnection`)."""

from .answers import http_client, ok
from .connection import ChatConnection, Closed
from .frames import Command, Event, ListedMessage, Message, SendMessagePayload
from .refused import Refused

__all__ = (
    "ChatConnection",
    "Closed",
    "Command",
    "Event",
    "ListedMessage",
    "Message",
    "Refused",
    "SendMessagePayload",
    "http_client",
    "ok",
)
