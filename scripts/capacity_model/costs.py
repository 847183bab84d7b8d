"""What things cost: CPU time, memory and bytes on the network, each with where the figure is from."""

from collections import namedtuple

PERF = "[performance.md](performance.md)"
OPS = "[operations.md](operations.md#memory)"
TRIAL = "one trial"  # Measured once by hand, as docs/scaling.md describes; no script repeats it.
ASSUMED = "**assumed**"

# CPU microseconds of the nodes and of Redis. `alone`: a call of its own, which costs Redis more when no others come
# with it.
Cost = namedtuple("Cost", "node redis alone what source")
COSTS = {
    "idle": Cost(0.84, 0.06, False, "an idle socket, a second", f"{PERF}, idle, 10,000 sockets"),
    "node": Cost(850, 1050, False, "a node without users, a second", f"{PERF}, idle, 0 sockets, half of two nodes"),
    "probe": Cost(15, 15, False, "a node's look at a shard, a second", ASSUMED),
    "handshake": Cost(98, 19, True, "opening a socket", f"{PERF}, opening"),
    "room": Cost(28, 9.6, False, "… in a room that the node does not follow yet", TRIAL),
    "known_room": Cost(4.5, 3.3, False, "… in a room that the node follows", TRIAL),
    "shown": Cost(1.9, 0.9, False, "… whose client shows presence, per other member of its rooms", TRIAL),
    "send": Cost(19.1, 18.7, True, "storing a message", f"{PERF}, send to a made room"),
    "event": Cost(2, 1, False, "an event that one node hears", f"{ASSUMED}; Redis took 0.35 to 2 in trials"),
    "delivery": Cost(5.6, 0, False, "a message that reaches a socket", f"{PERF}, 100 × 10"),
    "delivered": Cost(5, 7.6, True, "recording what a worker delivered of a room", f"Redis: {TRIAL}; node: {ASSUMED}"),
    "read": Cost(5, 14.6, True, "recording that a user has read", f"Redis: {TRIAL}; node: {ASSUMED}"),
    "activity": Cost(12, 3.3, True, "recording that a user is active", f"{PERF}, heartbeat"),
    "history": Cost(92.2, 21.1, True, "a page of 50 messages", f"{PERF}, history"),
    "row": Cost(4.8, 9.7, False, "a room in a list of conversations", f"{PERF}, rooms behind `global`, a fiftieth"),
    "login": Cost(60_000, 50, True, "a log-in, with bcrypt's cost of 10", ASSUMED),
    "global": Cost(3.62, 0, False, "a message to `global` that reaches a socket", f"{PERF}, 1 × 1000, 1 under way"),
}

Size = namedtuple("Size", "bytes what source")
SIZES = {
    "socket": Size(3700, "node: an idle socket", "[idle sockets](#idle-sockets-and-their-return), 19,500"),
    "kernel": Size(4000, "node's kernel: an idle TCP connection", ASSUMED),
    "followed": Size(1600, "node: a followed room", TRIAL),
    "recent": Size(1024, "node: … in which messages were sent", "from the code: 64 ids of 16 bytes"),
    "base": Size(37_000_000, "node: without users", f"{PERF}, idle, half of two nodes"),
    "account": Size(672, "Redis: an account", TRIAL),
    "online": Size(679, "Redis: … that is connected", TRIAL),
    "direct": Size(468, "Redis: a direct room", TRIAL),
    "room": Size(1875, "Redis: a group or public room with its first notice", TRIAL),
    "member": Size(100, "Redis: a membership, in the room and in the user's list", ASSUMED),
    "large_member": Size(102, "Redis: … of a room with more than 128 members", TRIAL),
    "log": Size(2100, "Redis: the log of a room with a few messages", f"{TRIAL}, `stream-node-max-bytes 1024`"),
    "message": Size(70, "Redis: a further message, without its text", OPS),
    "client_id": Size(30, "Redis: a client id", OPS),
    "receipt": Size(25, "Redis: a run of messages that a member read at once", OPS),
    "subscription": Size(240, "Redis: a room that a node follows", TRIAL),
    "connection": Size(38_000, "Redis: a connection", TRIAL),
    "frame": Size(300, "network: a message to a client", ASSUMED),
    "event": Size(260, "network: an event to a node", ASSUMED),
    "told": Size(8, "network: … of presence, more per room", ASSUMED),
    "page": Size(17_000, "network: a page of 50 messages", PERF),
}

# What a call that comes alone costs Redis, in one that comes with 31 others: docs/performance.md, TLS and waiting for
# replicas, 99.0 ÷ 38.1.
LONE_CALL = 2.6
# What storing a message costs Redis with replicas:k, in one without: the same table, 57.6 ÷ 38.1.
WAITING_SEND = 1.5
