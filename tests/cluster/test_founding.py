#!/usr/bin/python3
"""test_founding.py - section 5 of docs/protocol.md: how nodes become one cluster, whatever the order of their starts,
who is refused and what both sides say then, and what happens when two clusters of one name meet.
"""
import harness
from cluster import ClusterCase, ask, seeds_all, seeds_own_first
from harness import wait_for

PARTITIONS = 32
LOG_SECONDS = 30
MEET_SECONDS = 90  # an exchange with a seed is made once in ten


class Founding(ClusterCase):
    def client_to(self, node):
        self.client = self.client_of(node)
        return self

    def shape_of(self, cluster):
        """The ring as a node of the cluster has it, by names."""
        ring = ask(cluster.live()[0], op="ring")
        return [[ring["nodes"][index]["name"] for index in owners] for owners in ring["owners"]]

    def check_one(self, cluster):
        """One ring, all nodes in it, evenly; and it serves through each node."""
        cluster.wait_ready()
        n, members = cluster.options["n"], len(cluster.live())
        shape = self.shape_of(cluster)
        for node in cluster.live():
            ring = ask(node, op="ring")
            self.assertEqual([[ring["nodes"][index]["name"] for index in owners] for owners in ring["owners"]], shape)
        slots = [sum(owners.count(node.name) for owners in shape) for node in cluster.live()]
        self.assertEqual(sum(slots), min(n, members) * len(shape))
        self.assertLessEqual(max(slots) - min(slots), 1, slots)
        for node in cluster.live():
            key = self.new_key()
            self.client_to(node).put(key, b"v", w=min(n, members))
            for other in cluster.live():
                self.client_to(other).expect_values(key, b"v")
        return shape

    def says(self, node, *words):
        """Waits until one line of the node's log has all these words."""
        def found():
            return any(all(word in line for word in words) for line in node.errors().splitlines())
        try:
            wait_for(found, "a line", LOG_SECONDS)
        except AssertionError:
            raise AssertionError("%s never said %s\n%s" % (node.name, " .. ".join(words), node.story())) from None
        self.assertTrue(True)

    def check_outside(self, node):
        """A node that is no member answers each data request `unavailable`, and says that it is not ready."""
        self.client_to(node)
        for fields in ({"op": "get", "key": b"k", "r": 1}, {"op": "put", "key": b"k", "value": b"v", "w": 1},
                       {"op": "delete", "key": b"k", "context": b"", "w": 1}, {"op": "keys", "partition": 0}):
            self.refused("unavailable", fields)
        self.client.ping()
        self.assertIs(self.ok("status")["ready"], False)


class BringUp(Founding):
    def bring_up(self, number, seeds, order):
        with self.new_cluster(number, seeds=seeds, partitions=PARTITIONS) as cluster:
            cluster.start(order)
            self.check_one(cluster)

    def test_three_in_order(self):
        self.bring_up(3, seeds_all, (0, 1, 2))

    def test_three_the_founder_last(self):
        self.bring_up(3, seeds_all, (2, 1, 0))

    def test_three_all_would_found(self):
        self.bring_up(3, seeds_own_first, (1, 2, 0))

    def test_five_in_any_order(self):
        order = list(range(5))
        self.rng.shuffle(order)
        self.bring_up(5, seeds_all, order)

    def test_five_all_would_found(self):
        self.bring_up(5, seeds_own_first, (4, 0, 2, 1, 3))

    def test_one_after_the_other(self):
        """Each starts when the ones before it are a cluster that serves; slots without data move to it."""
        with self.new_cluster(4, n=3, r=1, w=1, partitions=PARTITIONS) as cluster:
            for number, node in enumerate(cluster.nodes):
                node.launch()
                cluster.wait_ready(cluster.nodes[:number + 1], members=[one.name for one in cluster.nodes[:number + 1]])
            self.check_one(cluster)

    def test_restart_of_all_keeps_ring_and_data(self):
        for durability in ("batch", "periodic"):
            with self.new_cluster(3, seeds=seeds_all, partitions=PARTITIONS, durability=durability) as cluster:
                cluster.start()
                shape = self.check_one(cluster)
                version = ask(cluster[0], op="ring")["version"]
                keys = [self.new_key() for _ in range(100)]
                for number, key in enumerate(keys):
                    self.client_to(cluster[number % 3]).put(key, key)
                for order in ((2, 0, 1), (1, 2, 0)):
                    cluster.stop()
                    cluster.start(order)
                    self.assertEqual(self.shape_of(cluster), shape)
                    for node in cluster.nodes:
                        for request, reply in cluster.bulk(node, ({"op": "get", "key": key} for key in keys)):
                            self.assertEqual(reply["values"], [request["key"]])
                self.assertGreaterEqual(ask(cluster[0], op="ring")["version"], version)

    def test_restart_without_one(self):
        """Two of three come back: they serve as soon as the third is found down."""
        with self.new_cluster(3, partitions=PARTITIONS) as cluster:
            cluster.start()
            cluster.stop()
            for node in cluster.nodes[:2]:
                node.launch()
            cluster.wait_ready(cluster.nodes[:2])
            key = self.new_key()
            self.client_to(cluster[0]).put(key, b"v")
            self.client_to(cluster[1]).expect_values(key, b"v")
            cluster[2].launch()
            cluster.wait_ready()
            cluster.wait_drained()
            cluster.wait_equal([key])


class Manual(Founding):
    def test_join_by_op(self):
        with self.new_cluster(3, partitions=PARTITIONS) as cluster:
            outside = cluster[2]
            outside.settings["cluster/join"] = "manual"
            for node in cluster.nodes:
                node.launch()
            cluster.wait_ready(cluster.nodes[:2], members=["node1", "node2"])
            wait_for(lambda: ask(outside, op="ping"), "node3 to answer")
            self.check_outside(outside)
            self.assertEqual(len(ask(cluster[0], op="status")["members"]), 2)
            self.assertEqual(self.client_to(outside).ok("join")["status"], "ok")
            self.check_one(cluster)
            self.assertIn(ask(outside, op="join")["status"], ("ok", "bad_request"))  # asked again, or a member already
            self.check_one(cluster)

    def test_join_with_a_seed(self):
        with self.new_cluster(2, partitions=PARTITIONS) as cluster:
            outside = cluster[1]
            outside.settings["cluster/join"] = "manual"
            outside.settings["cluster/seeds"] = outside.gossip  # it knows nobody
            for node in cluster.nodes:
                node.launch()
            wait_for(lambda: ask(outside, op="ping"), "node2 to answer")
            self.check_outside(outside)
            self.client_to(outside).ok("join", seed=cluster[0].gossip)
            self.check_one(cluster)


class Refused(Founding):
    """Nodes that an existing cluster does not take: both sides say why, and the cluster goes on."""
    shape = {"number": 3, "partitions": PARTITIONS}

    def stranger(self, name="stranger", seed=None, **options):
        node = harness.Node(name=name, start=False, **{"n": 3, "r": 2, "w": 2, "partitions": PARTITIONS, **options})
        node.settings["cluster/seeds"] = (seed or self.cluster[0]).gossip
        self.addCleanup(node.close)
        return node

    def check_refused(self, node, ours, theirs):
        """Neither a member, nor quietly: both values are in both logs."""
        node.launch()
        self.says(node, ours, theirs)
        self.says(self.cluster[0], ours, theirs)
        if node.alive():
            self.check_outside(node)
            node.stop()
        self.cluster.wait_ready()

    def test_wrong_cluster(self):
        self.check_refused(self.stranger(settings={"cluster/name": "elsewhere"}), "elsewhere", "test")

    def test_wrong_n(self):
        self.check_refused(self.stranger(n=2), "2", "3")
        self.assertIn("cluster/n", self.cluster[0].errors())

    def test_wrong_partitions(self):
        self.check_refused(self.stranger(partitions=2048), "2048", str(PARTITIONS))

    def test_wrong_policy(self):
        node = self.stranger(settings={"conflict/policy": "last-write-wins"})
        node.launch()
        self.says(node, "last-write-wins")
        if node.alive():
            self.says(node, "siblings", "last-write-wins")
            self.says(self.cluster[0], "siblings", "last-write-wins")
            node.stop()
        self.cluster.wait_ready()

    def test_name_of_a_live_member(self):
        node = self.stranger(name="node2")
        node.launch()
        status = node.wait_end()
        self.assertGreater(status, 0, node.story())
        last = node.errors().splitlines()[-1]
        self.assertIn("node2", last)
        self.assertIn(self.cluster[1].gossip, node.errors())
        self.cluster.wait_ready()

    def test_same_folder_twice(self):
        twin = self.stranger(name="node2")
        twin.settings["node/data"] = self.cluster[1].data
        twin.launch()
        self.assertGreater(twin.wait_end(), 0, twin.story())
        self.assertIn(self.cluster[1].data, twin.errors().splitlines()[-1])
        self.cluster.wait_ready()


class Full(Refused):
    """The same of a cluster that holds data, which takes nobody at all."""

    def setUp(self):
        super().setUp()
        self.put(b"data", b"v")

    def test_join(self):
        key = self.new_key()
        self.client_to(self.cluster[0]).put(key, b"v")
        node = self.stranger()
        node.launch()
        self.says(node, "holds data")
        self.check_outside(node)
        self.says(self.cluster[0], "holds data")
        for member in self.cluster.nodes:
            self.assertEqual(len(ask(member, op="status")["members"]), 3)
            self.client_to(member).expect_values(key, b"v")
        node.stop()
        self.cluster.wait_ready()


class Meeting(Founding):
    """Two clusters of one name that were founded apart, and then hear of each other."""

    def found(self, number, prefix):
        cluster = self.new_cluster(number, prefix=prefix, n=3, r=1, w=1, partitions=PARTITIONS, settings={
            "request/timeout": 2000})
        return cluster.start()

    def introduce(self, cluster, other):
        """The nodes of one come back with a seed of the other."""
        cluster.stop()
        cluster.set_seeds(lambda _, node: "%s %s" % (node.gossip, other[0].gossip))
        for node in cluster.nodes:
            node.launch()

    def names(self, node):
        status = ask(node, op="status")
        return sorted(member["name"] for member in status["members"]) if status else None

    def test_two_empty_ones_become_one(self):
        first, second = self.found(2, "a"), self.found(2, "b")
        self.introduce(second, first)
        everybody = ["a1", "a2", "b1", "b2"]
        nodes = first.nodes + second.nodes
        wait_for(lambda: all(self.names(node) == everybody for node in nodes), "one cluster", MEET_SECONDS)
        first.nodes = nodes
        self.check_one(first)

    def test_an_empty_one_dissolves(self):
        """It cannot join what holds data as yet, and is nobody's member then; the other one goes on."""
        first, second = self.found(2, "a"), self.found(1, "b")
        self.client_to(first[0]).put(b"key", b"v")
        self.introduce(second, first)
        wait_for(lambda: "holds data" in second[0].errors(), "a refusal", MEET_SECONDS)
        self.check_outside(second[0])
        for node in first.nodes:
            self.assertEqual(self.names(node), ["a1", "a2"])
            self.client_to(node).expect_values(b"key", b"v")
        first.wait_ready()

    def test_two_with_data_refuse_each_other(self):
        first, second = self.found(1, "a"), self.found(1, "b")
        self.client_to(first[0]).put(b"key", b"of a")
        self.client_to(second[0]).put(b"key", b"of b")
        self.introduce(second, first)
        for node, other in ((first[0], "b1"), (second[0], "a1")):
            wait_for(lambda: "data" in node.errors() and other in node.errors(),
                     "a warning of " + node.name, MEET_SECONDS)
        second.wait_ready()
        for cluster, value in ((first, b"of a"), (second, b"of b")):
            self.assertEqual(self.names(cluster[0]), [cluster[0].name])
            self.client_to(cluster[0]).expect_values(b"key", value)


if __name__ == "__main__":
    harness.main()
