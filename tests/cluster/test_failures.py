#!/usr/bin/python3
"""test_failures.py - clusters that lose nodes: one is killed, one is stopped where it stands, one is cut off in one
direction or in both. Clients that fail over see no error and no long wait; what was acknowledged is there; hints reach
the owner that was away; and all replicas are equal in the end.

The wires are cut in a network of this process's own (network.py); where none can be made, these tests are skipped.
Environment: RATE (250), operations a second; SECONDS (4), how long each phase takes.
"""
import os
import random
import time
import unittest

import harness
import network
from cluster import ClusterCase, ask
from harness import wait_for
from load import Load
from test_monitor import Subscriber

RATE = int(os.environ.get("RATE", 250))
SECONDS = float(os.environ.get("SECONDS", 4))
FIRST_SECONDS = 5
FIRST_MOST = 5.0  # seconds that one operation may take at most while a fault is new
LATER_P999 = 1.0  # seconds, once it is known
AT_ONCE_SECONDS = 0.5
PARTITIONS = 64
DOWN_SECONDS = 15
MOST_SECONDS = 30  # until a cluster is whole again, of which TCP's own patience is a part

no_network = "it was not tried"  # why no wire can be cut, or None


class Failing(ClusterCase):
    def new_load(self, cluster):
        self.seed = int(os.environ.get("SEED", random.randrange(10 ** 9)))
        self.rng = random.Random(self.seed)
        load = Load(cluster.nodes, random.Random(self.seed), RATE)
        self.addCleanup(load.close)
        return load

    def subscribe(self, cluster):
        """A subscriber for each node, from the beginning."""
        streams = {node.name: Subscriber(node, (b"peer", b"member", b"handoff", b"repair")) for node in cluster.nodes}
        for stream in streams.values():
            self.addCleanup(stream.close)
        self.events = {name: [] for name in streams}

        def collect():
            for name, stream in streams.items():
                self.events[name].extend(stream.pending())
            return self.events
        return collect

    def saw(self, collect, node, topic, **fields):
        """Waits for an event of this node."""
        def there():
            return [event for kind, event in collect()[node.name]
                    if kind == topic and all(event.get(name) == value for name, value in fields.items())]
        return wait_for(there, "%s of %s with %s" % (topic, node.name, fields))

    def turns(self, collect, node, peer):
        """What the node said of reaching a peer, in order."""
        return [event["reachable"] for kind, event in collect()[node.name]
                if kind == "peer" and event["peer"] == peer.name]

    def through(self, number, title, fail, mend, **options):
        """A load over `number` nodes; `fail` makes a fault and gives the pairs of nodes of which the first
        must miss the second; `mend` ends it."""
        cluster = self.new_cluster(number, partitions=PARTITIONS, interval=500, **options)
        collect = self.subscribe(cluster)
        cluster.start()
        load = self.new_load(cluster)
        load.phase("all up")
        load.run(SECONDS / 2)
        load.phase("first seconds")
        missed = fail(cluster)
        load.run(FIRST_SECONDS)
        load.run(DOWN_SECONDS, lambda: all(cluster.reach(one).get(other.name) is False for one, other in missed))
        load.phase("afterwards")
        load.run(SECONDS)
        load.phase("mended")
        mend(cluster)
        mended = time.monotonic()
        load.run(MOST_SECONDS, lambda: cluster.trouble(cluster.live()) is None)
        ready = time.monotonic() - mended
        load.phase("and ready")
        load.run(SECONDS / 2)
        load.finish()
        cluster.wait_ready()
        cluster.wait_drained()
        load.report("%s, ready %.1f s after it was mended" % (title, ready))
        try:
            self.check_load(load, number)
            for node in cluster.nodes:
                load.verify(cluster, node)
            for _ in cluster.bulk(cluster[0], ({"op": "get", "key": key, "r": 3} for key in load.keys())):
                pass  # a write whose coordinator was killed is mended by a read
            cluster.wait_equal(load.keys())
        except AssertionError as error:
            raise AssertionError("SEED=%d: %s" % (self.seed, error)) from error
        for one, other in missed:
            wait_for(lambda: self.turns(collect, one, other)[-2:] == [False, True],
                     "%s to say that %s went and came back" % (one.name, other.name))
        self.delivered = [event for kind, event in sum(collect().values(), [])
                          if kind == "handoff" and event["delivered"]]
        for node in cluster.nodes:
            self.assertEqual(ask(node, op="status")["hints"], 0)
        cluster.stop()
        return load

    def check_load(self, load, number):
        self.assertEqual(load.errors, [])
        if number == 3:
            self.assertEqual(load.stale, [])  # each node is an owner, so that quorums meet
        for phase in load.phases:
            if phase.name == "first seconds":
                self.assertLess(phase.percentile(1.0), FIRST_MOST, phase.line())
            elif phase.name == "afterwards":
                self.assertLess(phase.percentile(0.999), LATER_P999, phase.line())
            if phase.name != "mended":
                self.assertGreater(len(phase.latencies), RATE * SECONDS / 4)


class Killed(Failing):
    def kill_one(self, cluster):
        self.victim = self.rng.choice(cluster.nodes)
        self.victim.kill()
        rest = [node for node in cluster.nodes if node is not self.victim]
        return [(node, self.victim) for node in rest]

    def test_three(self):
        self.through(3, "one of three killed", self.kill_one, lambda cluster: self.victim.launch())
        self.assertTrue(self.delivered)
        self.assertEqual({event["peer"] for event in self.delivered}, {self.victim.name})

    def test_five(self):
        self.through(5, "one of five killed", self.kill_one, lambda cluster: self.victim.launch())
        self.assertTrue(self.delivered)

    def test_events_of_a_new_member(self):
        cluster = self.new_cluster(2, partitions=PARTITIONS, interval=500)
        collect = self.subscribe(cluster)
        cluster.start()
        self.saw(collect, cluster[0], "member", member="node2", state="up")
        cluster.stop()


class Paused(Failing):
    def pause_one(self, cluster):
        self.victim = self.rng.choice(cluster.nodes)
        self.victim.pause()
        rest = [node for node in cluster.nodes if node is not self.victim]
        return [(node, self.victim) for node in rest]

    def test_three(self):
        self.through(3, "one of three stopped", self.pause_one, lambda cluster: self.victim.resume())
        self.assertTrue(self.delivered)

    def test_five(self):
        self.through(5, "one of five stopped", self.pause_one, lambda cluster: self.victim.resume())

    def test_short_stops(self):
        """Stops that are too short to be noticed cost no more than themselves."""
        cluster = self.new_cluster(3, partitions=PARTITIONS)
        cluster.start()
        load = self.new_load(cluster)
        load.phase("short stops")
        for _ in range(8):
            victim = self.rng.choice(cluster.nodes)
            victim.pause()
            load.run(0.3)
            victim.resume()
            load.run(0.3)
        load.finish()
        load.report("stops of 300 ms")
        self.assertEqual((load.errors, load.stale), ([], []))
        cluster.wait_ready()
        cluster.wait_drained()
        load.verify(cluster, cluster[0])
        cluster.stop()


class Minority(Failing):
    """Two of three are gone."""

    def check_alone(self, cluster, node):
        """What needs two is unavailable at once, and w = 1 goes on. Returns the keys written."""
        self.client = self.client_of(node)
        key = self.new_key()
        for fields in ({"op": "get", "key": key}, {"op": "put", "key": key, "value": b"v"},
                       {"op": "put", "key": key, "value": b"v", "w": 3}, {"op": "get", "key": key, "r": 3}):
            began = time.monotonic()
            self.refused("unavailable", {**fields, "timeout": 20000})
            self.assertLess(time.monotonic() - began, AT_ONCE_SECONDS)
        keys = [self.new_key(str(number)) for number in range(200)]
        for key in keys:
            reply = self.ok("put", key=key, value=key, w=1)
            self.assertEqual(reply["acks"], 1)
            self.assertEqual(self.get(key, r=1)["values"], [key])
        return keys

    def check_healed(self, cluster, keys):
        cluster.wait_ready()
        cluster.wait_drained()
        for node in cluster.nodes:
            for request, reply in cluster.bulk(node, ({"op": "get", "key": key} for key in keys)):
                self.assertEqual(reply["values"], [request["key"]], node.name)
        cluster.wait_equal(keys)

    def test_two_killed(self):
        cluster = self.new_cluster(3, partitions=PARTITIONS, interval=500)
        collect = self.subscribe(cluster)
        cluster.start()
        gone = cluster.nodes[1:]
        cluster.kill(gone)
        for node in gone:
            cluster.wait_down(node)
        keys = self.check_alone(cluster, cluster[0])
        self.assertGreaterEqual(cluster.hints(), len(keys))
        self.assertLessEqual(cluster.hints(), 2 * len(keys))
        for node in gone:
            node.launch()
        self.check_healed(cluster, keys)
        for node in gone:
            self.saw(collect, cluster[0], "handoff", peer=node.name)
        self.assertGreaterEqual(ask(cluster[0], op="stats")["hints_delivered"], len(keys))
        cluster.stop()

    def test_two_stopped(self):
        cluster = self.new_cluster(3, partitions=PARTITIONS)
        cluster.start()
        for node in cluster.nodes[:2]:
            node.pause()
        for node in cluster.nodes[:2]:
            cluster.wait_down(node, by=[cluster[2]])
        keys = self.check_alone(cluster, cluster[2])
        for node in cluster.nodes[:2]:
            node.resume()
        self.check_healed(cluster, keys)
        cluster.stop()

    def test_hints_outlive_their_keeper(self):
        """The one that holds them is killed too, before anybody is back."""
        cluster = self.new_cluster(3, partitions=PARTITIONS, durability="batch")
        cluster.start()
        cluster.kill(cluster.nodes[1:])
        for node in cluster.nodes[1:]:
            cluster.wait_down(node)
        keys = self.check_alone(cluster, cluster[0])
        cluster.kill()
        for node in cluster.nodes:
            node.launch()
        self.check_healed(cluster, keys)
        cluster.stop()

    def test_read_repair_events(self):
        """A read mends an owner while the hint for it is with a node that is away."""
        cluster = self.new_cluster(3, partitions=PARTITIONS, interval=500)
        collect = self.subscribe(cluster)
        cluster.start()
        cluster[2].pause()
        cluster.wait_down(cluster[2], by=cluster.nodes[:2])
        keys = [self.new_key(str(number)) for number in range(20)]
        self.client = self.client_of(cluster[0])
        for key in keys:
            self.put(key, key)
        cluster[0].pause()  # it holds what is meant for the third
        cluster[2].resume()
        wait_for(lambda: cluster.reach(cluster[1]).get("node3"), "node3")
        self.client = self.client_of(cluster[1])
        for key in keys:
            self.assertEqual(self.get(key)["values"], [key])
        self.saw(collect, cluster[1], "repair", kind="read", peer="node3")
        cluster[0].resume()
        self.check_healed(cluster, keys)
        cluster.stop()


class Cut(Failing):
    """The wires of a network of our own."""

    @classmethod
    def setUpClass(cls):
        if no_network is not None:
            raise unittest.SkipTest("no wire can be cut: " + no_network)
        super().setUpClass()

    def hosts(self, number):
        net = network.Network(number)
        self.addCleanup(net.close)
        return net

    def one_way(self, net):
        def fail(cluster):
            one, other = self.rng.sample(cluster.nodes, 2)
            net.cut(one.host, other.host)
            return [(one, other), (other, one)]
        return fail

    def test_one_direction_of_three(self):
        net = self.hosts(3)
        self.through(3, "one wire of three, one way", self.one_way(net), lambda cluster: net.heal(), network=net)

    def test_one_direction_of_five(self):
        net = self.hosts(5)
        self.through(5, "one wire of five, one way", self.one_way(net), lambda cluster: net.heal(), network=net)

    def test_one_of_three_cut_off(self):
        net = self.hosts(3)

        def fail(cluster):
            lonely, *rest = self.rng.sample(cluster.nodes, 3)
            net.split([lonely.host], [node.host for node in rest])
            return [(node, lonely) for node in rest]
        self.through(3, "one of three cut off", fail, lambda cluster: net.heal(), network=net)

    def test_both_sides_write(self):
        """A minority with w = 1 keeps writing, the majority too; after the heal everything is everywhere."""
        net = self.hosts(3)
        cluster = self.new_cluster(3, partitions=PARTITIONS, network=net)
        cluster.start()
        lonely, *rest = cluster.nodes
        self.client = self.client_of(lonely)
        both = [self.new_key("both%d" % number) for number in range(50)]
        contexts = {key: self.put(key, b"before") for key in both}
        net.split([lonely.host], [node.host for node in rest])
        for node in rest:
            cluster.wait_down(lonely, by=[node])
            cluster.wait_down(node, by=[lonely])
        for key in both:
            self.put(key, b"minority", context=contexts[key], w=1)
        keys = Minority.check_alone(self, cluster, lonely)
        self.client = self.client_of(rest[0])
        for key in both:
            self.put(key, b"majority", context=contexts[key])
        more = [self.new_key("more%d" % number) for number in range(100)]
        for key in more:
            self.put(key, key)
        net.heal()
        cluster.wait_ready()
        Minority.check_healed(self, cluster, keys + more)
        for node in cluster.nodes:
            self.client = self.client_of(node)
            for key in both:
                self.expect_values(key, b"majority", b"minority")
        cluster.wait_equal(both)
        cluster.stop()


if __name__ == "__main__":
    no_network = network.enter()  # before ZeroMQ makes a thread
    harness.main()
