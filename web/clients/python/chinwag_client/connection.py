"""The WebSocket of document 000 with `?ext=1`: it connects again after a loss, resumes every room where it stopped, and sends each
message exactly once. `docs/protocols/webchat.md` describes the frames."""

import asyncio
import json
import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from .answers import http_client, ok, retry_after_ms
from .followed_rooms import FollowedRooms
from .frames import Command, Event, FetchHistoryPayload, Message, MessageHistoryPayload, SendMessagePayload
from .http.api.webchat import webchat_list_conversations
from .http.types import Unset
from .outbox import Entry, Outbox
from .refused import Refused

_LOG = logging.getLogger("chinwag_client")
# How long a handshake, a ping and most commands may take.
_ANSWER_SECS = 10
# Histories and the replay of missed events may be large.
_LARGE_ANSWER_SECS = 30
_PING_EVERY_SECS = 20
_MAX_FRAME_BYTES = 4 << 20
# Connections that were open for longer start over with the shortest wait.
_STABLE_SECS = 10
_BASE_MS, _MAX_MS, _MAX_HINT_MS = 500, 20_000, 60_000
# Rooms that the handshake resumes. With more, its address would be too long for some proxies.
_MAX_IN_HANDSHAKE = 100
# How long the message may take that the server has stored.
_ECHO_SECS = 8
# The waits before a message is sent again that the server could not take for the moment.
_RETRY_MS, _MIN_RETRY_MS, _MAX_RETRY_MS = 1500, 250, 30_000
_TEMPORARY = {"rate_limited", "unavailable", "timeout"}
# Close codes after which the server would refuse the next connection as well.
_FINAL = {1000, 1002, 1007, 1008, 1009}


@dataclass(frozen=True)
class Closed:
    """Why a connection ended for good: the server refuses the token, or closed with a code after which it would do so again."""

    code: int | str
    reason: str


class ChatConnection:
    """A connection of a user. `on_event` gets every event, in order; it should not take long.

    Connects when it is entered (`async with`), and again after every loss until it is left, or `closed`. Entered once more, it
    resumes.
    """

    def __init__(self, url: str, token: str, on_event: Callable[[Event], None]) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._on_event = on_event
        self._outbox = Outbox()
        self._rooms = FollowedRooms()
        self._socket: ClientConnection | None = None
        self._opened = asyncio.Event()
        # Commands without an answer so far, by `ref`.
        self._pending: dict[str, asyncio.Future[Mapping[str, Any]]] = {}
        self._last_ref = 0
        self._has_opened = False
        self._has_mail = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._http = http_client(self._url, self._token)
        self.closed: asyncio.Future[Closed] = asyncio.get_running_loop().create_future()
        """Resolves if the connection ends for good."""
        self._spawn(self._run())
        self._spawn(self._flush())
        return self

    async def __aexit__(self, *_: object) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.get_async_httpx_client().aclose()
        self._outbox.refuse_all(Refused("lost"))

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    async def wait_open(self) -> None:
        """Waits until there is a connection."""
        await self._opened.wait()

    async def send(self, message: SendMessagePayload) -> Message:
        """Sends a message, now or as soon as there is a connection, after the messages before it. It is stored once, however often
        connections are lost meanwhile. Returns the stored message.

        Raises `Refused` with the code of the server, which then has not stored it, or `lost` if this connection is left first.
        """
        if self.closed.done():
            raise Refused("lost", self.closed.result().reason)
        entry = self._outbox.add(message)
        self._has_mail.set()
        return await entry.stored

    async def command(self, command: Command) -> None:
        """Sends a command, and returns once the server has done it.

        Raises `Refused` with the code of the server, `lost` without a connection or if it ends first, `timeout` if there is no
        answer. After the last two the server may have done the command.
        """
        await self._request(command["type"], command["payload"], _ANSWER_SECS)

    async def fetch_history(self, query: FetchHistoryPayload) -> MessageHistoryPayload:
        """Reads a page of a history, oldest first. With `cut` it was too large, and its oldest messages are left out.

        Raises as `command`.
        """
        page: Any = await self._request("fetch_history", query, _LARGE_ANSWER_SECS)
        if page["messages"]:
            # After `not_recovered` the room is followed from here on.
            newest = page["messages"][-1]
            self._rooms.begin(query["room_id"], newest["id"], newest["resume"])
        history: MessageHistoryPayload = page
        return history

    async def _request(self, kind: str, payload: Mapping[str, Any], timeout_secs: float) -> Mapping[str, Any]:
        if (socket := self._socket) is None:
            raise Refused("lost")
        self._last_ref += 1
        ref = str(self._last_ref)
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending[ref] = answer
        try:
            await socket.send(json.dumps({"type": kind, "payload": {**payload, "ref": ref}}, ensure_ascii=False))
            # `wait_for` of Python 3.11 may swallow a cancellation.
            async with asyncio.timeout(timeout_secs):
                return await answer
        except ConnectionClosed:
            if self._socket is socket:
                self._socket = None
            raise Refused("lost") from None
        except TimeoutError:
            raise Refused("timeout") from None
        finally:
            self._pending.pop(ref, None)

    async def _run(self) -> None:
        attempt = 0
        while not self.closed.done():
            began = time.monotonic()
            wait_ms = await self._connect_once()
            if time.monotonic() - began > _STABLE_SECS:
                attempt = 0
            # A random part of a bound that doubles: clients that lost their connections together do not come back together.
            bound_ms = min(_MAX_MS, _BASE_MS * 2 ** min(attempt, 10))
            attempt += 1
            if not self.closed.done():
                await asyncio.sleep((wait_ms or bound_ms * random.uniform(0.3, 1)) / 1000)
        self._outbox.refuse_all(Refused("lost", self.closed.result().reason))

    async def _connect_once(self) -> float | None:
        """Connects, and handles what arrives until the connection ends. Returns how long the server asks to wait."""
        try:
            missed = await self._list_rooms()
            tokens = self._rooms.tokens()
            address = self._address(tokens[:_MAX_IN_HANDSHAKE])
            async with connect(
                address,
                open_timeout=_ANSWER_SECS,
                close_timeout=1,
                ping_interval=_PING_EVERY_SECS,
                ping_timeout=_ANSWER_SECS,
                max_size=_MAX_FRAME_BYTES,
            ) as socket:
                return await self._serve(socket, tokens[_MAX_IN_HANDSHAKE:], missed)
        except Refused as refusal:
            if refusal.status == 401:
                self.closed.set_result(Closed("unauthenticated", str(refusal)))
            return refusal.retry_after_ms
        except InvalidStatus as refusal:
            return retry_after_ms(refusal.response.headers.get("Retry-After"))
        except (httpx.HTTPError, InvalidHandshake, OSError):
            return None

    async def _list_rooms(self) -> list[int]:
        """Follows the rooms of the user from their last messages on, as far as they are new here. Returns those of a reconnection
        in which messages were missed."""
        missed = []
        for room in ok(await webchat_list_conversations.asyncio(client=self._http)):
            last = room.last_message
            if last is None or isinstance(last, Unset) or room.id in self._rooms:
                continue
            self._rooms.begin(room.id, last.id, last.resume)
            if self._has_opened:
                missed.append(room.id)
        return missed

    def _address(self, tokens: list[tuple[int, str]]) -> str:
        since = [("since", f"{room}:{token}") for room, token in tokens]
        query = urlencode([("ext", "1"), ("token", self._token), *since], safe=":")
        return f"{re.sub('^http', 'ws', self._url)}/ws?{query}"

    async def _serve(self, socket: ClientConnection, rest: list[tuple[int, str]], missed: list[int]) -> float | None:
        self._socket = socket
        self._has_opened = True
        self._outbox.send_all_again()
        self._has_mail.set()
        self._opened.set()
        try:
            if rest:
                self._spawn(self._resume(rest))
            for room in missed:
                self._tell({"type": "not_recovered", "payload": {"room_id": room}})
            async for text in socket:
                self._handle(json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            self._socket = None
            self._opened.clear()
            for answer in self._pending.values():
                if not answer.done():
                    answer.set_exception(Refused("lost"))
        code, reason = socket.close_code or 1006, socket.close_reason or ""
        if code in _FINAL:
            self.closed.set_result(Closed(code, reason))
        hint = re.search(r"retry_after_ms=(\d{1,6})\b", reason)
        return min(int(hint[1]), _MAX_HINT_MS) if hint else None

    async def _resume(self, tokens: list[tuple[int, str]]) -> None:
        """Resumes rooms for which the handshake had no place."""
        for room, _ in tokens:
            self._rooms.begin_replay(room)
        try:
            await self._request("resume", {"rooms": dict(tokens)}, _LARGE_ANSWER_SECS)
        except Refused as refusal:
            if refusal.code == "lost":
                return  # the next connection resumes them
            for room, _ in tokens:
                self._handle({"type": "not_recovered", "payload": {"room_id": room}})

    def _handle(self, frame: Any) -> None:
        kind, payload = frame["type"], frame["payload"]
        if kind in ("done", "pong", "message_history", "error"):
            answer = self._pending.get(payload.get("ref"))
            if answer is None or answer.done():
                return
            if kind != "error":
                return answer.set_result(payload)
            field, retry = payload.get("field"), payload.get("retry_after_ms")
            return answer.set_exception(Refused(payload["code"], payload["message"], field=field, retry_after_ms=retry))
        if kind == "new_message":
            self._outbox.settle(payload)
            if not self._rooms.note(payload):
                return
        elif kind in ("member_added", "member_removed"):
            if not self._rooms.note(payload["message"]):
                return
        elif kind == "resumed":
            self._rooms.end_replay(payload["room_id"])
        elif kind in ("not_recovered", "room_removed"):
            self._rooms.forget(payload["room_id"])
        self._tell(frame)

    def _tell(self, event: Event) -> None:
        try:
            self._on_event(event)
        except Exception:
            _LOG.exception("on_event failed")

    async def _flush(self) -> None:
        """Sends what is in the outbox, each message after the answer to the one before."""
        while True:
            entry = self._outbox.next()
            if entry is None or not self.is_open:
                self._has_mail.clear()
                await self._has_mail.wait()
            else:
                await self._deliver(entry)

    async def _deliver(self, entry: Entry) -> None:
        try:
            if entry.is_too_old:
                raise Refused("expired")
            await self._request("send_message", entry.payload, _ANSWER_SECS)
            entry.is_done = True
            asyncio.get_running_loop().call_later(_ECHO_SECS, self._send_again, entry)
        except Refused as refusal:
            if refusal.code == "lost":
                return  # the next connection sends it again
            if refusal.code in _TEMPORARY:
                wait_ms = max(refusal.retry_after_ms or _RETRY_MS, _MIN_RETRY_MS)
                await asyncio.sleep(min(wait_ms, _MAX_RETRY_MS) / 1000)
            else:
                self._outbox.refuse(entry, refusal)

    def _send_again(self, entry: Entry) -> None:
        """Sends a message again that the server has stored and that did not arrive."""
        if not entry.stored.done():
            entry.is_done = False
            self._has_mail.set()

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._handle_end)

    def _handle_end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        # A defect: nobody should wait for a connection that does not go on.
        _LOG.error("the connection failed", exc_info=error)
        if not self.closed.done():
            self.closed.set_exception(error)
        self._outbox.refuse_all(Refused("lost", str(error)))
