"""Puts ids, names and passwords that exist into a case. Without them nearly all cases would be about nothing."""

import io

from world import PASSWORD, PICTURES

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
FILES = {picture.name: picture.read_bytes() for picture in sorted(PICTURES.iterdir())}
# What looks like a cursor of one of the lists.
CURSORS = ["", "0-0", "1-1", "9999999999999-1", "1", "00", "426f62", "4294967295"]
DOCUMENTS = {"报告.pdf": PDF, "notes.txt": "Grüße, 世界\n".encode()}


class Fill:
    """What fits a case of a user. `dice` depends on the case alone, so that a seed repeats the choice."""

    def __init__(self, world, user, dice, label):
        self.world, self.user, self.dice, self.label = world, user, dice, label

    def path(self, values):
        if self.label.endswith("/rooms/{id}/members/{user_id}"):
            group = self.world.new_group(self.user)
            values.update(id=group, user_id=self.world.new_member(group, self.user))
            return
        if self.label == "DELETE /api/v1/rooms/{id}/hooks/{hook}":
            group = self.world.group_for_hooks(self.user)
            values.update(id=group, hook=self.world.new_hook(group, self.user)["id"])
            return
        if self.label == "DELETE /api/v1/rooms/{id}/links/{link_id}":
            group = self.world.new_group(self.user)
            values.update(id=group, link_id=self.world.new_link(group, self.user))
            return
        for name in values:
            known = self._path_value(name)
            if known is not None:
                values[name] = known

    def spare(self, values):
        """Replaces what the world still needs in a case that would remove or change it."""
        world = self.world
        if "/admin/users/" in self.label and str(values.get("id")) in {str(user.id) for user in world.users}:
            values["id"] = self._path_value("id")
        is_changed = self.label.startswith(("DELETE", "PATCH", "PUT")) or self.label.endswith("/hooks")
        is_of_room = is_changed and "rooms/{id}" in self.label
        if is_of_room and str(values.get("id")) in map(str, world.rooms):
            values["id"] = self._path_value("id")
        if self.label.endswith("/leave") and values.get("room_id") in world.rooms.values():
            values["room_id"] = world.public
        if "/me/blocks/" in self.label and str(values.get("user_id")) in {str(user.id) for user in world.actors}:
            values["user_id"] = world.bob.id

    def _path_value(self, name):
        world, label = self.world, self.label
        own_group = getattr(self.user, "group", world.group)
        if "/admin/users/" in label:
            is_gone = label == "DELETE /api/v1/admin/users/{id}"
            return world.new_user().id if is_gone else world.victim.id
        match name:
            case "token":
                return world.hook
            case "id" if label.endswith("/trace"):
                return self.dice.choice(world.messages).number
            case "id" if label == "POST /api/v1/rooms/{id}/hooks":
                return world.group_for_hooks(self.user)
            case "id" if label == "DELETE /api/v1/me/sessions/{id}":
                return world.session_of(self.user)
            case "id" if "/invites/" in label:
                return world.new_invite()
            case "id" if "/users/" in label:
                return self.dice.choice(world.users).id
            case "id" if label.startswith("DELETE"):
                return world.new_group(self.user if "/admin/" not in label else world.keeper)
            case "id" if label.startswith("GET"):
                return self.dice.choice(list(self.user.rooms))
            case "id":
                return own_group
            case "group_id":
                return world.rooms[own_group]
            case "room_id":
                return self.dice.choice([world.public, world.public, "global", world.rooms[world.group]])
            case "user_id":
                return self.dice.choice([world.bob, world.carol] if "blocks" in label else world.users).id
            case "message_id":
                return world.new_message(self.user).uuid
        return None

    def query(self, query):
        world = self.world
        if "cursor" in query:
            query["cursor"] = self.dice.choice(CURSORS)
        message = self.dice.choice(world.known_to(self.user))
        if self.label == "GET /api/v1/search":
            query["room_id"] = str(self.dice.choice(list(self.user.rooms)))
            query["q"] = self.dice.choice(["Hello", "世界", "Bob", "Gro", "Room", "ob"])
        elif "messages/{message_id}" in self.label:
            query["room_id"] = "global"
        elif "receiver_id" in query or "group_id" in query:
            self._one_receiver(query)
        elif "room_id" in query:
            query["room_id"] = message.room
        for name in ["before", "after"]:
            if name in query:
                query[name] = str(message.number) if "/admin/" in self.label else message.uuid
        if "before" in query and "after" in query:
            del query[self.dice.choice(["before", "after"])]

    def _one_receiver(self, values):
        for name in ["receiver_id", "group_id"]:
            values.pop(name, None)
        world = self.world
        if self.dice.random() < 0.5:
            values["receiver_id"] = str(self.dice.choice([world.bob, world.carol]).id)
        else:
            values["group_id"] = self.dice.choice([world.public, world.rooms[world.group]])

    def body(self, body):
        world, label, dice = self.world, self.label, self.dice
        known = {
            "user_id": str(world.bob.id) if "/group/" in label else dice.choice(world.users).id,
            "room_id": dice.choice(list(self.user.rooms)),
            "message_id": dice.choice(world.known_to(self.user)).number,
            "username": self._user_name(),
            "password": PASSWORD,
            "old": PASSWORD,
            "new": "another_strong_password",
            "email": f"{world.unique('guest')}@example.org" if self._is_account() else "Bob",
            "owner_id": world.keeper.id,
            "sender_id": world.bob.id,
            "avatar": dice.choice([world.picture, ""]),
            "phone": dice.choice(["+49 30 1234", ""]),
            "name": world.unique("Name "),
            "room_name": world.unique("Room "),
            "description": "任何人",
            "slow_mode_secs": 0,
            "page": dice.choice([1, 2]),
        }
        body.update({name: value for name, value in known.items() if name in body and body[name] is not None})
        for name in ["invite", "reply_to"]:
            body.pop(name, None)
        if body.get("client_id"):
            body["client_id"] = world.unique("id-")
        if label == "POST /api/v1/admin/messages":
            body.pop(dice.choice(["room_id", "user_id"]), None)
            body.pop("file_url", None)
            if "user_id" not in body:
                body["room_id"] = next(iter(self.user.rooms))
        if label == "POST /api/v1/chat/message":
            self._one_receiver(body)
        if label == "POST /api/v1/rooms":
            body.setdefault("username" if body.get("is_private") else "name", "Bob")

    def _is_account(self):
        return "register" in self.label or self.label == "POST /api/v1/admin/users"

    def _user_name(self):
        """The name of somebody who exists, or where one is chosen, a new one."""
        is_chosen = self._is_account() or "profile" in self.label or self.label.endswith("/me")
        return self.world.unique("Guest") if is_chosen else self.dice.choice([self.world.bob, self.world.carol]).name

    def files(self):
        """The form of an upload: field, and name and content of a file."""
        field = "image" if self.label.endswith("/image") else "file"
        name, content = self.dice.choice(list((FILES if field == "image" else FILES | DOCUMENTS).items()))
        form = {field: (name, io.BytesIO(content))}
        if "/chat/" in self.label:
            form["room_id"] = (None, self.dice.choice([self.world.public, "global"]))
        return form
