"""What gives way as the number of users grows, in order, and what moves it."""

import math
from collections import namedtuple
from dataclasses import replace

from .costs import COSTS
from .load import connections, presence_bytes, presence_events
from .machines import fleet, nodes_needed, shards_needed

REDIS_CLIENTS = 10_000  # Redis' default of maxclients.
# Members of a room that Redis moves in 3 s, the cluster-node-timeout; in one trial a million took 0.86 s.
MOVED_MEMBERS = 3_500_000

# `holds` says whether a plan is on this side of the wall.
Wall = namedtuple("Wall", "what holds moves")


def one_redis(plan):
    nodes = fleet(plan).nodes
    return {} if nodes is None else shards_needed(plan, nodes)


def hears_presence(plan):
    """Share of what may be used of a node's processors or network that the presence of all users takes."""
    cores = presence_events(plan) * COSTS["event"].node / 1e6
    bits = 8 * presence_events(plan) * presence_bytes(plan)
    return max(cores / plan.cores, bits / (plan.node_gbit * 1e9)) / plan.load


WALLS = (
    Wall("one node is full", lambda p: max(n or math.inf for n in nodes_needed(p).values()) == 1, "More nodes."),
    Wall(
        "the memory of one Redis is full",
        lambda p: one_redis(p).get("memory") == 1,
        "A larger server; shorter `messages.retention_secs` or smaller `messages.max_per_room`; then a Redis Cluster.",
    ),
    Wall("the core of one Redis is busy", lambda p: one_redis(p).get("CPU") == 1, "A Redis Cluster."),
    Wall(
        "the slot of `global` cannot be moved",
        lambda p: p.accounts() <= MOVED_MEMBERS,
        "Moving its members blocks both servers longer than `cluster-node-timeout` (3 s): raise that before you move "
        "this slot, or leave it where it is. Not built: a `global` without a set of members.",
    ),
    Wall(
        "a Redis server has 10,000 connections",
        lambda p: (nodes := fleet(p).nodes) is not None and connections(p, nodes) <= REDIS_CLIENTS,
        "`maxclients`; fewer and larger nodes, or fewer `server.workers`. Not built: connections that the workers "
        "of a node share.",
    ),
    Wall(
        "presence takes half of every node",
        lambda p: hears_presence(p) <= 0.5,
        "Every node hears of each user who comes or goes, so more nodes do not help; larger ones do. Not built: "
        "presence that only the nodes concerned hear.",
    ),
    Wall(
        "no number of nodes suffices",
        lambda p: fleet(p).nodes is not None,
        "Presence takes all of a node's processors or of its network, see above.",
    ),
)
MOST_USERS = 1e9


def reach(plan, holds):
    """The largest number of users on this side of a wall, to about a thousandth. None when it is beyond MOST_USERS."""
    low, high = 1.0, MOST_USERS
    if holds(replace(plan, users=high)):
        return None
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if holds(replace(plan, users=middle)) else (low, middle)
    return low


def walls(plan):
    """The walls with the number of users that reaches each, nearest first."""
    found = [(reach(plan, wall.holds), wall) for wall in WALLS]
    return sorted(found, key=lambda pair: pair[0] or math.inf)


def global_rate(plan, nodes):
    """Messages a second to `global` that the nodes carry when they do nothing else."""
    return nodes * plan.cores * plan.load / (plan.users * COSTS["global"].node / 1e6)
