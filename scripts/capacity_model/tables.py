"""The model's results as tables, for the terminal and for docs/scaling.md."""

import math
import re

from .costs import COSTS, SIZES
from .load import (
    KINDS, Plan, connections, followed_rooms, node_bits, node_bytes, node_cores, rates, redis_bits, redis_cores,
    redis_rows,
)
from .loss import lose_node, return_us
from .machines import fleet
from .walls import global_rate, walls


def number(value, digits=0):
    return "–" if value is None else f"{value:,.{digits}f}"


def rough(value):
    """Two digits, for what is not known more exactly."""
    if value is None:
        return "beyond a billion"
    unit = 10 ** max(math.floor(math.log10(value)) - 1, 0)
    return f"{round(value / unit) * unit:,}"


def giga(value):
    return f"{value / 1e9:,.0f} GB" if value >= 1e10 else f"{value / 1e9:.1f} GB"


def secs(value):
    return "more than ten minutes" if value is None else f"{value:.1f} s"


def table(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cost_table():
    costs = [(cost.what, f"{cost.node:,}", f"{cost.redis:,}", cost.source) for cost in COSTS.values()]
    sizes = [(size.what, f"{size.bytes:,}", size.source) for size in SIZES.values()]
    head = ("CPU time", "nodes µs", "Redis µs", "from")
    return table(head, costs) + "\n\n" + table(("size", "bytes", "from"), sizes)


def kind_table():
    head = ("rooms", "share of messages", "of a user", "members", "online", "read one by one", "with messages")
    cells = "{0.name}|{0.share:.0%}|{0.rooms}|{0.members}|{0.online}|{0.reads:.0%}|{0.alive:.0%}"
    return table(head, [cells.format(kind).split("|") for kind in KINDS])


# The machines of each size in docs/scaling.md.
SMALL = Plan(users=10_000, cores=2, node_memory_gb=4, shard_memory_gb=8, node_gbit=1, shard_gbit=1)
EXAMPLES = (SMALL, Plan(users=1_000_000), Plan(users=10_000_000, shard_memory_gb=64))


def needs_text(needs):
    return ", ".join(f"{name} {number(count)}" for name, count in needs.items())


def shopping(plan):
    """What to buy, by the names of the rows of a table."""
    size = fleet(plan)
    machine = f"{plan.cores:g} cores, {plan.node_memory_gb:g} GB, {plan.node_gbit:g} Gbit/s"
    rows = {"nodes": f"**{number(size.nodes)}** ({machine})"}
    rows["… needed, and one to spare"] = needs_text(size.node_needs)
    if size.nodes:
        rows |= of_a_node(plan, size.nodes) | {"shards needed": needs_text(size.shard_needs)}
    if size.shards:
        rows |= of_redis(plan, size.nodes, size.shards)
    return rows


def of_a_node(plan, nodes):
    rooms = sum(followed_rooms(plan, nodes).values()) / nodes
    busy = node_cores(plan, nodes) / nodes / plan.cores
    return {
        "a node: sockets, followed rooms": f"{plan.users / nodes:,.0f}, {rooms:,.0f}",
        "a node: CPU, memory": f"{busy:.0%}, {giga(node_bytes(plan, nodes) / nodes)}",
        "a node: network": f"{node_bits(plan, nodes) / nodes / 1e6:,.0f} Mbit/s",
        "messages stored, delivered, a second": f"{plan.sends():,.0f}, {rates(plan, nodes)['delivery']:,.0f}",
        "messages to `global`, at most": f"{global_rate(plan, nodes):,.0f} a second, and nothing else",
    }


def of_redis(plan, nodes, shards):
    data, link = redis_rows(plan, nodes), connections(plan, nodes)
    most = sorted(data.items(), key=lambda row: -row[1])[:4]
    machine = f"`maxmemory` {plan.shard_memory_gb:g} GB, {plan.shard_gbit:g} Gbit/s"
    return {
        "Redis servers": f"**{shards * (1 + plan.replicas):,}** ({machine})",
        "… of them masters": f"{shards:,}, each with {plan.replicas} more",
        "Redis: data on all masters": giga(sum(data.values())),
        "… most of it": ", ".join(f"{name} {giga(amount)}" for name, amount in most),
        "a master: CPU": f"{redis_cores(plan, nodes, shards) / shards:.0%} of a core",
        "a master: network": f"{redis_bits(plan, nodes) / shards / 1e6:,.0f} Mbit/s",
        "a master: connections": f"{link:,.0f}, {link * SIZES['connection'].bytes / 1e6:,.0f} MB",
    }


def people(plan):
    return f"{plan.users:,.0f} connected"


def side_by_side(plans, columns):
    """A table with a column for each plan. Columns may lack the last rows."""
    names = max(columns, key=len)
    return table(["", *map(people, plans)], [[name, *(column.get(name, "–") for column in columns)] for name in names])


def wall_table(plan):
    rows = [(rough(at), wall.what, wall.moves) for at, wall in walls(plan)]
    return table(("connected users", "wall", "what moves it"), rows)


def losing(plan, notice_secs=0.0):
    """What the loss of a node means, by the names of the rows of a table."""
    size = fleet(plan)
    loss = lose_node(plan, size, notice_secs)
    work = loss.lost * return_us(plan, size.nodes)[1] / 1e6
    return {
        "sockets that come back": number(loss.lost),
        "half of them are back after": secs(loss.half_secs),
        "all of them are back after": secs(loss.all_secs),
        "tries that fail": number(loss.refused),
        "work of each master for it": f"{work / size.shards:,.1f} core-seconds",
        "… if all nodes are lost at once": f"{work / size.shards * size.nodes:,.0f} core-seconds",
        "CPU of a node, before and after": f"{loss.nodes_before:.0%}, {loss.nodes_after:.0%}",
        "memory of a node after": giga(loss.memory_after) + ("" if loss.fits else ", too much"),
        "CPU of a master before": f"{loss.redis_before:.0%}",
    }


def sections():
    """The tables of docs/scaling.md by name."""
    return {
        "costs": cost_table(),
        "rooms": kind_table(),
        "walls": wall_table(Plan()),
        "shopping": side_by_side(EXAMPLES, [shopping(plan) for plan in EXAMPLES]),
        "loss": side_by_side(EXAMPLES, [losing(plan) for plan in EXAMPLES]),
        "silence": side_by_side(EXAMPLES, [losing(plan, 30) for plan in EXAMPLES]),
    }


def with_sections(page):
    """The page with all tables put in between their marks."""
    for name, text in sections().items():
        mark = re.compile(rf"(<!-- scripts/capacity {name} -->\n).*?(<!-- end -->)", re.S)
        page, found = mark.subn(lambda match: f"{match[1]}{text}\n{match[2]}", page)
        if found != 1:
            raise ValueError(f"the page has {found} places for the table {name}")
    return page
