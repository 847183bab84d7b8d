"""What happens when a node is lost: its sockets come back to the others."""

from collections import deque, namedtuple

from .costs import COSTS
from .load import new_rooms, node_bytes, node_cores, redis_cores, redis_us, shown_members
from .machines import nodes_needed

TIMEOUT_SECS = 1.2  # A handshake fails when Redis takes longer.
WASTED = 0.5  # What a try costs that fails, in one that succeeds. Assumed.
BACKOFF_SECS, MAX_BACKOFF_SECS, LEAST_OF_BACKOFF = 0.5, 20, 0.3  # web/src/net/backoff.ts
STEP_SECS = 0.1
LONGEST_SECS = 600
LONGEST_WAIT = 6  # The try from which on clients wait for the longest time.
Loss = namedtuple("Loss", "lost half_secs all_secs refused nodes_before nodes_after redis_before memory_after fits")


def return_us(plan, nodes):
    """What a socket that comes back costs the nodes and Redis: the handshake, its rooms, its presence."""
    fresh, known = new_rooms(plan, nodes), plan.rooms() - new_rooms(plan, nodes)
    units = {"handshake": 1, "room": fresh, "known_room": known, "shown": shown_members(plan), "event": nodes - 1}
    node = sum(times * COSTS[name].node for name, times in units.items())
    return node, sum(times * redis_us(plan, name) for name, times in units.items())


def wait_secs(attempt):
    """The shortest and the longest time that the web client waits before a try."""
    most = min(MAX_BACKOFF_SECS, BACKOFF_SECS * 2**attempt)
    return LEAST_OF_BACKOFF * most, most


def come_back(sockets, rate, notice_secs=0.0):
    """Lets sockets come back when `rate` a second can be served. Returns the seconds until half and all of them are
    back (None after ten minutes), and the tries that failed."""
    if rate <= 0:
        return None, None, 0.0
    arrivals = {}

    def schedule(count, attempt, after):
        least, most = wait_secs(attempt)
        most += notice_secs if attempt == 0 else 0
        first, last = round((after + least) / STEP_SECS), round((after + most) / STEP_SECS)
        for step in range(first, last + 1):
            due = arrivals.setdefault(step, {})
            due[attempt] = due.get(attempt, 0) + count / (last + 1 - first)

    schedule(sockets, 0, 0)
    waiting, back, refused, half, budget = deque(), 0.0, 0.0, None, 0.0
    for step in range(round(LONGEST_SECS / STEP_SECS)):
        now = step * STEP_SECS
        waiting.extend([now, attempt, count] for attempt, count in sorted(arrivals.pop(step, {}).items()))
        # What is not used is gone; failed tries may have used more than there was.
        budget = min(budget, 0) + rate * STEP_SECS
        while waiting and now - waiting[0][0] > TIMEOUT_SECS:
            _, attempt, count = waiting.popleft()
            refused, budget = refused + count, budget - count * WASTED
            schedule(count, min(attempt + 1, LONGEST_WAIT), now + STEP_SECS)
        while waiting and budget > 0:
            served = min(waiting[0][2], budget)
            back, budget = back + served, budget - served
            waiting[0][2] -= served
            if waiting[0][2] <= 1e-9:
                waiting.popleft()
        half = now if half is None and back >= sockets / 2 else half
        if back >= sockets * 0.9999:
            return half, now, refused
    return half, None, refused


def lose_node(plan, size, notice_secs=0.0):
    """What happens when one of the nodes of a fleet is lost."""
    left = size.nodes - 1
    lost = plan.users / size.nodes
    before = node_cores(plan, size.nodes) / (size.nodes * plan.cores)
    redis = redis_cores(plan, size.nodes, size.shards) / size.shards
    node, shard = return_us(plan, size.nodes)
    # The others go on with what they do. At worst nothing is left for those who come back.
    spare = min(left * plan.cores * (1 - before) / node, size.shards * (1 - redis) / shard) * 1e6
    half, all_back, refused = come_back(lost, max(spare, 0), notice_secs)
    after = node_cores(plan, left) / (left * plan.cores)
    memory = node_bytes(plan, left) / left
    fits = max(nodes_needed(plan).values()) <= left
    return Loss(lost, half, all_back, refused, before, after, redis, memory, fits)
