"""What must hold of the capacity model, whatever its figures are, and that docs/scaling.md has its tables."""

import contextlib
import io
import math
import random
import sys
import unittest
from dataclasses import replace
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from capacity_model import load, loss, machines, tables, walls  # noqa: E402
from capacity_model.load import Kind, Plan  # noqa: E402


def command():
    """scripts/capacity as a module."""
    loader = SourceFileLoader("capacity", str(ROOT / "scripts" / "capacity"))
    module = module_from_spec(spec_from_loader("capacity", loader))
    loader.exec_module(module)
    return module


capacity = command()


def plans():
    """Plans of all kinds, the same at each run."""
    dice = random.Random(7)
    for _ in range(60):
        yield Plan(
            users=round(10 ** dice.uniform(0, 7.5)),
            registered=dice.uniform(1, 10),
            messages=dice.choice([0, 1, 6, 60]),
            session_minutes=dice.choice([5, 30, 600]),
            cores=dice.choice([1, 2, 8, 64]),
            node_memory_gb=dice.choice([2, 16, 128]),
            node_gbit=dice.choice([1, 10]),
            node_files=dice.choice([1024, 65_536, 1_048_576]),
            sockets_per_node=dice.choice([1000, 100_000]),
            shard_memory_gb=dice.choice([1, 16, 64]),
            replicas=2,
            wait_for=dice.choice([0, 1]),
        )


def more(count):
    """A number of machines for comparisons: none that suffices is more than any."""
    return math.inf if count is None else count


class Machines(unittest.TestCase):
    def test_more_users_never_need_fewer_machines(self):
        for plan in plans():
            for factor in (1.01, 2, 10):
                with self.subTest(plan=plan, factor=factor):
                    few, many = machines.fleet(plan), machines.fleet(replace(plan, users=plan.users * factor))
                    self.assertLessEqual(more(few.nodes), more(many.nodes))
                    self.assertLessEqual(more(few.shards), more(many.shards))

    def test_what_asks_more_never_needs_fewer_machines(self):
        asking = {"messages": 2, "registered": 2, "session_minutes": 0.5, "text": 2, "pages": 2, "retention_days": 2}
        for plan in plans():
            for field, factor in asking.items():
                with self.subTest(plan=plan, field=field):
                    few, many = machines.fleet(plan), machines.fleet(replace(plan, **{field: getattr(plan, field) * factor}))
                    self.assertLessEqual(more(few.nodes), more(many.nodes))
                    if few.nodes == many.nodes:
                        self.assertLessEqual(more(few.shards), more(many.shards))

    def test_larger_machines_are_never_more(self):
        for plan in plans():
            for field in ("node_memory_gb", "node_files", "node_gbit", "sockets_per_node"):
                with self.subTest(plan=plan, field=field):
                    larger = machines.fleet(replace(plan, **{field: getattr(plan, field) * 2}))
                    self.assertLessEqual(more(larger.nodes), more(machines.fleet(plan).nodes))
            for field in ("shard_memory_gb", "shard_gbit"):
                with self.subTest(plan=plan, field=field):
                    larger = machines.fleet(replace(plan, **{field: getattr(plan, field) * 2}))
                    self.assertLessEqual(more(larger.shards), more(machines.fleet(plan).shards))

    def test_the_machines_suffice_even_when_a_node_is_lost(self):
        found = 0
        for plan in plans():
            size = machines.fleet(plan)
            if size.shards is None:
                continue
            found += 1
            with self.subTest(plan=plan):
                left = size.nodes - 1
                self.assertLessEqual(load.node_cores(plan, left) / left, plan.cores * plan.load + 1e-6)
                self.assertLessEqual(load.node_bytes(plan, left) / left, plan.node_memory_gb * 1e9 * plan.fill + 1)
                self.assertLessEqual(load.node_bits(plan, left) / left, plan.node_gbit * 1e9 * plan.load + 1)
                self.assertLessEqual(plan.users / left, min(plan.sockets_per_node, plan.node_files))
                skew = plan.skew if size.shards > 1 else 1
                links = load.connections(plan, size.nodes) * load.SIZES["connection"].bytes
                data = sum(load.redis_rows(plan, size.nodes).values()) * skew / size.shards
                self.assertLessEqual(data + links, plan.shard_memory_gb * 1e9 * plan.fill + 1)
                busy = load.redis_cores(plan, size.nodes, size.shards) * skew / size.shards
                self.assertLessEqual(busy, plan.load + 1e-6)
        self.assertGreater(found, 30)

    def test_none_is_more_than_needed(self):
        for plan in plans():
            needs = machines.nodes_needed(plan)
            if needs["memory"] is None or needs["memory"] < 2:
                continue
            with self.subTest(plan=plan):
                fewer = needs["memory"] - 1
                self.assertGreater(load.node_bytes(plan, fewer) / fewer, plan.node_memory_gb * 1e9 * plan.fill)

    def test_one_node_and_one_redis_suffice_for_few(self):
        size = machines.fleet(Plan(users=100))
        self.assertEqual((size.nodes, size.shards), (2, 1))

    def test_a_cluster_has_three_masters_at_least(self):
        for plan in plans():
            self.assertNotEqual(machines.fleet(plan).shards, 2)


class Load(unittest.TestCase):
    def test_everything_hears_of_a_room_once(self):
        direct = Kind("direct", 1, 1, 2, 2, 0.5, 1)
        self.assertEqual(load.hearers(direct, 1), 1)
        self.assertAlmostEqual(load.hearers(direct, 2), 1.5)
        self.assertAlmostEqual(load.hearers(direct, 1_000_000), 2, places=4)

    def test_a_node_alone_follows_each_room_once(self):
        plan = Plan(users=1000, kinds=(Kind("group", 1, 3, 30, 10, 0.5, 1),))
        self.assertAlmostEqual(sum(load.followed_rooms(plan, 1).values()), 1000 * 3 / 10)

    def test_memory_that_users_take_is_in_proportion_to_them(self):
        for plan in plans():
            once = load.redis_rows(plan, 3)
            twice = load.redis_rows(replace(plan, users=plan.users * 2), 3)
            for name, amount in once.items():
                with self.subTest(plan=plan, row=name):
                    self.assertAlmostEqual(twice[name], 2 * amount, delta=1e-6 * amount)

    def test_no_room_keeps_more_than_its_maximum(self):
        for plan in plans():
            busy = replace(plan, messages=1e6)
            for kind in plan.kinds:
                with self.subTest(plan=plan, kind=kind.name):
                    most = load.rooms_of(plan, kind) * kind.alive * plan.max_per_room
                    self.assertLessEqual(load.kept_messages(plan, kind), most)
                    self.assertEqual(load.kept_messages(busy, kind), most)

    def test_messages_are_kept_as_long_as_configured(self):
        plan = Plan(users=3600, messages=1, day=1, text=30, kinds=(Kind("large", 1, 1, 2, 2, 0, 1),))
        # One message a second, of 100 bytes, for seven days.
        self.assertEqual(load.redis_rows(plan, 1)["messages"], 7 * 86_400 * 100)

    def test_waiting_for_replicas_costs_sends_alone(self):
        waiting = Plan(replicas=2, wait_for=1)
        for name in load.COSTS:
            compare = self.assertGreater if name == "send" else self.assertEqual
            compare(load.redis_us(waiting, name), load.redis_us(Plan(), name))

    def test_connections_are_those_of_the_code(self):
        # Eight workers and the node: calls and long lists each, and events.
        self.assertEqual(load.connections(Plan(cores=8), 1), 19)
        self.assertEqual(load.connections(Plan(cores=8, replicas=2, wait_for=1), 10), 280)

    def test_every_node_hears_who_comes_and_goes(self):
        plan = Plan(users=1800, messages=0, session_minutes=30)
        self.assertAlmostEqual(load.rates(plan, 7)["event"], 2 * 7)

    def test_every_unit_of_time_is_paid_for(self):
        paid = set(load.rates(Plan(), 2)) | {"probe", "global"}
        self.assertEqual(paid, set(load.COSTS))

    def test_no_unit_is_forgotten_in_redis(self):
        for name, cost in load.COSTS.items():
            if name in load.rates(Plan(), 3) and cost.redis:
                with self.subTest(name=name):
                    before = load.redis_cores(Plan(), 3, 3)
                    load.COSTS[name] = cost._replace(redis=cost.redis * 2)
                    try:
                        self.assertGreater(load.redis_cores(Plan(), 3, 3), before)
                    finally:
                        load.COSTS[name] = cost


class Loss(unittest.TestCase):
    def test_all_sockets_come_back_within_the_first_wait_when_nothing_holds_them_up(self):
        half, whole, refused = loss.come_back(1000, 1e9)
        # The web client waits 0.15 to 0.5 s.
        self.assertEqual(refused, 0)
        self.assertLess(half, 0.4)
        self.assertLessEqual(whole, 0.6)

    def test_sockets_come_back_no_faster_than_they_are_served(self):
        for rate in (1000, 3000, 10_000):
            half, whole, refused = loss.come_back(10_000, rate)
            with self.subTest(rate=rate):
                self.assertGreaterEqual(whole, 10_000 / rate)
                self.assertLess(half, whole)
        self.assertEqual(loss.come_back(10, 0)[:2], (None, None))

    def test_tries_that_fail_may_keep_all_others_out(self):
        _, whole, refused = loss.come_back(10_000, 100)
        self.assertIsNone(whole)
        self.assertGreater(refused, 10_000)

    def test_more_sockets_take_longer_and_fail_more_often(self):
        before = (0, 0)
        for sockets in (1000, 3000, 10_000, 30_000):
            _, whole, refused = loss.come_back(sockets, 5000)
            self.assertGreaterEqual((whole, refused), before)
            before = (whole, refused)

    def test_a_loss_that_is_noticed_slowly_lets_fewer_tries_fail(self):
        _, _, at_once = loss.come_back(100_000, 10_000)
        _, whole, slowly = loss.come_back(100_000, 10_000, notice_secs=30)
        self.assertGreater(at_once, 0)
        self.assertEqual(slowly, 0)
        self.assertGreaterEqual(whole, 30)

    def test_the_rest_of_a_fleet_holds_what_a_node_held(self):
        for plan in tables.EXAMPLES:
            lost = loss.lose_node(plan, machines.fleet(plan))
            self.assertTrue(lost.fits)
            self.assertGreater(lost.nodes_after, lost.nodes_before)
            self.assertIsNotNone(lost.all_secs)

    def test_waits_are_those_of_the_web_client(self):
        source = (ROOT / "web" / "src" / "net" / "backoff.ts").read_text("utf-8")
        self.assertIn(f"BASE_MS = {loss.BACKOFF_SECS * 1000:.0f};", source)
        self.assertIn(f"MAX_MS = {loss.MAX_BACKOFF_SECS * 1000:_.0f};", source)
        self.assertIn(f"({loss.LEAST_OF_BACKOFF} + {1 - loss.LEAST_OF_BACKOFF:.1f} * random())", source)
        self.assertEqual(loss.wait_secs(0), (0.15, 0.5))
        self.assertEqual(loss.wait_secs(10), (6, 20))


class Walls(unittest.TestCase):
    def test_a_wall_is_where_it_is_said_to_be(self):
        for plan in (Plan(), tables.SMALL):
            for at, wall in walls.walls(plan):
                if at is None:
                    continue
                with self.subTest(wall=wall.what):
                    self.assertTrue(wall.holds(replace(plan, users=at)))
                    self.assertFalse(wall.holds(replace(plan, users=at * 1.01)))

    def test_walls_are_in_order(self):
        found = [more(at) for at, _ in walls.walls(Plan())]
        self.assertEqual(found, sorted(found))


class Page(unittest.TestCase):
    def test_the_page_has_the_tables_of_the_model(self):
        page = capacity.PAGE.read_text("utf-8")
        self.assertEqual(tables.with_sections(page), page, "scripts/capacity --record writes them")

    def test_every_table_has_its_place(self):
        with self.assertRaises(ValueError):
            tables.with_sections("no place for any")


class Command(unittest.TestCase):
    def run_it(self, *arguments):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            capacity.main(list(arguments))
        return out.getvalue()

    def test_settings_change_the_result(self):
        out = self.run_it("--users", "300000", "--lose-node", "--sockets-per-node", "50000")
        self.assertIn("300,000 connected", out)
        self.assertIn("sockets 6", out)
        self.assertIn("all of them are back after", out)
        self.assertIn("the first wall ahead", out)

    def test_rooms_may_be_others(self):
        out = self.run_it("--users", "1000", "--room", "a=0.5,1,2,2,1,1", "--room", "b=0.5,1,9,3,1,1")
        self.assertIn("1,000 connected", out)

    def test_settings_without_meaning_are_refused(self):
        refused = (
            ["--users", "0"], ["--users", "nan"], ["--users", "inf"], ["--cores", "0"], ["--load", "1.5"], ["--fill", "0"],
            ["--session-minutes", "0"], ["--messages", "-1"], ["--room", "a=1,2"], ["--room", "a=0.5,1,2,2,1,1"],
            ["--room", "a=1,1,2,3,1,1"], ["--wait-for", "1", "--replicas", "1"], ["--notice-secs", "-1"],
        )
        for arguments in refused:
            with self.subTest(arguments=arguments), contextlib.redirect_stderr(io.StringIO()) as said:
                with self.assertRaises(SystemExit) as ended:
                    self.run_it(*arguments)
                self.assertEqual(ended.exception.code, 2)
                self.assertNotIn("Traceback", said.getvalue())

    def test_every_setting_has_its_help(self):
        self.assertEqual(set(capacity.helps()), {field.name for field in capacity.fields(Plan)} - {"kinds"})


if __name__ == "__main__":
    unittest.main()
