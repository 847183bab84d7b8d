"""How many machines a load needs."""

import math
from collections import namedtuple

from .costs import SIZES
from .load import connections, node_bits, node_bytes, node_cores, redis_bits, redis_cores, redis_rows

RESERVED_FILES = 256
MOST_NODES = 1_000_000


def settle(need):
    """The smallest number of machines that suffices: `need` says how many suffice when there are so many. None if no
    number does."""
    count = 1
    while (wanted := max(1, math.ceil(need(count) - 1e-9))) > count:
        if wanted > MOST_NODES:
            return None
        count = wanted
    return count


def nodes_needed(plan):
    """Nodes that each resource demands."""
    return {
        "CPU": settle(lambda n: node_cores(plan, n) / (plan.cores * plan.load)),
        "memory": settle(lambda n: node_bytes(plan, n) / (plan.node_memory_gb * 1e9 * plan.fill)),
        "files": settle(lambda _: plan.users / max(plan.node_files - RESERVED_FILES, 1)),
        "network": settle(lambda n: node_bits(plan, n) / (plan.node_gbit * 1e9 * plan.load)),
        "sockets": settle(lambda _: plan.users / plan.sockets_per_node),
    }


def shards_needed(plan, nodes):
    """Shards that each resource demands."""
    room = plan.shard_memory_gb * 1e9 * plan.fill - connections(plan, nodes) * SIZES["connection"].bytes
    data, bits = sum(redis_rows(plan, nodes).values()), redis_bits(plan, nodes)

    def spread(total, one):
        """Shards over which a total is spread, of which one bears so much."""
        if one <= 0:
            return None
        return settle(lambda shards: total(shards) * (plan.skew if shards > 1 else 1) / one)

    return {
        "CPU": spread(lambda shards: redis_cores(plan, nodes, shards), plan.load),
        "memory": spread(lambda _: data, room),
        "network": spread(lambda _: bits, plan.shard_gbit * 1e9 * plan.load),
    }


Fleet = namedtuple("Fleet", "nodes shards node_needs shard_needs")


def fleet(plan):
    """Nodes, one of them to spare, and shards. None in place of a number that does not exist."""
    needs = nodes_needed(plan)
    if None in needs.values():
        return Fleet(None, None, needs, {})
    nodes = max(needs.values()) + 1
    shard_needs = shards_needed(plan, nodes)
    if None in shard_needs.values():
        return Fleet(nodes, None, needs, shard_needs)
    shards = max(shard_needs.values())
    # A cluster has three masters at least, or no majority is left when one fails.
    return Fleet(nodes, max(shards, 3) if shards > 1 else 1, needs, shard_needs)
