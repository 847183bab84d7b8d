"""Messages that are not known to be stored yet. The server stores each client id once, however often its message is sent,
for a day."""

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .frames import Message, SendMessagePayload
from .refused import Refused

# The server remembers a client id for 24 hours.
_MAX_AGE_SECS = 23 * 3600
# With its frame it stays below what closes a connection.
_MAX_BYTES = 128_000


@dataclass(eq=False)
class Entry:
    client_id: str
    payload: Mapping[str, Any]
    stored: asyncio.Future[Message]
    at: float = field(default_factory=time.time)
    is_done: bool = False
    """Whether the server has stored the message, which has not arrived."""

    @property
    def is_too_old(self) -> bool:
        return time.time() - self.at > _MAX_AGE_SECS


class Outbox:
    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def add(self, message: SendMessagePayload) -> Entry:
        if len(json.dumps(message, ensure_ascii=False).encode()) > _MAX_BYTES:
            raise Refused("too_large")
        client_id = message.get("client_id") or secrets.token_hex(16)
        stored: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        entry = Entry(client_id, {**message, "client_id": client_id}, stored)
        self._entries[client_id] = entry
        return entry

    def next(self) -> Entry | None:
        """The oldest entry that is to be sent."""
        return next((entry for entry in self._entries.values() if not entry.is_done), None)

    def send_all_again(self) -> None:
        """After a lost connection all that has not arrived is sent again."""
        for entry in self._entries.values():
            entry.is_done = False

    def settle(self, message: Message) -> None:
        """The message has arrived."""
        entry = self._entries.pop(message["client_id"] or "", None)
        if entry and not entry.stored.done():
            entry.stored.set_result(message)

    def refuse(self, entry: Entry, error: Refused) -> None:
        """The server does not take the message."""
        self._entries.pop(entry.client_id, None)
        if not entry.stored.done():
            entry.stored.set_exception(error)

    def refuse_all(self, error: Refused) -> None:
        for entry in list(self._entries.values()):
            self.refuse(entry, error)
