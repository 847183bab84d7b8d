"""What users do, and what that makes of processors, memory and networks of all nodes and of all of Redis together."""

from collections import namedtuple
from dataclasses import dataclass

from .costs import COSTS, LONE_CALL, SIZES, WAITING_SEND

RECEIPT_MEMBERS = 500  # limits.receipt_members
PRESENCE_MEMBERS = 200  # Rooms with more members show no state of presence.
SMALL_SET = 128  # Members up to which Redis keeps a sorted set as one packed list.
TOKEN_DAYS = 7  # auth.token_ttl_secs: every account logs in once in that time.
ACTIVE_EVERY_SECS = 60  # How often an open socket counts as activity.
ID_DAYS = 1.5  # A client id is kept for one to two days.

# Rooms of one kind: their share of all messages, how many of them a user is in, their members, how many of these are
# online and hear a message, and the share of them that reads it by itself (others read several at once, or none).
# `alive`: the share of such rooms with messages that are still kept.
Kind = namedtuple("Kind", "name share rooms members online reads alive")
KINDS = (
    Kind("direct", 0.60, 15, 2, 2, 0.5, 0.2),
    Kind("group", 0.35, 14, 30, 10, 0.5, 0.3),
    Kind("large", 0.05, 1, 1500, 500, 0.05, 1.0),
)


@dataclass(frozen=True)
class Plan:
    """Users, what they do, and the machines. The comment of each field is its help."""

    users: float = 1_000_000  # connected users, each with one socket
    registered: float = 3  # accounts per connected user
    messages: float = 6  # messages of a connected user in the busiest hour
    day: float = 0.5  # the average hour, in the busiest one
    text: float = 60  # bytes of a message's text
    session_minutes: float = 30  # how long a socket stays open
    pages: float = 6  # pages of history that a user reads in an hour
    kinds: tuple = KINDS
    max_per_room: float = 1000  # messages kept per room
    retention_days: float = 7  # days that messages are kept
    cores: float = 8  # cores of a node, and its workers
    node_memory_gb: float = 16  # memory of a node
    node_files: float = 1_048_576  # open files of a node
    node_gbit: float = 10  # network of a node
    sockets_per_node: float = 100_000  # sockets that a node should have at most, so that losing it is bearable
    shard_memory_gb: float = 16  # maxmemory of a Redis server
    shard_gbit: float = 10  # network of a Redis server
    replicas: int = 1  # replicas of a shard
    wait_for: int = 0  # k of redis.durability = "replicas:k"; 0 for "server"
    load: float = 0.5  # share of processors and networks that may be used on average
    fill: float = 0.75  # share of memory that may be used
    skew: float = 1.25  # the fullest shard, in the average one
    lone_calls: float = LONE_CALL  # what a call costs Redis, in one that comes with 31 others

    def sends(self):
        return self.users * self.messages / 3600

    def opens(self):
        return self.users / (self.session_minutes * 60)

    def rooms(self):
        return sum(kind.rooms for kind in self.kinds)

    def accounts(self):
        return self.users * self.registered


def distinct(balls, boxes):
    """The expected number of boxes that are hit by so many balls."""
    return boxes * (1 - (1 - 1 / boxes) ** balls)


def hearers(kind, nodes):
    return distinct(kind.online, nodes)


def keeps_receipts(kind):
    return kind.members <= RECEIPT_MEMBERS


def new_rooms(plan, nodes):
    """How many of a user's rooms a node does not follow when the user comes."""
    return sum(kind.rooms * (1 - 1 / nodes) ** (kind.online - 1) for kind in plan.kinds)


def shown_members(plan):
    return sum(kind.rooms * (kind.members - 1) for kind in plan.kinds if kind.members <= PRESENCE_MEMBERS)


def reads(plan):
    """Readings that are recorded by themselves, a second, by kind of room."""
    return {kind: plan.sends() * kind.share * (kind.online - 1) * kind.reads for kind in plan.kinds}


def rates(plan, nodes):
    """How often a second each unit of COSTS is paid, by all nodes together."""
    sends, opens = plan.sends(), plan.opens()
    fresh = new_rooms(plan, nodes)
    heard = sum(sends * kind.share * hearers(kind, nodes) for kind in plan.kinds)
    heard += sum(often * hearers(kind, nodes) for kind, often in reads(plan).items() if keeps_receipts(kind))
    workers = nodes * plan.cores
    recorded = sum(kind.share * distinct(kind.online, workers) for kind in plan.kinds if keeps_receipts(kind))
    return {
        "idle": plan.users,
        "node": nodes,
        "handshake": opens,
        "room": opens * fresh,
        "known_room": opens * (plan.rooms() - fresh),
        "shown": opens * shown_members(plan),
        "send": sends,
        # Presence is told to every node: a user comes and goes.
        "event": heard + presence_events(plan) * nodes,
        "delivery": sum(sends * kind.share * kind.online for kind in plan.kinds),
        "delivered": sends * recorded,
        "read": sum(reads(plan).values()),
        "activity": plan.users / ACTIVE_EVERY_SECS,
        "history": plan.users * plan.pages / 3600,
        "row": opens * plan.rooms(),
        "login": plan.accounts() / (TOKEN_DAYS * 86_400) / plan.day,
    }


def presence_events(plan):
    return 2 * plan.opens()


def redis_us(plan, name):
    """What a unit costs Redis."""
    waits = name == "send" and plan.wait_for
    return COSTS[name].redis * (plan.lone_calls if COSTS[name].alone else 1) * (WAITING_SEND if waits else 1)


def node_cores(plan, nodes):
    """Cores that all nodes together use."""
    return sum(rate * COSTS[name].node for name, rate in rates(plan, nodes).items()) / 1e6


def redis_cores(plan, nodes, shards):
    """Cores that all shards together use."""
    busy = sum(rate * redis_us(plan, name) for name, rate in rates(plan, nodes).items())
    return (busy + nodes * shards * COSTS["probe"].redis) / 1e6


def followed_rooms(plan, nodes):
    """Rooms that the nodes follow, all nodes together, by kind."""
    return {kind: plan.users * kind.rooms / kind.online * hearers(kind, nodes) for kind in plan.kinds}


def node_bytes(plan, nodes):
    """Memory that all nodes together use."""
    followed, recent = SIZES["followed"].bytes, SIZES["recent"].bytes
    rooms = sum(count * (followed + kind.alive * recent) for kind, count in followed_rooms(plan, nodes).items())
    return plan.users * (SIZES["socket"].bytes + SIZES["kernel"].bytes) + rooms + nodes * SIZES["base"].bytes


def kept_messages(plan, kind):
    """Messages of one kind of room that are kept at a time."""
    sent = plan.sends() * plan.day * kind.share * plan.retention_days * 86_400
    return min(sent, rooms_of(plan, kind) * kind.alive * plan.max_per_room)


def rooms_of(plan, kind):
    return plan.accounts() * kind.rooms / kind.members


def redis_rows(plan, nodes):
    """Memory of Redis by what takes it, without connections, in bytes."""
    size = {name: unit.bytes for name, unit in SIZES.items()}
    base = {kind: size["direct"] if kind.members == 2 else size["room"] for kind in plan.kinds}
    member = {kind: size["member"] if kind.members <= SMALL_SET else size["large_member"] for kind in plan.kinds}
    sent = plan.sends() * plan.day * 86_400
    small = [kind for kind in plan.kinds if keeps_receipts(kind)]
    runs = sum(kept_messages(plan, kind) * (kind.online - 1) * kind.reads for kind in small)
    return {
        "accounts": plan.accounts() * size["account"] + plan.users * size["online"],
        "rooms": sum(rooms_of(plan, kind) * (base[kind] + kind.members * member[kind]) for kind in plan.kinds),
        "members of `global`": plan.accounts() * size["large_member"],
        "logs": sum(rooms_of(plan, kind) * kind.alive * size["log"] for kind in plan.kinds),
        "messages": sum(kept_messages(plan, kind) for kind in plan.kinds) * (size["message"] + plan.text),
        "client ids": sent * ID_DAYS * size["client_id"],
        "receipts": runs * size["receipt"],
        "subscriptions": sum(followed_rooms(plan, nodes).values()) * size["subscription"],
    }


def connections(plan, nodes):
    """Connections that a Redis server has: each worker and the node itself have one for calls, one for long lists and,
    with replicas:k, one for writes; and the node has one for events."""
    return nodes * ((plan.cores + 1) * (3 if plan.wait_for else 2) + 1)


def node_bits(plan, nodes):
    """What all nodes together send to clients and hear from Redis, bits a second."""
    rate = rates(plan, nodes)
    out = rate["delivery"] * SIZES["frame"].bytes + rate["history"] * SIZES["page"].bytes
    return 8 * (out + event_bytes(plan, nodes))


def event_bytes(plan, nodes):
    """What Redis publishes to all nodes, a second."""
    presence = presence_events(plan) * nodes
    return (rates(plan, nodes)["event"] - presence) * SIZES["event"].bytes + presence * presence_bytes(plan)


def presence_bytes(plan):
    return SIZES["event"].bytes + plan.rooms() * SIZES["told"].bytes


def redis_bits(plan, nodes):
    """What all shards together send to nodes, bits a second."""
    return 8 * (event_bytes(plan, nodes) + rates(plan, nodes)["history"] * SIZES["page"].bytes)
