#!/usr/bin/python3
"""test_cluster.py - docs/protocol.md as clients of a healthy cluster see it: versions, quorums and the ops that show
the cluster's state, by three nodes with n = 3, by five, and by two where n = 3. How clusters are made is in
test_founding.py, and what happens when nodes die in test_failures.py.
"""
import os
import time

import harness
from cluster import ClusterCase

PARTITIONS = 64
AT_ONCE_SECONDS = 3
ROUNDS = 60


class Versions(ClusterCase):
    """Any node coordinates for any key."""
    shape = {"number": 3, "partitions": PARTITIONS, "value": "1MB", "siblings": 20}

    def test_put_here_get_there(self):
        for writer in range(3):
            for size in (0, 1, 1000, 100_000, 1024 * 1024):
                key, value = self.new_key(), os.urandom(size)
                self.on(writer).put(key, value)
                for reader in range(3):
                    self.on(reader).expect_values(key, value)

    def test_contexts_go_from_node_to_node(self):
        key, context = self.new_key(), b""
        for number in range(ROUNDS):
            context = self.on(number % 3).put(key, b"%d" % number, context=context)
            self.on((number + 1) % 3).expect_values(key, b"%d" % number)

    def test_read_then_write_elsewhere(self):
        key = self.new_key()
        for number in range(ROUNDS):
            context = self.on(self.rng.randrange(3)).get(key)["context"]
            self.on(self.rng.randrange(3)).put(key, b"%d" % number, context=context)
        self.expect_values(key, b"%d" % (ROUNDS - 1))

    def test_blind_puts_become_siblings(self):
        key = self.new_key()
        for writer in range(3):
            self.on(writer).put(key, b"by %d" % writer)
        for reader in range(3):
            context = self.on(reader).expect_values(key, b"by 0", b"by 1", b"by 2")
        self.on(1).put(key, b"merged", context=context)
        for reader in range(3):
            self.on(reader).expect_values(key, b"merged")

    def test_concurrent_writers_lose_nothing(self):
        """Three clients write one key at the same moment, from the same context: all three values are there."""
        for _ in range(ROUNDS):
            key = self.new_key()
            context = self.put(key, b"first")
            for number, client in enumerate(self.clients):
                client.send({"op": "put", "key": key, "value": b"%d" % number, "context": context})
            for client in self.clients:
                self.assertEqual(harness.check_reply(client.receive())["status"], "ok")
            self.on(self.rng.randrange(3)).expect_values(key, b"0", b"1", b"2")

    def test_old_context_covers_only_what_it_saw(self):
        key = self.new_key()
        old = self.on(0).put(key, b"a")
        self.on(1).put(key, b"b", context=old)
        self.on(2).put(key, b"c", context=old)
        self.on(0).expect_values(key, b"b", b"c")

    def test_delete_elsewhere(self):
        key = self.new_key()
        context = self.on(0).put(key, b"a")
        self.on(2).put(key, b"beside")
        self.on(1).delete(key, context)
        for reader in range(3):
            found = self.on(reader).expect_values(key, b"beside")
        self.on(2).delete(key, found)
        for reader in range(3):
            self.assertEqual(self.on(reader).get(key)["status"], "not_found")
        self.on(1).put(key, b"again", context=self.get(key)["context"])
        self.on(0).expect_values(key, b"again")

    def test_put_id_makes_a_retry_safe(self):
        key, identity = self.new_key(), os.urandom(16)
        for number in range(6):
            self.on(number % 3).put(key, b"%d" % number, put_id=identity)
        self.on(1).expect_values(key, b"0")

    def test_context_of_another_key(self):
        key, other = self.new_key("a"), self.new_key("b")
        context = self.on(0).put(other, b"v")
        for client in range(3):
            self.on(client).refused("bad_context", {"op": "put", "key": key, "value": b"", "context": context})
            self.refused("bad_context", {"op": "get", "key": key, "floor": context})

    def test_siblings_have_their_limit(self):
        key = self.new_key()
        for number in range(20):
            self.on(number % 3).put(key, b"%d" % number, w=3)
        for client in range(3):
            self.on(client).refused("too_many_siblings", {"op": "put", "key": key, "value": b"one more", "w": 3})
            self.refused("too_large", {"op": "put", "key": key, "value": bytes(1024 * 1024 + 1)})
        self.put(key, b"merged", context=self.get(key)["context"])
        self.expect_values(key, b"merged")

    def test_floor(self):
        """What was written with w = 1 is read with r = 1 anywhere, when the floor asks for it."""
        for number in range(ROUNDS):
            key = self.new_key()
            context = self.on(number % 3).put(key, b"v", w=1)
            for reader in range(3):
                reply = self.on(reader).get(key, r=1, floor=context)
                self.assertEqual((reply["values"], reply.get("stale", False)), ([b"v"], False))

    def test_many_in_flight(self):
        keys = [self.new_key() for _ in range(200)]
        for number, key in enumerate(keys):
            self.clients[number % 3].send({"op": "put", "key": key, "value": key, "id": number})
        for number in range(len(keys)):
            self.assertEqual(harness.check_reply(self.clients[number % 3].receive(), None)["status"], "ok")
        for node in self.cluster.nodes:
            for request, reply in self.cluster.bulk(node, ({"op": "get", "key": key} for key in keys)):
                self.assertEqual((reply["status"], reply["values"]), ("ok", [request["key"]]))
        self.cluster.wait_equal(keys)


class Quorums(ClusterCase):
    shape = {"number": 3, "partitions": PARTITIONS}

    def test_all_r_and_w(self):
        for strict in (False, True):
            for w in (1, 2, 3):
                for r in (1, 2, 3):
                    key = self.new_key()
                    reply = self.on(w % 3).ok("put", key=key, value=b"v", w=w, strict=strict)
                    self.assertTrue(w <= reply["acks"] <= 3, reply)
                    reply = self.on(r % 3).get(key, r=r, strict=strict)
                    if r + w > 3:
                        self.assertEqual(reply["values"], [b"v"])

    def test_defaults(self):
        self.assertGreaterEqual(self.ok("put", key=self.new_key(), value=b"v")["acks"], 2)

    def test_more_than_n(self):
        key = self.new_key()
        for number in (4, 7, 255, 2 ** 32 + 1):
            self.refused("bad_request", {"op": "get", "key": key, "r": number}, "r")
            self.refused("bad_request", {"op": "put", "key": key, "value": b"", "w": number}, "w")

    def explained(self, reply, role="owner"):
        """The entries by slot, each in the contract's shape."""
        self.assertIs(type(reply["explain"]), list)
        for entry in reply["explain"]:
            self.assertIn(entry["node"], [node.name for node in self.cluster.nodes])
            self.assertIn(entry["slot"], (0, 1, 2))
            self.assertEqual(entry["role"], role)
            self.assertTrue(0 <= entry["took"] < 20_000_000)
        return {entry["slot"]: entry for entry in reply["explain"]}

    def test_explain(self):
        for number in range(20):
            key = self.new_key()
            slots = self.on(number % 3).explained(self.ok("put", key=key, value=b"v", w=3, explain=True))
            self.assertEqual([slots[slot]["result"] for slot in (0, 1, 2)], ["stored"] * 3)
            self.assertEqual(len({slots[slot]["node"] for slot in (0, 1, 2)}), 3)
            owners = [replica["node"] for replica in self.replicas(key)]
            self.assertEqual([slots[slot]["node"] for slot in (0, 1, 2)], owners)
            slots = self.explained(self.ok("get", key=key, r=3, explain=True))
            self.assertEqual([slots[slot]["result"] for slot in (0, 1, 2)], ["found"] * 3)
            slots = self.explained(self.client.op("get", key=self.new_key("b"), r=3, explain=True))
            self.assertEqual([slots[slot]["result"] for slot in (0, 1, 2)], ["absent"] * 3)

    def replicas(self, key):
        return sorted(self.ok("inspect", key=key)["replicas"], key=lambda replica: replica["slot"])

    def test_short_time(self):
        """A reply comes for each time-out, and what is not known to be stored is called unknown."""
        for number in range(40):
            key = self.new_key()
            reply = self.on(number % 3).client.op("put", key=key, value=b"v", timeout=1, w=3)
            self.assertIn(reply["status"], ("ok", "unknown", "overloaded"))
            if reply["status"] == "unknown":
                self.assertLess(reply["acks"], 3)
            self.assertIn(self.client.op("get", key=key, timeout=1)["status"], ("ok", "not_found", "timeout"))

    def test_keys(self):
        """Each owner lists a partition in one order, and `next` may be taken to another node."""
        by_partition = {}
        for number in range(300):
            key = self.new_key()
            self.on(number % 3).put(key, b"v", w=3)
            by_partition.setdefault(self.ok("inspect", key=key)["partition"], set()).add(key)
        for partition, keys in by_partition.items():
            lists = [self.on(reader).ok("keys", partition=partition)["keys"] for reader in range(3)]
            self.assertEqual(lists[0], lists[1])
            self.assertEqual(lists[0], lists[2])
            self.assertTrue(keys <= set(lists[0]))
            self.assertEqual(len(set(lists[0])), len(lists[0]))
            found, after, turn = [], {}, 0
            while True:
                reply = self.on(turn % 3).ok("keys", partition=partition, limit=2, **after)
                found += reply["keys"]
                if reply["next"] is None:
                    break
                after, turn = {"after": reply["next"]}, turn + 1
            self.assertEqual(found, lists[0])


class Views(ClusterCase):
    """What the nodes say of their cluster, five of them; most are no home of a given key."""
    shape = {"number": 5, "partitions": 256, "settings": {"node/zone": "zone 1"}}

    def test_ring_is_one(self):
        rings = [client.op("ring") for client in self.clients]
        first = rings[0]
        self.assertEqual((first["partitions"], first["n"], first["r"], first["w"], first["hash"]),
                         (256, 3, 2, 2, "xxh3-64"))
        self.assertEqual(sorted(node["name"] for node in first["nodes"]), ["node%d" % number for number in range(1, 6)])
        for node in first["nodes"]:
            self.assertEqual((node["state"], node["zone"], node["weight"]), ("up", "zone 1", 1.0))
            self.assertEqual(node["client"], self.cluster[int(node["name"][4:]) - 1].client_endpoint)
        for ring in rings[1:]:
            self.assertEqual(ring["version"], first["version"])
            self.assertEqual(self.owners(ring), self.owners(first))

    def owners(self, ring):
        return [[ring["nodes"][index]["name"] for index in one] for one in ring["owners"]]

    def test_slots_are_even_and_distinct(self):
        owners = self.owners(self.ok("ring"))
        self.assertEqual(len(owners), 256)
        count = {}
        for partition in owners:
            self.assertEqual(len(partition), 3)
            self.assertEqual(len(set(partition)), 3)
            for name in partition:
                count[name] = count.get(name, 0) + 1
        print("slots of five nodes: %s" % sorted(count.values()))
        self.assertTrue(max(count.values()) - min(count.values()) <= 1, count)

    def test_status(self):
        for client, node in zip(self.clients, self.cluster.nodes):
            status = client.op("status")
            self.assertEqual((status["node"], status["cluster"], status["ready"]), (node.name, "test", True))
            self.assertEqual((status["hints"], status["transfers"]), (0, []))
            self.assertEqual(sum(member["slots"] for member in status["members"]), 256 * 3)
            for member in status["members"]:
                self.assertEqual((member["state"], member["reachable"]), ("up", True))
                self.assertTrue(153 <= member["slots"] <= 154, member)

    def test_any_node_serves_any_key(self):
        for number in range(100):
            key = self.new_key()
            context = self.on(number % 5).put(key, b"v")
            for reader in range(5):
                self.on(reader).expect_values(key, b"v")
            self.on((number + 1) % 5).delete(key, context)
            self.assertEqual(self.on((number + 2) % 5).get(key)["status"], "not_found")

    def test_inspect(self):
        ring = self.ok("ring")
        for number in range(20):
            key = self.new_key()
            self.on(number % 5).put(key, b"value", w=3)
            replies = [self.on(reader).ok("inspect", key=key) for reader in range(5)]
            for reply in replies:
                self.assertEqual(reply["partition"], replies[0]["partition"])
                reply["replicas"].sort(key=lambda one: one["slot"])
                self.assertEqual([(one["slot"], one["role"], one["reachable"], one["values"], one["tombstone"])
                                  for one in reply["replicas"]], [(slot, "owner", True, 1, False) for slot in range(3)])
                self.assertEqual([one["node"] for one in reply["replicas"]], self.owners(ring)[reply["partition"]])
                self.assertEqual({one["digest"] for one in reply["replicas"]}, {replies[0]["replicas"][0]["digest"]})

    def test_keys_from_any_node(self):
        key = self.new_key()
        self.put(key, b"v", w=3)
        partition = self.ok("inspect", key=key)["partition"]
        for reader in range(5):
            self.assertIn(key, self.on(reader).ok("keys", partition=partition)["keys"])

    def test_stats_name_the_peers(self):
        for reader in range(5):
            stats = self.on(reader).ok("stats")
            self.assertEqual((stats["peers_up"], stats["peers_down"], stats["hints"]), (4, 0, 0))

    def test_read_repair(self):
        """A replica that is behind is mended by a read; strict reads with r = 3 see all owners."""
        keys = [self.new_key() for _ in range(50)]
        for number, key in enumerate(keys):
            self.on(number % 5).put(key, b"v", w=1)
            self.on((number + 1) % 5).get(key, r=3, strict=True)
        self.cluster.wait_equal(keys)


class Two(ClusterCase):
    """n = 3, and two members: each holds a replica of everything."""
    shape = {"number": 2, "n": 3, "r": 2, "w": 2, "partitions": 16}

    def at_once(self, fields):
        began = time.monotonic()
        self.refused("unavailable", {**fields, "timeout": 20000})
        self.assertLess(time.monotonic() - began, AT_ONCE_SECONDS)

    def test_quorums_of_two_work(self):
        for writer in range(2):
            key = self.new_key()
            context = self.on(writer).put(key, b"v")
            self.on(1 - writer).expect_values(key, b"v")
            self.delete(key, context)
            self.assertEqual(self.on(writer).get(key)["status"], "not_found")

    def test_quorums_of_three_are_unavailable(self):
        key = self.new_key()
        context = self.put(key, b"v")
        for client in range(2):
            for strict in (False, True):
                self.on(client).at_once({"op": "get", "key": key, "r": 3, "strict": strict})
                self.at_once({"op": "put", "key": key, "value": b"w", "w": 3, "strict": strict})
                self.at_once({"op": "delete", "key": key, "context": context, "w": 3, "strict": strict})
            self.expect_values(key, b"v")

    def test_each_holds_all(self):
        for client in range(2):
            ring = self.on(client).ok("ring")
            for owners in ring["owners"]:
                self.assertEqual(sorted(owners), [0, 1])
            self.assertEqual([member["slots"] for member in self.ok("status")["members"]], [16, 16])


if __name__ == "__main__":
    harness.main()
