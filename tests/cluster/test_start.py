#!/usr/bin/python3
"""test_start.py - how a node starts and ends, section 5 of docs/protocol.md: what the data folder remembers, what a
node that cannot start says, what --set overrides, and that a stop keeps what was acknowledged.
"""
import os
import re
import signal
import socket
import threading

import harness
from harness import Node, host_port

REFUSED_SECONDS = 10  # "at once", on a busy machine with a sanitizer


class Start(harness.Case):
    options = None

    def new_node(self, start=True, **options):
        node = Node(start=start, **options)
        self.addCleanup(node.close)
        return node

    def twin(self, node, **settings):
        """Another node's process on this node's data folder, with ports of its own; not started."""
        other = self.new_node(start=False, name=settings.pop("name", node.name))
        other.settings.update({"node/data": node.data, **settings})
        return other

    def refuses(self, node, *words):
        """The node ends at once, not with 0, and its last line says what to do. Returns that line."""
        node.launch()
        status = node.wait_end(REFUSED_SECONDS)
        self.assertNotEqual(status, 0)
        self.assertGreater(status, 0, "ended by a signal\n" + node.story())
        last = node.errors().splitlines()[-1]
        self.assertGreaterEqual(len(last.split()), 4, "no sentence: %r" % last)
        for word in words:
            self.assertIn(word, last)
        return last

    def check_kept(self, node, key, value):
        reply = node.client.op("get", key=key)
        self.assertEqual((reply["status"], reply["values"]), ("ok", [value]))


class Ends(Start):
    def test_signals_end_with_0(self):
        node = self.new_node()
        for number in (signal.SIGTERM, signal.SIGINT):
            node.client.op("put", key=b"key", value=b"%d" % number)
            node.stop(number)
            node.start()
        self.assertEqual(len(node.client.op("get", key=b"key")["values"]), 2)
        node.stop()

    def test_what_was_acknowledged_is_there_after_a_stop(self):
        for durability in ("batch", "periodic", "none"):
            with self.subTest(durability), Node(durability=durability) as node:
                context = node.client.op("put", key=b"gone", value=b"v")["context"]
                for number in range(200):
                    reply = node.client.op("put", key=b"key %d" % number, value=b"%d" % number)
                    self.assertEqual(reply["status"], "ok")
                self.assertEqual(node.client.op("delete", key=b"gone", context=context)["status"], "ok")
                node.restart()
                for number in range(200):
                    self.check_kept(node, b"key %d" % number, b"%d" % number)
                self.assertEqual(node.client.op("get", key=b"gone")["status"], "not_found")

    def test_contexts_outlive_a_restart(self):
        with Node() as node:
            self.client = node.client
            old = self.put(b"key", b"a")
            self.put(b"key", b"b")
            node.restart()
            self.put(b"key", b"c", context=old)
            self.expect_values(b"key", b"b", b"c")
            digest = self.ok("inspect", key=b"key")["replicas"][0]["digest"]
            node.kill()
            node.start()
            self.assertEqual(self.ok("inspect", key=b"key")["replicas"][0]["digest"], digest)
            self.put(b"key", b"d", context=self.get(b"key")["context"])
            self.expect_values(b"key", b"d")

    def test_stop_under_load(self):
        """A stop in the middle of writes: each that was acknowledged is there afterwards."""
        node = self.new_node()
        for _ in range(3):
            client = harness.Client(node.client_endpoint)
            self.addCleanup(client.close)
            acknowledged = []
            for number in range(64):
                client.send({"op": "put", "key": b"load %d" % number, "value": b"v", "id": number})
            number = 64
            while len(acknowledged) < 2000:
                while not client.socket.poll(100) and node.alive():
                    pass
                if not client.socket.poll(0):
                    break
                reply = client.receive()
                if reply["status"] == "ok":
                    acknowledged.append(reply["id"])
                if len(acknowledged) == 200:
                    node.process.send_signal(signal.SIGTERM)
                client.send({"op": "put", "key": b"load %d" % number, "value": b"v", "id": number})
                number += 1
            self.assertGreaterEqual(len(acknowledged), 200)
            self.assertEqual(node.wait_end(), 0, node.story())
            node.start()
            for number in acknowledged:
                self.check_kept(node, b"load %d" % number, b"v")
        node.stop()

    def test_many_starts(self):
        with Node() as node:
            for number in range(5):
                node.client.op("put", key=b"start %d" % number, value=b"v")
                node.restart()
            for number in range(5):
                self.check_kept(node, b"start %d" % number, b"v")

    def test_signal_during_the_start(self):
        """Whenever it comes, the node ends; with 0, or by the signal where it came before the program took it."""
        node = self.new_node(start=False)
        for _ in range(10):
            node.launch()
            timer = threading.Timer(self.rng.random() * 0.1, node.process.send_signal, [signal.SIGTERM])
            timer.start()
            self.assertIn(node.wait_end(), (0, -signal.SIGTERM), node.story())
            timer.join()
        node.start()
        node.stop()


class Folder(Start):
    def test_second_process_on_one_folder(self):
        node = self.new_node()
        node.client.op("put", key=b"key", value=b"v")
        self.refuses(self.twin(node), node.data)
        self.check_kept(node, b"key", b"v")
        node.client.op("put", key=b"other", value=b"v")
        node.restart()
        self.check_kept(node, b"other", b"v")
        node.stop()

    def test_folder_after_a_crash(self):
        """The lock of a killed process is no obstacle."""
        node = self.new_node()
        node.client.op("put", key=b"key", value=b"v")
        node.kill()
        node.start()
        self.check_kept(node, b"key", b"v")
        node.stop()

    def test_folder_remembers(self):
        node = self.new_node(partitions=16)
        node.client.op("put", key=b"key", value=b"v")
        node.stop()
        for settings, word in (({"name": "node2", "node/name": "node2"}, "node1"),
                               ({"cluster/name": "other"}, "test"), ({"cluster/partitions": 32}, "16")):
            with self.subTest(str(settings)):
                self.refuses(self.twin(node, **settings), word)
        node.start()
        self.check_kept(node, b"key", b"v")
        node.stop()

    def test_folder_moves(self):
        """The folder may lie elsewhere, and the node's ports change."""
        node = self.new_node()
        node.client.op("put", key=b"key", value=b"v")
        node.stop()
        moved = self.twin(node)
        os.rename(node.data, os.path.join(moved.folder, "moved"))
        moved.settings["node/data"] = os.path.join(moved.folder, "moved")
        moved.start()
        self.check_kept(moved, b"key", b"v")
        moved.stop()

    def test_folder_that_is_not_there(self):
        node = self.new_node(start=False)
        os.rmdir(node.data)
        node.launch()
        harness.wait_for(lambda: not node.alive() or os.path.isdir(node.data), "a start or an end")
        if node.alive():
            node.wait_ready()
            node.client.op("put", key=b"key", value=b"v")
            node.restart()
            self.check_kept(node, b"key", b"v")
            node.stop()
        else:
            self.refuses(node, node.data)

    def test_file_in_place_of_the_folder(self):
        node = self.new_node(start=False)
        os.rmdir(node.data)
        with open(node.data, "w") as file:
            file.write("a file")
        self.refuses(node, node.data)
        node.settings["node/data"] = os.path.join(node.data, "under")
        self.refuses(node, node.data)
        with open(node.data) as file:
            self.assertEqual(file.read(), "a file")

    def test_relative_folder(self):
        """Relative paths are relative to the file, also in --set."""
        node = self.new_node(start=False)
        node.settings["node/data"] = "near"
        os.mkdir(os.path.join(node.folder, "near"))
        node.start()
        node.stop()
        self.assertTrue(os.listdir(os.path.join(node.folder, "near")))
        os.mkdir(os.path.join(node.folder, "set"))
        node.arguments = ["--set", "node/data=set"]
        node.start()
        node.stop()
        self.assertTrue(os.listdir(os.path.join(node.folder, "set")))

    def test_damaged_folder(self):
        """Garbage where the data were: the node refuses, or serves; it hangs not, and is ended by no signal."""
        node = self.new_node()
        node.client.op("put", key=b"key", value=b"v" * 1000)
        node.stop()
        for folder, _, files in os.walk(node.data):
            for name in files:
                path = os.path.join(folder, name)
                with open(path, "r+b") as file:
                    file.write(self.rng.randbytes(min(4096, os.path.getsize(path))))
        node.launch()
        harness.wait_for(lambda: not node.alive() or node.client.socket, "an end")
        try:
            node.wait_ready(REFUSED_SECONDS)
        except AssertionError:
            self.assertFalse(node.alive(), "neither ready nor ended\n" + node.story())
            self.assertGreater(node.process.returncode, 0, node.story())
            self.assertGreaterEqual(len(node.errors().splitlines()[-1].split()), 4, node.story())


class Refusals(Start):
    def test_port_in_use(self):
        for path in ("listen/client", "listen/peer", "listen/monitor"):
            node = self.new_node(start=False, interval=1000)
            with self.subTest(path), socket.socket() as holder:
                holder.bind(host_port(node.settings[path]))
                holder.listen()
                self.refuses(node, str(host_port(node.settings[path])[1]))
            node.start()
            node.stop()

    def test_no_address_of_this_machine(self):
        node = self.new_node(start=False, settings={"listen/client": "tcp://10.255.255.254:7101"})
        self.refuses(node, "10.255.255.254")

    def test_names(self):
        for path, value in (("node/colour", "red"), ("colour/red", "1"), ("cluster/n", "9"), ("log/level", "loud")):
            with self.subTest(path):
                node = self.new_node(start=False)
                node.settings[path] = value
                node.launch()
                self.assertGreater(node.wait_end(REFUSED_SECONDS), 0)
                self.assertIn(path, node.errors())
        for path in ("node/name", "node/data", "listen/client", "listen/peer", "listen/gossip", "cluster/name"):
            with self.subTest(path):
                node = self.new_node(start=False)
                del node.settings[path]
                node.launch()
                self.assertGreater(node.wait_end(REFUSED_SECONDS), 0)
                self.assertIn(path, node.errors())
                self.assertEqual(os.listdir(node.data), [], "it touched the folder")

    def test_no_file(self):
        status, _, errors = harness.run("--config", "/nowhere/node.conf")
        self.assertGreater(status, 0)
        self.assertIn("/nowhere/node.conf", errors.splitlines()[-1])

    def test_check_beside_a_running_node(self):
        node = self.new_node()
        status, output, _ = harness.run("--check", "--config", node.config)
        self.assertEqual(status, 0, output)
        node.client.ping()
        node.stop()


class Settings(Start):
    def test_set_overrides(self):
        node = self.new_node(start=False)
        node.arguments = ["--set", "cluster/n=2", "--set", "cluster/n=3", "--set", "node/zone=rack-b",
                          "--set", "limits/value=2KB", "--set", "limits/siblings=3"]
        node.start()
        self.client = node.client
        self.assertEqual(self.ok("ring")["n"], 3)
        self.assertEqual(self.ok("ring")["nodes"][0]["zone"], "rack-b")
        self.put(b"key", bytes(2048))
        self.refused("too_large", {"op": "put", "key": b"key", "value": bytes(2049)})
        self.put(b"key", b"2")
        self.put(b"key", b"3")
        self.refused("too_many_siblings", {"op": "put", "key": b"key", "value": b"4"})
        node.stop()

    def test_one_partition(self):
        with Node(partitions=1) as node:
            self.client = node.client
            for number in range(20):
                self.put(b"%d" % number, b"v")
                self.assertEqual(self.ok("inspect", key=b"%d" % number)["partition"], 0)
            self.assertEqual(len(self.ok("keys", partition=0)["keys"]), 20)
            self.assertEqual(self.ok("ring")["owners"], [[0]])

    def test_many_partitions(self):
        with Node(partitions=65536) as node:
            self.client = node.client
            self.assertEqual(self.ok("ring")["owners"], [[0]] * 65536)
            partition = self.ok("inspect", key=b"key")["partition"]
            self.put(b"key", b"v")
            self.assertEqual(self.ok("keys", partition=partition)["keys"], [b"key"])

    def test_memory_engine(self):
        with Node(settings={"store/engine": "memory"}) as node:
            self.client = node.client
            self.put(b"key", b"v")
            self.expect_values(b"key", b"v")

    def test_seeds_of_its_own(self):
        """A node whose own gossip endpoint comes first founds the cluster; its own is skipped."""
        node = self.new_node(start=False)
        node.settings["cluster/seeds"] = node.gossip
        node.start()
        self.assertEqual(len(node.client.op("status")["members"]), 1)
        node.stop()

    def test_advertise(self):
        node = self.new_node(start=False, settings={"advertise/client": "tcp://node1.example:7101"})
        node.start()
        self.assertEqual(node.client.op("ring")["nodes"][0]["client"], "tcp://node1.example:7101")
        self.assertEqual(node.client.op("status")["members"][0]["client"], "tcp://node1.example:7101")
        node.stop()

    def test_names_of_cluster_and_node(self):
        with Node(name="a-node.1", settings={"cluster/name": "a cluster", "node/zone": "zone 1"}) as node:
            self.assertEqual(node.client.op("ping")["node"], "a-node.1")
            self.assertEqual(node.client.op("status")["cluster"], "a cluster")
            self.assertEqual(node.client.op("status")["members"][0]["zone"], "zone 1")

    def test_log_goes_to_standard_error(self):
        with Node() as node:
            self.assertTrue(re.search(r"\S", node.errors()), "nothing at notice was logged by a start")


if __name__ == "__main__":
    harness.main()
