#!/usr/bin/python3
"""test_cli_cluster.py - the program `cartwheel` against a cluster: joining, failover, quorums, and what it shows of a dead node.

Environment: CARTWHEEL names the node's program; CARTWHEEL_BUILD the folder that holds `cartwheel` (that of the node).
"""
import json
import os
import select
import sys
import time

import harness
from cluster import ClusterCase, seeds_all
from harness import free_endpoints, wait_for
from test_cli import DONE, PROGRAM, REFUSED, Ran, start

EVENT_SECONDS = 30


class Lines:
    """What a program prints, line by line, while it runs."""

    def __init__(self, process):
        self.process = process
        self.seen = []
        os.set_blocking(process.stdout.fileno(), False)
        self.rest = b""

    def wait(self, text, seconds=EVENT_SECONDS):
        """Waits for a line that holds the text, and returns it."""
        limit = time.monotonic() + seconds
        while True:
            found = [line for line in self.seen if text in line]
            if found:
                return found[0]
            left = limit - time.monotonic()
            if left <= 0:
                raise AssertionError("no line with %r within %g s: %r" % (text, seconds, self.seen))
            if select.select([self.process.stdout], [], [], left)[0]:
                parts = (self.rest + (self.process.stdout.read() or b"")).split(b"\n")
                self.rest = parts.pop()
                self.seen += [part.decode() for part in parts]


class Commands(ClusterCase):
    def run_on(self, node, *arguments, status=DONE):
        ran = Ran("--node", node.client_endpoint, *arguments)
        self.assertEqual(ran.status, status, ran)
        return ran

    def follow(self, node, *topics):
        process = start("monitor", *topics, "--node", node.client_endpoint, "--monitor", node.monitor)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return Lines(process)

    def test_join_by_hand(self):
        cluster = self.new_cluster(2, n=2, r=2, w=2, interval=200, settings={"cluster/partitions": 16})
        first, second = cluster.nodes
        second.settings["cluster/join"] = "manual"
        second.settings["cluster/seeds"] = ""
        first.start()
        events = self.follow(first, "member", "peer", "stats")
        events.wait(" node1 stats ")
        second.launch()
        wait_for(lambda: Ran("--node", second.client_endpoint, "status").status == DONE, "the second node's answer")
        self.assertTrue(self.run_on(second, "status").out.startswith(b"not ready: "))
        self.run_on(second, "get", "k", status=REFUSED)
        ran = self.run_on(second, "join", status=REFUSED)
        self.assertIn("seed", ran.err)
        ran = self.run_on(second, "join", first.gossip)
        self.assertEqual(ran.out, b"node2 is a member of test, one of 2\n")
        self.assertEqual(self.run_on(second, "join", first.gossip).out, ran.out, "asked again it is done too")
        events.wait('member="node2" state="up"')
        cluster.wait_ready()
        self.run_on(second, "put", "k", "v", "--w", "2", "--strict")
        self.assertEqual(self.run_on(first, "get", "k").out, b"v\n")
        cluster.stop()

    def test_one_node_dies(self):
        cluster = self.new_cluster(4, seeds=seeds_all, interval=200, settings={"cluster/partitions": 16})
        cluster.start()
        alive, dead = cluster.nodes[0], cluster.nodes[1]
        keys = ["key%d" % number for number in range(60)]
        for key in keys[:20]:
            self.run_on(alive, "put", key, "before")
        text = self.run_on(alive, "status").out.decode()
        self.assertRegex(text, r"\Ahealthy: cluster test, 4 of 4 nodes reachable")
        self.assertEqual([line.split()[:3] for line in text.splitlines()[-4:]],
                         [["node%d" % (number + 1), "up", "yes"] for number in range(4)])
        text = self.run_on(alive, "inspect", keys[0]).out.decode()
        self.assertRegex(text, r"\Apartition \d+, 3 owners, they agree\n")
        self.assertEqual(len(text.splitlines()), 5)

        events = self.follow(alive, "peer", "handoff", "stats")
        events.wait(" node1 stats ")
        cluster.kill([dead])
        ran = Ran("--node", dead.client_endpoint, "--node", cluster.nodes[2].client_endpoint, "put", keys[20], "after")
        self.assertEqual(ran.status, DONE, ran)
        events.wait('peer="node2" reachable=false')
        self.assertRegex(self.run_on(alive, "status").out.decode(), r"\Adegraded: node1 reaches 3 of 4 nodes of cluster "
                                                                    r"test, not node2; \d+ hints wait")
        self.hints(alive, cluster, keys[21:], events)

    def hints(self, alive, cluster, keys, events):
        """With node2 dead: stand-ins count unless --strict, and what they keep is shown until it is delivered."""
        owned = next(key for key in keys if b" node2 " in self.run_on(alive, "inspect", key).out)
        self.assertRegex(self.run_on(alive, "inspect", owned).out.decode(),
                         r"\Apartition \d+, 3 owners, those that answered agree, 1 did not\n")
        self.run_on(alive, "put", owned, "v", "--w", "3")
        text = wait_for(lambda: self.hinted(alive, owned), "a hint")
        self.assertRegex(text, r"\n +\d +node\d +fallback +yes +[0-9a-f]+ +1 ")
        self.assertRegex(text, r"\n +\d +node2 +owner +no +\? +\? +\? +\?\n")
        ran = self.run_on(alive, "put", owned, "w", "--w", "3", "--strict", status=REFUSED)
        self.assertTrue(ran.err.startswith("cartwheel: unavailable: "), ran)
        self.run_on(alive, "get", owned, "--r", "3", "--strict", status=REFUSED)
        self.assertEqual(self.run_on(alive, "get", owned, "--r", "2", "--strict").out, b"v\n")

        cluster.nodes[1].start()
        cluster.wait_ready()
        cluster.wait_drained()
        events.wait('peer="node2" reachable=true')
        wait_for(lambda: self.run_on(alive, "inspect", owned).out.decode().split("\n")[0].endswith("3 owners, they agree"),
                 "equal replicas")
        document = json.loads(self.run_on(alive, "inspect", owned, "--json").out)
        self.assertEqual([replica["role"] for replica in document["replicas"]], ["owner"] * 3)
        self.assertTrue(self.run_on(alive, "status").out.startswith(b"healthy: "))
        cluster.stop()

    def hinted(self, node, key):
        text = self.run_on(node, "inspect", key).out.decode()
        return text if ", 1 hint waits to be delivered\n" in text else None

    def test_no_node_of_several(self):
        nowhere = free_endpoints(2)
        ran = Ran("--node", nowhere[0], "--node", nowhere[1], "--timeout", "300", "get", "k")
        self.assertEqual(ran.status, REFUSED, ran)
        self.assertIn("other endpoints", ran.err)


if __name__ == "__main__":
    if not os.access(PROGRAM, os.X_OK):
        sys.exit("test_cli_cluster.py: there is no program %s; CARTWHEEL_BUILD names its folder" % PROGRAM)
    harness.main()
