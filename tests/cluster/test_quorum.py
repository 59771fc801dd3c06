#!/usr/bin/python3
"""test_quorum.py - quorums as one node alone can show them: r, w, strict, acks, explain, and a cluster of n = 3 that
has one member, where each quorum that needs more nodes than there are is `unavailable`, at once.
"""
import time

import harness
from harness import pack_map, integer_widths

AT_ONCE_SECONDS = 3
PARTITIONS = 8


class Explained(harness.Case):
    """Checks of `explain` for both clusters."""
    options = None

    def expect_explained(self, reply, results):
        """One entry for the node that is there, in the contract's shape."""
        self.assertIs(type(reply["explain"]), list)
        self.assertGreaterEqual(len(reply["explain"]), 1)
        for entry in reply["explain"]:
            self.assertEqual(entry["node"], "node1")
            self.assertEqual(entry["slot"], 0)
            self.assertEqual(entry["role"], "owner")
            self.assertIn(entry["result"], results)
            self.assertIs(type(entry["took"]), int)
            self.assertTrue(0 <= entry["took"] < 20_000_000)

    def check_explain(self, key):
        self.expect_explained(self.client.op("get", key=key, explain=True, r=1), {"absent"})
        reply = self.ok("put", key=key, value=b"v", explain=True, w=1)
        self.expect_explained(reply, {"stored"})
        self.expect_explained(self.ok("get", key=key, explain=True, r=1), {"found"})
        reply = self.ok("delete", key=key, context=reply["context"], explain=True, w=1)
        self.expect_explained(reply, {"stored"})
        reply = self.client.op("get", key=key, explain=True, r=1)
        self.assertEqual(reply["status"], "not_found")
        self.expect_explained(reply, {"absent", "found"})  # a tombstone is found
        for fields in ({}, {"explain": False}):
            self.assertNotIn("explain", self.ok("put", key=key, value=b"v", w=1, **fields))
            self.assertNotIn("explain", self.ok("get", key=key, r=1, **fields))


class One(Explained):
    """n = 1: the node is every quorum."""
    options = {"partitions": PARTITIONS}

    def test_acks(self):
        key = self.new_key()
        for fields in ({}, {"w": 1}, {"strict": True}, {"strict": False}, {"w": 1, "strict": True, "timeout": 5000}):
            reply = self.ok("put", key=key, value=b"v", **fields)
            self.assertEqual((type(reply["acks"]), reply["acks"]), (int, 1))
            reply = self.ok("delete", key=key, context=reply["context"], **fields)
            self.assertEqual((type(reply["acks"]), reply["acks"]), (int, 1))

    def test_reads(self):
        key = self.new_key()
        self.assertEqual(self.get(key, strict=True)["status"], "not_found")
        self.put(key, b"v")
        for fields in ({}, {"r": 1}, {"strict": True}, {"strict": False}, {"r": 1, "strict": True, "timeout": 5000}):
            self.assertEqual(self.get(key, **fields)["values"], [b"v"])

    def test_explain(self):
        self.check_explain(self.new_key())

    def test_more_than_n(self):
        key = self.new_key()
        for number in (2, 3, 7, 8, 100):
            self.refused("bad_request", {"op": "get", "key": key, "r": number}, "r")
            self.refused("bad_request", {"op": "put", "key": key, "value": b"", "w": number}, "w")
            self.refused("bad_request", {"op": "delete", "key": key, "context": b"", "w": number}, "w")
        self.expect_values(key)

    def test_short_time(self):
        """A reply comes for each time-out, and what is not known to be stored is called unknown."""
        for _ in range(20):
            key = self.new_key()
            reply = self.client.op("put", key=key, value=b"v", timeout=1)
            self.assertIn(reply["status"], ("ok", "unknown", "overloaded"))
            if reply["status"] == "unknown":
                self.assertLess(reply["acks"], 1)
            self.assertIn(self.client.op("get", key=key, timeout=1)["status"], ("ok", "not_found", "timeout"))


class Alone(Explained):
    """n = 3, r = 2, w = 2, and nobody else there."""
    options = {"n": 3, "r": 2, "w": 2, "partitions": PARTITIONS}

    def at_once(self, fields):
        began = time.monotonic()
        self.refused("unavailable", {**fields, "timeout": 20000})
        self.assertLess(time.monotonic() - began, AT_ONCE_SECONDS)

    def test_defaults_are_unavailable(self):
        key = self.new_key()
        context = self.put(key, b"v", w=1)
        self.at_once({"op": "get", "key": key})
        self.at_once({"op": "put", "key": key, "value": b"w"})
        self.at_once({"op": "put", "key": key, "value": b"w", "context": context})
        self.at_once({"op": "delete", "key": key, "context": context})
        self.assertEqual(self.get(key, r=1)["values"], [b"v"])  # nothing of it was stored

    def test_above_members_and_above_n(self):
        key = self.new_key()
        for number in (2, 3):
            for strict in ({}, {"strict": True}, {"strict": False}):
                self.at_once({"op": "get", "key": key, "r": number, **strict})
                self.at_once({"op": "put", "key": key, "value": b"w", "w": number, **strict})
                self.at_once({"op": "delete", "key": key, "context": b"", "w": number, **strict})
        for number in (4, 7, 255, 256, 257, 2 ** 32 + 1):
            self.refused("bad_request", {"op": "get", "key": key, "r": number}, "r")
            self.refused("bad_request", {"op": "put", "key": key, "value": b"", "w": number}, "w")
            self.refused("bad_request", {"op": "delete", "key": key, "context": b"", "w": number}, "w")
        self.assertEqual(self.get(key, r=1)["status"], "not_found")

    def test_quorums_of_one_work(self):
        key = self.new_key()
        self.assertEqual(self.get(key, r=1)["status"], "not_found")
        reply = self.ok("put", key=key, value=b"a", w=1)
        self.assertEqual(reply["acks"], 1)
        reply = self.ok("put", key=key, value=b"b", w=1, context=reply["context"], strict=True)
        self.assertEqual(self.get(key, r=1, strict=True)["values"], [b"b"])
        reply = self.ok("delete", key=key, w=1, context=reply["context"])
        self.assertEqual(reply["acks"], 1)
        self.assertEqual(self.get(key, r=1)["status"], "not_found")

    def test_sizes_and_contexts_are_checked_before_quorums(self):
        key, other = self.new_key("a"), self.new_key("b")
        foreign = self.put(other, b"v", w=1)
        self.refused("too_large", {"op": "get", "key": bytes(1025)})
        self.refused("too_large", {"op": "put", "key": bytes(1025), "value": b"", "w": 3})
        self.refused("too_large", {"op": "put", "key": key, "value": bytes(1024 * 1024 + 1)})
        self.refused("bad_context", {"op": "put", "key": key, "value": b"", "context": foreign})
        self.refused("bad_context", {"op": "delete", "key": key, "context": foreign, "w": 3})
        self.refused("bad_context", {"op": "get", "key": key, "floor": foreign})
        self.refused("bad_request", {"op": "put", "key": key}, "value")

    def test_floor_never_times_out(self):
        """It waits for more owners until all have answered or are down: the only one there is has answered."""
        key = self.new_key()
        context = self.put(key, b"v", w=1)
        began = time.monotonic()
        reply = self.get(key, r=1, floor=context, timeout=20000)
        self.assertEqual((reply["values"], reply.get("stale", False)), ([b"v"], False))
        self.assertLess(time.monotonic() - began, AT_ONCE_SECONDS)

    def test_explain(self):
        self.check_explain(self.new_key())

    def test_inspect_is_always_ok(self):
        key = self.new_key()
        self.put(key, b"v", w=1)
        replicas = self.ok("inspect", key=key)["replicas"]
        self.assertEqual([(replica["slot"], replica["node"], replica["role"], replica["values"])
                          for replica in replicas], [(0, "node1", "owner", 1)])

    def test_keys_of_two_owners(self):
        """`keys` lists what any of r owners has: with r = 2 that is one too many here."""
        for partition in range(PARTITIONS):
            self.at_once({"op": "keys", "partition": partition})

    def test_ring_and_status(self):
        ring = self.ok("ring")
        self.assertEqual((ring["n"], ring["r"], ring["w"]), (3, 2, 2))
        self.assertEqual(ring["owners"], [[0]] * PARTITIONS)  # vacant slots are left out
        status = self.ok("status")
        self.assertIs(status["ready"], True)  # no slot is vacant that a member could hold
        self.assertEqual(status["members"][0]["slots"], PARTITIONS)

    def test_integers_of_any_width(self):
        key = self.new_key()
        for width, number in integer_widths(3).items():
            reply = self.client.raw(pack_map([("op", "get"), ("key", key), ("r", number)]))
            self.assertEqual(reply["status"], "unavailable", width)


if __name__ == "__main__":
    harness.main()
