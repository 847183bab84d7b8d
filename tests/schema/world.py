"""Users, rooms and messages that exist on the node under test, for the cases that Schemathesis sends."""

import contextlib
import io
import itertools
import os
import pathlib
import uuid

import requests

PASSWORD = "your_strong_password"
PICTURES = pathlib.Path(__file__).parent.parent / "pictures"
SEQ_BITS = 42
GLOBAL = 1

_session = requests.Session()


def call(method, path, user=None, **body):
    """Sends a request that must succeed."""
    headers = {"Authorization": f"Bearer {user.token}"} if user else {}
    answer = _session.request(method, os.environ["SCHEMA_URL"] + path, headers=headers, timeout=20, **body)
    if not answer.ok:
        raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
    return answer.json()


class User:
    """A user with a valid token."""

    def __init__(self, name, is_new=True):
        self.name = name
        self.rooms = {GLOBAL: "global"}
        credentials = {"username": name, "password": PASSWORD}
        if is_new:
            call("POST", "/api/v1/auth/register", json=credentials)
        self.token = call("POST", "/api/v1/auth/login", json=credentials)["token"]
        self.id = call("GET", "/api/v1/me", self)["id"]


class Application:
    """An application with all scopes. Its account is in no room but the global one."""

    def __init__(self):
        self.rooms = {GLOBAL: "global"}
        self.token = os.environ["SCHEMA_APPLICATION"]
        body = {"room_id": GLOBAL, "content": "Hello"}
        self.id = call("POST", "/api/v1/admin/messages", self, json=body)["user_id"]


class Message:
    """The ids of a message: those of document 003, and the number of the others."""

    def __init__(self, room, number, printed):
        self.room, self.uuid = room, printed["id"]
        seq = uuid.UUID(self.uuid).int & ((1 << SEQ_BITS) - 1)
        self.number = number * number + number + seq if number >= seq else seq * seq + number


class World:
    """What the cases can name. Its own users and rooms are spared by the cases that remove such, which get new ones."""

    def __init__(self):
        self._numbers = itertools.count(1)
        self._hooked = {}
        self.admin = User("Amelia", is_new=False)
        self.keeper, self.bob, self.carol, self.victim = map(User, ["Kaspar", "Bob", "Carol", "Victoria"])
        self.application = Application()
        self.public = self._public_room(self.keeper)
        self.group = self.new_group(self.keeper)
        self.hook = self.new_hook(self.group, self.keeper)["url"].rsplit("/", 1)[1]
        self.picture = self._picture()
        self.actors = [self._actor() for _ in range(3)]
        self.spare = None
        for user in [self.keeper, *self.actors]:
            user.rooms = {room["id"]: room["room_id"] for room in call("GET", "/api/v1/conversations", user)}
        senders = {number: user for user in [self.keeper, *self.actors] for number in user.rooms}
        self.rooms = {number: user.rooms[number] for number, user in senders.items()}
        self.messages = [self.new_message(user, number) for number, user in senders.items() for _ in range(3)]

    @property
    def users(self):
        return [self.admin, self.keeper, self.bob, self.carol, self.victim, *self.actors]

    def unique(self, start):
        """A name that nobody has."""
        return f"{start}{next(self._numbers)}"

    def new_user(self):
        return User(self.unique("Guest"))

    def disposable(self):
        """A user for a case that may end the token; the same one until it does."""
        self.spare = self.spare or self.new_user()
        return self.spare

    def new_group(self, owner):
        return call("POST", "/api/v1/rooms", owner, json={"name": self.unique("Group ")})["id"]

    def group_for_hooks(self, owner):
        """A group for webhooks. Those of the case before go with its group: a user makes at most fifty."""
        former = self._hooked.get(owner.id)
        with contextlib.suppress(RuntimeError):
            if former:
                call("DELETE", f"/api/v1/rooms/{former}", owner)
        self._hooked[owner.id] = self.new_group(owner)
        return self._hooked[owner.id]

    def new_hook(self, group, owner):
        """A webhook through which others post into a group."""
        body = {"kind": "incoming", "name": self.unique("Hook")}
        return call("POST", f"/api/v1/rooms/{group}/hooks", owner, json=body)

    def new_link(self, group, owner):
        return call("POST", f"/api/v1/rooms/{group}/links", owner, json={})["id"]

    def new_message(self, sender, number=GLOBAL):
        room, body = self.rooms[number], {"message_type": "text", "content": "Hello, 世界"}
        return Message(room, number, call("POST", f"/api/chat/send?room_id={room}", sender, json=body))

    def known_to(self, user):
        """The messages in the rooms of a user."""
        return [message for message in self.messages if message.room in user.rooms.values()]

    def new_member(self, group, owner):
        call("POST", f"/api/v1/rooms/{group}/members", owner, json={"username": "Bob"})
        return self.bob.id

    def session_of(self, user):
        return call("GET", "/api/v1/me/sessions", user)[0]["id"]

    def new_invite(self):
        return call("POST", "/api/v1/auth/invites", self.admin, json={})["id"]

    def _public_room(self, owner):
        form = {"room_name": (None, self.unique("Room ")), "description": (None, "For everyone")}
        return call("POST", "/api/chat/rooms", owner, files=form)["room_id"]

    def _picture(self):
        picture = io.BytesIO((PICTURES / "photo.jpg").read_bytes())
        return call("POST", "/api/v1/upload/image", self.keeper, files={"image": ("photo.jpg", picture)})["url"]

    def _actor(self):
        """A user who is in all rooms of the world, and has a group and a direct room."""
        actor = self.new_user()
        call("POST", f"/api/chat/rooms/{self.public}/join", actor)
        call("POST", f"/api/v1/rooms/{self.group}/members", self.keeper, json={"username": actor.name})
        call("POST", "/api/v1/rooms", actor, json={"is_private": True, "username": "Carol"})
        actor.group = self.new_group(actor)
        return actor
