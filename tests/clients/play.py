"""What users of the package for Python do, on two nodes. CHINWAG_NODES has their addresses; the file CHINWAG_VICTIM has the pid of
the first one, which a supervisor starts again after a crash."""

import asyncio
import os
import pathlib
import signal
import unittest
from collections.abc import Awaitable, Callable
from io import BytesIO

from chinwag_client import ChatConnection, Event, Message, Refused, http_client, ok
from chinwag_client.http.api.webchat import (
    webchat_add_member,
    webchat_create_room,
    webchat_list_members,
    webchat_log_in,
    webchat_log_out,
    webchat_register,
    webchat_search,
    webchat_upload_image,
)
from chinwag_client.http.models import Credentials, ImageForm, LogOutBody, NewMember, NewRoom, WebchatChatMessage
from chinwag_client.http.types import File

FIRST, SECOND = os.environ["CHINWAG_NODES"].split()
PASSWORD = "your_strong_password"
# More than the handshake of a reconnection has a place for.
ROOMS = 105
# More than a user may send at once.
SENDS = 35


def kill_first_node() -> None:
    os.kill(int(pathlib.Path(os.environ["CHINWAG_VICTIM"]).read_text()), signal.SIGKILL)


class Fragile(ChatConnection):
    """A connection that is cut when something arrives which is not wanted, as if the network had failed just before."""

    def __init__(self, url: str, token: str, on_event: Callable[[Event], None]) -> None:
        super().__init__(url, token, on_event)
        self.is_unwanted: Callable[[str], bool] = lambda text: False

    def _handle(self, frame: object) -> None:
        if self._socket and self.is_unwanted(str(frame)):
            self._socket.transport.abort()
            self._socket = None
        if self._socket:
            super()._handle(frame)


class User:
    """A user with a connection, and all that arrives there."""

    def __init__(self, name: str, url: str, token: str) -> None:
        self.name = name
        self.url = url
        self.token = token
        self.http = http_client(url, token)
        self.chat = Fragile(url, token, self._receive)
        self.received: list[Event] = []
        self._checks: dict[asyncio.Future[None], Callable[[], bool]] = {}

    @classmethod
    async def register(cls, name: str, url: str) -> "User":
        account = Credentials(username=name, password=PASSWORD)
        async with http_client(url) as stranger:
            await webchat_register.asyncio(client=stranger, body=account)
            token = ok(await webchat_log_in.asyncio(client=stranger, body=account)).token
        return cls(name, url, token)

    def _receive(self, event: Event) -> None:
        self.received.append(event)
        for done, is_so in list(self._checks.items()):
            if is_so() and not done.done():
                done.set_result(None)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Waits until something is so, which an event brings about."""
        if is_so():
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._checks[done] = is_so
        async with asyncio.timeout(30):
            await done
        del self._checks[done]

    async def until_messages(self, room: int, count: int) -> None:
        await self.until(lambda: len(self.messages(room)) >= count)

    def messages(self, room: int) -> list[Message]:
        new = [event["payload"] for event in self.received if event["type"] == "new_message"]
        return [message for message in new if message["room_id"] == room]

    def texts(self, room: int) -> list[str]:
        return [message["text"] for message in self.messages(room)]

    def has(self, kind: str, room: int, message_id: int | None = None) -> bool:
        """Whether an event of a room, or of a message, has arrived."""
        return any(
            event["type"] == kind and event["payload"].get("room_id") == room and message_id in (None, event["payload"].get("id"))
            for event in self.received
        )

    async def make_room(self, name: str) -> int:
        return ok(await webchat_create_room.asyncio(client=self.http, body=NewRoom(is_private=False, name=name))).id

    async def add(self, other: "User", room: int) -> None:
        await webchat_add_member.asyncio(room, client=self.http, body=NewMember(username=other.name))


class Clients(unittest.IsolatedAsyncioTestCase):
    async def refused(self, code: str, work: Callable[[], Awaitable[object]]) -> Refused:
        with self.assertRaises(Refused) as caught:
            await work()
        self.assertEqual(caught.exception.code, code)
        return caught.exception

    async def test_all(self) -> None:
        alice, bob = await User.register("Alice", FIRST), await User.register("Bob", SECOND)
        room = await alice.make_room("Project Alpha")
        async with bob.chat:
            async with alice.chat:
                for part in (self.talk, self.amend, self.read, self.ask_too_much, self.lose_a_node, self.lose_an_answer):
                    await part(alice, bob, room)
                    print("ok", part.__name__, flush=True)
            await self.resume(alice, bob, room)

    async def talk(self, alice: User, bob: User, room: int) -> None:
        await asyncio.gather(alice.chat.wait_open(), bob.chat.wait_open())
        await alice.add(bob, room)
        await bob.until(lambda: bob.has("member_added", room))
        members = ok(await webchat_list_members.asyncio(room, client=bob.http))
        self.assertEqual([member.username for member in members], ["Alice", "Bob"])
        sent = await alice.chat.send({"room_id": room, "content": "Hello Bob!"})
        reply = await bob.chat.send({"room_id": room, "content": "Hello Alice!", "reply_to": sent["id"]})
        await alice.until(lambda: "Hello Alice!" in alice.texts(room))
        self.assertEqual(alice.messages(room)[-1], reply)
        self.assertEqual(reply["reply_to"], sent["id"])

    async def amend(self, alice: User, bob: User, room: int) -> None:
        message = (await alice.chat.send({"room_id": room, "content": "Tomorow"}))["id"]
        await alice.chat.command({"type": "edit_message", "payload": {"room_id": room, "id": message, "content": "Tomorrow"}})
        await bob.chat.command({"type": "react", "payload": {"room_id": room, "id": message, "emoji": "👍", "on": True}})
        await alice.chat.command({"type": "pin", "payload": {"room_id": room, "id": message, "on": True}})
        await alice.chat.command({"type": "delete_message", "payload": {"room_id": room, "id": message}})
        await bob.until(lambda: bob.has("message_deleted", room, message))
        for kind in ("message_edited", "reaction", "pinned"):
            self.assertTrue(bob.has(kind, room, message), kind)

    async def read(self, alice: User, bob: User, room: int) -> None:
        picture = BytesIO(pathlib.Path(os.environ["CHINWAG_PICTURE"]).read_bytes())
        form = ImageForm(image=File(picture, "still.png", "image/png"))
        uploaded = ok(await webchat_upload_image.asyncio(client=alice.http, body=form))
        sent = await alice.chat.send({"room_id": room, "content": uploaded.url, "is_image": True})
        self.assertEqual(sent["message_type"], "image")
        found = await webchat_search.asyncio(client=bob.http, kind="message", q="hello b", room_id=str(room))
        assert isinstance(found, list)
        self.assertEqual([it.text for it in found if isinstance(it, WebchatChatMessage)], ["Hello Bob!"])
        whole = (await bob.chat.fetch_history({"room_id": room, "page_size": 100}))["messages"]
        pages = [await bob.chat.fetch_history({"room_id": room, "page": page, "page_size": 3}) for page in (2, 1)]
        self.assertEqual([message for page in pages for message in page["messages"]], whole[-6:])

    async def ask_too_much(self, alice: User, bob: User, room: int) -> None:
        again = Credentials(username="Alice", password=PASSWORD)
        refusal = await self.refused("name_taken", lambda: webchat_register.asyncio(client=alice.http, body=again))
        self.assertEqual(refusal.status, 409)
        await self.refused("room_not_found", lambda: alice.chat.send({"room_id": 999_999, "content": "Anybody?"}))
        refusal = await self.refused("length", lambda: alice.chat.send({"room_id": room, "content": "x" * 5001}))
        self.assertEqual(refusal.field, "content")
        await self.refused("too_large", lambda: alice.chat.send({"room_id": room, "content": "x" * 200_000}))
        carol = await User.register("Carol", SECOND)
        await self.refused("lost", lambda: carol.chat.command({"type": "typing", "payload": {"room_id": 1}}))
        async with carol.chat:
            await carol.chat.wait_open()
            await webchat_log_out.asyncio(client=carol.http, body=LogOutBody(everywhere=True))
            self.assertEqual((await asyncio.wait_for(carol.chat.closed, 30)).code, 1008)
        async with ChatConnection(carol.url, carol.token, print) as late:
            self.assertEqual((await asyncio.wait_for(late.closed, 30)).code, "unauthenticated")

    async def lose_a_node(self, alice: User, bob: User, _: int) -> None:
        stage = await alice.make_room("Stage")
        await alice.add(bob, stage)
        wanted = {user.name: [f"{user.name} {at}" for at in range(SENDS)] for user in (alice, bob)}
        loop = asyncio.get_running_loop()
        sends = [
            loop.create_task(user.chat.send({"room_id": stage, "content": text}))
            for user in (alice, bob)
            for text in wanted[user.name]
        ]
        await sends[5]
        kill_first_node()
        stored = await asyncio.gather(*sends)
        await alice.until(lambda: alice.has("resumed", stage))
        for user in (alice, bob):
            await user.until_messages(stage, 2 * SENDS)
            texts = user.texts(stage)
            self.assertEqual(sorted(texts), sorted(wanted["Alice"] + wanted["Bob"]))
            # In the order in which the server stored them.
            ids = [message["id"] for message in user.messages(stage)]
            self.assertEqual(ids, sorted(message["id"] for message in stored))
            self.assertEqual([text for text in texts if text.startswith(user.name)], wanted[user.name])
        history = await bob.chat.fetch_history({"room_id": stage, "page_size": 1000})
        self.assertEqual([it["text"] for it in history["messages"] if "notice" not in it], alice.texts(stage))

    async def lose_an_answer(self, alice: User, bob: User, room: int) -> None:
        alice.chat.is_unwanted = lambda text: "lost answer" in text or "done" in text
        sent = asyncio.create_task(alice.chat.send({"room_id": room, "content": "lost answer"}))
        while alice.chat.is_open:
            await asyncio.sleep(0)
        alice.chat.is_unwanted = lambda text: False
        message = await sent
        # Whatever else there is of the message precedes the next one.
        await alice.chat.send({"room_id": room, "content": "after that"})
        await bob.until(lambda: "after that" in bob.texts(room))
        for user in (alice, bob):
            found = [it["id"] for it in user.messages(room) if it["text"] == "lost answer"]
            self.assertEqual(found, [message["id"]])

    async def resume(self, alice: User, bob: User, room: int) -> None:
        async with alice.chat:
            await alice.chat.wait_open()
            kept = (await alice.chat.send({"room_id": room, "content": "kept"}))["id"]
            dropped = (await alice.chat.send({"room_id": room, "content": "dropped"}))["id"]
            old = await alice.make_room("Old")
            await alice.add(bob, old)
            rooms = [await alice.make_room(f"Room {count}") for count in range(ROOMS)]
            await alice.until(lambda: all(alice.has("member_added", made) for made in rooms))
        # While she is away:
        await bob.chat.send({"room_id": old, "content": "in an old room"})
        edited = (await bob.chat.send({"room_id": room, "content": "edit me"}))["id"]
        await bob.chat.command({"type": "edit_message", "payload": {"room_id": room, "id": edited, "content": "edited"}})
        await bob.chat.command({"type": "react", "payload": {"room_id": room, "id": kept, "emoji": "🎉", "on": True}})
        direct = ok(await webchat_create_room.asyncio(client=bob.http, body=NewRoom(is_private=True, username="Alice"))).id
        await bob.chat.send({"room_id": direct, "content": "between us"})
        async with ChatConnection(SECOND, alice.token, lambda event: None) as elsewhere:
            await elsewhere.wait_open()
            await elsewhere.command({"type": "delete_message", "payload": {"room_id": room, "id": dropped}})
        async with alice.chat:
            await alice.until(lambda: "in an old room" in alice.texts(old))
            await alice.until(lambda: "edited" in alice.texts(room))
            await alice.until(lambda: alice.has("message_deleted", room, dropped))
            await alice.until(lambda: alice.has("reaction", room, kept) or alice.has("reactions", room, kept))
            # A room that she did not know of.
            await alice.until(lambda: alice.has("not_recovered", direct))
            page = await alice.chat.fetch_history({"room_id": direct, "page_size": 20})
            self.assertEqual([message["text"] for message in page["messages"]], ["between us"])
        for number in (room, old):
            self.assertEqual(len(set(alice.texts(number))), len(alice.texts(number)))


if __name__ == "__main__":
    unittest.main()
