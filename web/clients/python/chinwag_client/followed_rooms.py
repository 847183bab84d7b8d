"""What has arrived of each room: from where to resume it, and which messages came before."""

from dataclasses import dataclass, field

from .frames import Message

# Messages of a room that may come twice: a replay, and the answer to a message that was sent again.
_MAX_SEEN = 1000


@dataclass
class _FollowedRoom:
    # The newest message that has arrived, and its resume token.
    newest_id: int
    newest: str
    # Where the room resumes. During a replay by command new messages may precede missed ones, so it stays until the end.
    token: str
    is_replaying: bool = False
    # The resume tokens of the last messages. After a loss an id may be given again, a token is not.
    seen: dict[str, None] = field(default_factory=dict)


class FollowedRooms:
    def __init__(self) -> None:
        # Those with the newest activity last.
        self._rooms: dict[int, _FollowedRoom] = {}

    def __contains__(self, room: int) -> bool:
        return room in self._rooms

    def begin(self, room: int, message_id: int, resume: str) -> None:
        """Resumes a room from this message on, unless it is known."""
        self._rooms.setdefault(room, _FollowedRoom(message_id, resume, resume))

    def note(self, message: Message) -> bool:
        """Takes note of a message. Returns whether it has not arrived before."""
        resume = message["resume"]
        self.begin(message["room_id"], message["id"], resume)
        room = self._rooms[message["room_id"]]
        if resume in room.seen:
            return False
        room.seen[resume] = None
        if len(room.seen) > _MAX_SEEN:
            del room.seen[next(iter(room.seen))]
        if message["id"] > room.newest_id:
            room.newest_id, room.newest = message["id"], resume
        if not room.is_replaying:
            room.token = room.newest
        self._rooms[message["room_id"]] = self._rooms.pop(message["room_id"])
        return True

    def forget(self, room: int) -> None:
        """The server has lost messages of the room, or cannot say what was missed."""
        self._rooms.pop(room, None)

    def begin_replay(self, room: int) -> None:
        if known := self._rooms.get(room):
            known.is_replaying = True

    def end_replay(self, room: int) -> None:
        if known := self._rooms.get(room):
            known.is_replaying, known.token = False, known.newest

    def tokens(self) -> list[tuple[int, str]]:
        """Rooms and their resume tokens, those with the newest activity first."""
        return [(number, room.token) for number, room in reversed(self._rooms.items())]
