#!/usr/bin/python3
"""test_contract.py - sections 1 to 3 of docs/protocol.md as one client of one node sees them: the transport, the
fields of requests, the order of checks, and the ops that show the node's state. Versions are in test_versions.py,
quorums in test_quorum.py.
"""
import ctypes

import zmq

import harness
from harness import ABSENT, Raw, check_reply, integer_widths, pack, pack_map, wait_for

PARTITIONS = 16
VALUE_BYTES = 64 * 1024
KEY_BYTES = 1024
COUNTERS = """gets puts deletes not_found conflicts read_repairs hints_stored hints_delivered anti_entropy_repairs
    anti_entropy_exchanges bytes_in bytes_out""".split()
GAUGES = """hints hint_oldest keys tombstones transfers peers_up peers_down in_flight rss disk disk_free""".split()
LATENCIES = ["%s_%s" % (op, figure) for op in ("get", "put") for figure in "mean p50 p99 p999 max".split()]
LATENCIES += ["settle_p50", "settle_p99"]


def is_int(value):
    return type(value) is int


class Shared(harness.Case):
    options = {"partitions": PARTITIONS, "value": "64KB", "interval": 100}


class Transport(Shared):
    def test_req_socket(self):
        client = harness.Client(self.node.client_endpoint, zmq.REQ)
        self.addCleanup(client.close)
        client.socket.send(pack({"op": "ping"}))
        self.assertTrue(client.socket.poll(harness.REPLY_SECONDS * 1000))
        frames = client.socket.recv_multipart()
        self.assertEqual(len(frames), 1)
        self.assertEqual(check_reply(harness.unpack(frames[0]))["status"], "ok")

    def test_many_in_flight(self):
        keys = [self.new_key() for _ in range(50)]
        for number, key in enumerate(keys):
            self.client.send({"op": "put", "key": key, "value": b"%d" % number, "id": number})
            self.client.send({"op": "get", "key": key, "id": "get %d" % number})
        seen = set()
        for _ in range(100):
            reply = check_reply(self.client.receive(), None)
            self.assertIn(reply["status"], harness.FINE)
            seen.add(reply["id"])
        self.assertEqual(seen, set(range(50)) | {"get %d" % number for number in range(50)})
        for number, key in enumerate(keys):
            self.expect_values(key, b"%d" % number)

    def test_two_requests_at_once(self):
        self.client.send({"op": "ping", "id": 1})
        self.client.send({"op": "ping", "id": 2})
        self.assertEqual({self.client.receive()["id"], self.client.receive()["id"]}, {1, 2})

    def test_two_body_frames(self):
        for frames in ((pack({"op": "ping"}),) * 2, (pack({"op": "ping"}), b""), (b"", b""), (b"a",) * 20):
            self.client.send_frames(b"", *frames)
            self.assertEqual(check_reply(self.client.receive(), None)["status"], "bad_request")
        self.client.ping()

    def test_no_delimiter_is_dropped(self):
        self.client.send_frames(pack({"op": "ping", "id": "dropped"}))
        self.client.send_frames(pack({"op": "ping", "id": "dropped"}), pack({"op": "ping", "id": "dropped"}))
        reply = self.client.op("ping", id="after")  # in order on one connection: no reply came before it
        self.assertEqual(reply["id"], "after")

    def test_too_big_message_closes_the_connection(self):
        least = max(2 * VALUE_BYTES, VALUE_BYTES + 1024 * 1024)
        monitor = self.client.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self.client.ping()
        self.client.send({"op": "put", "key": self.new_key(), "value": bytes(least + 1024)})
        self.assertTrue(monitor.poll(harness.REPLY_SECONDS * 1000), "the connection stays open")
        self.client.socket.disable_monitor()
        monitor.close()
        self.client.open()
        self.client.ping()

    def test_large_message_within_the_limit_is_answered(self):
        self.refused("too_large", {"op": "put", "key": self.new_key(), "value": bytes(VALUE_BYTES + 1)})
        self.refused("too_large", {"op": "put", "key": self.new_key(), "value": bytes(VALUE_BYTES + 512 * 1024)})


class Fields(Shared):
    def test_names_come_as_str_and_bytes_as_bin(self):
        key = self.new_key()
        context = self.put(key.decode(), "text")
        self.assertEqual(self.get(key)["values"], [b"text"])
        self.assertEqual(self.get(key.decode())["values"], [b"text"])
        self.put(key, b"\xff\x00bytes", context=context)
        self.assertEqual(self.get(key.decode())["values"], [b"\xff\x00bytes"])

    def test_str_key_need_not_be_utf8(self):
        key = b"\xff\xfe" + self.new_key()
        self.assertLess(len(key), 256)
        text = Raw(b"\xd9" + bytes([len(key)]) + key)
        reply = check_reply(self.client.raw(pack_map([("op", "put"), ("key", text), ("value", text)])))
        self.assertEqual(reply["status"], "ok", reply)
        self.expect_values(key, key)

    def test_ids_of_all_types_are_repeated(self):
        identities = [0, 1, 127, 128, -1, -32, -33, 65536, 2 ** 31, 2 ** 32, 2 ** 63, 2 ** 64 - 1, -2 ** 63,
                      "", "a", "é" * 32, "x" * 64, b"", b"\x00", b"\xff" * 64, "null\0byte"]
        for identity in identities:
            self.assertEqual(self.client.op("ping", id=identity)["status"], "ok")
            self.refused("bad_request", {"op": "none such", "id": identity})
            self.refused("bad_request", {"op": "get", "nonsense": 1, "id": identity})
            self.refused("too_large", {"op": "get", "key": bytes(1025), "id": identity})
            self.client.op("get", key=self.new_key(), id=identity)

    def test_ids_of_other_types_are_refused_without_id(self):
        for identity in (None, True, 1.0, [], [1], {}, "x" * 65, b"x" * 65, "é" * 33):
            reply = self.client.raw(pack({"op": "ping", "id": identity}))
            self.assertEqual(check_reply(reply)["status"], "bad_request", identity)
            self.assertIn("id", reply["message"])

    def test_id_is_repeated_when_a_field_before_it_is_wrong(self):
        for body in (pack_map([("nonsense", 1), ("op", "ping"), ("id", 7)]),
                     pack_map([("key", None), ("op", "get"), ("id", 7)]),
                     pack_map([("op", 5), ("id", 7)]), pack_map([("id", 7)])):
            self.assertEqual(check_reply(self.client.raw(body), 7)["status"], "bad_request")

    def test_integers_of_any_width(self):
        key = self.new_key()
        self.put(key, b"value")
        for width, number in integer_widths(1).items():
            for op, field in (("get", "r"), ("put", "w")):
                pairs = [("op", op), ("key", key), (field, number)]
                pairs += [("value", b"value"), ("put_id", b"sixteen bytes 16")] if op == "put" else []
                self.assertEqual(self.client.raw(pack_map(pairs))["status"], "ok", (op, field, width))
            reply = self.client.raw(pack_map([("op", "keys"), ("partition", number), ("limit", number)]))
            self.assertEqual(reply["status"], "ok", width)
            reply = self.client.raw(pack_map([("op", "ping"), ("id", number)]))
            self.assertEqual(check_reply(reply, 1)["status"], "ok", width)
        for width, number in integer_widths(1000).items():
            reply = self.client.raw(pack_map([("op", "get"), ("key", key), ("timeout", number)]))
            self.assertEqual(reply["status"], "ok", width)

    def test_a_float_is_no_integer(self):
        for number in (1.0, 1.5, 0.0, float("inf"), float("nan")):
            self.refused("bad_request", {"op": "get", "key": b"k", "r": number}, "r")
            self.refused("bad_request", {"op": "put", "key": b"k", "value": b"", "w": number}, "w")
            self.refused("bad_request", {"op": "keys", "partition": number}, "partition")
            self.refused("bad_request", {"op": "keys", "partition": 0, "limit": number}, "limit")
            self.refused("bad_request", {"op": "ping", "timeout": number}, "timeout")

    def test_field_given_twice(self):
        for body in (pack_map([("op", "ping"), ("op", "ping")]),
                     pack_map([("op", "get"), ("key", b"k"), ("key", b"k")]),
                     pack_map([("op", "get"), ("key", b"k"), ("r", 1), ("r", 1)]),
                     pack_map([("op", "put"), ("value", b"a"), ("key", b"k"), ("value", b"b")])):
            self.assertEqual(check_reply(self.client.raw(body))["status"], "bad_request")

    def test_names_that_are_not_str(self):
        for name in (1, b"op", None, True, 1.5):
            body = pack_map([("op", "ping"), ("id", 3), (Raw(pack(name)), "ping")])
            self.assertEqual(check_reply(self.client.raw(body), None)["status"], "bad_request")

    def test_unknown_field(self):
        for op, fields in (("ping", {}), ("get", {"key": b"k"}), ("status", {}), ("keys", {"partition": 0})):
            self.refused("bad_request", {"op": op, **fields, "colour": 1}, "colour")
        self.refused("bad_request", {"op": "ping", "key": b"k"}, "key")  # another op's field
        self.refused("bad_request", {"op": "get", "key": b"k", "w": 1}, "w")
        self.refused("bad_request", {"op": "get", "key": b"k", "value": b""}, "value")
        self.refused("bad_request", {"op": "put", "key": b"k", "value": b"", "r": 1}, "r")

    def test_missing_field(self):
        self.refused("bad_request", {"op": "get"}, "key")
        self.refused("bad_request", {"op": "put", "key": b"k"}, "value")
        self.refused("bad_request", {"op": "put", "value": b"v"}, "key")
        self.refused("bad_request", {"op": "delete", "key": b"k"}, "context")
        self.refused("bad_request", {"op": "delete", "context": b""}, "key")
        self.refused("bad_request", {"op": "keys"}, "partition")
        self.refused("bad_request", {"op": "inspect"}, "key")
        self.refused("bad_request", {}, "op")

    def test_unknown_op(self):
        for op in ("", "GET", "get ", "Ping", "x" * 1000, "gett", "ge"):
            self.refused("bad_request", {"op": op, "id": op[:10]})

    def test_ranges(self):
        for number in (0, -1, 20001, 2 ** 32 + 1, 2 ** 63, 2 ** 64 - 1, -2 ** 63):
            self.refused("bad_request", {"op": "ping", "timeout": number}, "timeout")
        for number in (0, -1, 10001, 2 ** 32 + 1, 2 ** 64 - 1):
            self.refused("bad_request", {"op": "keys", "partition": 0, "limit": number}, "limit")
        for number in (-1, PARTITIONS, 65536, 2 ** 32, 2 ** 64 - 1):
            self.refused("bad_request", {"op": "keys", "partition": number}, "partition")
        for number in (0, -1, 2, 7, 256 + 1, 2 ** 32 + 1, 2 ** 64 - 1):
            self.refused("bad_request", {"op": "get", "key": b"k", "r": number}, "r")
            self.refused("bad_request", {"op": "put", "key": b"k", "value": b"", "w": number}, "w")
        for put_id in (b"", b"x" * 15, b"x" * 17):
            self.refused("bad_request", {"op": "put", "key": b"k", "value": b"", "put_id": put_id}, "put_id")
        for timeout in (1, 20000):
            self.ok("ping", timeout=timeout)

    def test_keys_of_all_sizes(self):
        for size in (1, 2, 3, 4, 8, 9, 16, 17, 128, 129, 240, 241, 255, 256, KEY_BYTES):
            key = self.rng.randbytes(size)
            self.put(key, b"of %d" % size)
            self.expect_values(key, b"of %d" % size)
        for op, fields in (("get", {}), ("put", {"value": b""}), ("delete", {"context": b""}), ("inspect", {})):
            self.assertIn(self.client.op(op, key=bytes(KEY_BYTES), **fields)["status"], harness.FINE)
            for key in (bytes(KEY_BYTES + 1), "x" * (KEY_BYTES + 1), bytes(60000)):
                self.refused("too_large", {"op": op, "key": key, **fields})
            for key in (b"", ""):
                self.refused("bad_request", {"op": op, "key": key, **fields}, "key")

    def test_values_of_all_sizes(self):
        for size in (0, 1, 255, 256, 4095, 4096, 65535, VALUE_BYTES):
            key, value = self.new_key(), self.rng.randbytes(size)
            context = self.put(key, value)
            self.assertEqual(self.get(key)["values"], [value])
            self.delete(key, context)
        key = self.new_key()
        for value in (bytes(VALUE_BYTES + 1), "x" * (VALUE_BYTES + 1)):
            self.refused("too_large", {"op": "put", "key": key, "value": value})
        self.expect_values(key)

    def test_order_of_checks(self):
        key, other = self.new_key(), self.new_key("b")
        foreign = self.put(other, b"v")
        long_key = bytes(KEY_BYTES + 1)
        damaged = b"damaged"
        self.refused("bad_request", {"op": "none", "key": long_key, "nonsense": 1, "context": damaged})
        self.refused("bad_request", {"op": "put", "key": long_key, "value": b"", "context": 1}, "context")
        self.refused("bad_request", {"op": "put", "key": long_key, "value": b"", "nonsense": 1}, "nonsense")
        self.refused("bad_request", {"op": "put", "key": b"", "value": bytes(VALUE_BYTES + 1)}, "key")
        self.refused("bad_request", {"op": "get", "key": long_key, "floor": None}, "floor")
        self.refused("too_large", {"op": "put", "key": long_key, "value": b"", "context": damaged})
        self.refused("too_large", {"op": "put", "key": key, "value": bytes(VALUE_BYTES + 1), "context": foreign})
        self.refused("too_large", {"op": "get", "key": long_key, "floor": damaged})
        self.refused("bad_context", {"op": "put", "key": key, "value": b"", "context": damaged})


class Later(Shared):
    """Ops that this version does not carry out, or not with one node."""

    def test_plan_and_background(self):
        self.refused("bad_request", {"op": "plan"})
        self.refused("bad_request", {"op": "plan", "leave": ["node1"]})
        self.refused("bad_request", {"op": "background", "work": "all", "state": "pause"})

    def test_membership(self):
        reply = self.client.op("join")
        self.assertIn(reply["status"], ("ok", "bad_request"))  # asked again; or already a member
        self.refused("bad_request", {"op": "leave"})  # of the last member
        self.refused("bad_request", {"op": "remove", "node": "node1"})  # of itself
        self.refused("bad_request", {"op": "remove", "node": "nobody"})
        self.refused("bad_request", {"op": "remove"}, "node")
        self.refused("bad_request", {"op": "remove", "node": 1}, "node")
        self.assertEqual(self.ok("status")["ready"], True)
        key = self.new_key()
        self.put(key, b"still a member")


class State(Shared):
    """Each test reads counts of the whole node; tests of a module run one after the other."""

    def all_keys(self, limit=None):
        """Every key by `keys` over all partitions: {partition: [key, ...]}."""
        found = {}
        for partition in range(PARTITIONS):
            found[partition], after = [], {}
            while True:
                options = {"limit": limit} if limit else {}
                reply = self.ok("keys", partition=partition, **after, **options)
                self.assertIs(type(reply["keys"]), list)
                self.assertLessEqual(len(reply["keys"]), limit or 1000)
                for key in reply["keys"]:
                    self.assertIs(type(key), bytes)
                found[partition] += reply["keys"]
                self.assertIn("next", reply)
                if reply["next"] is None:
                    break
                self.assertIs(type(reply["next"]), bytes)
                after = {"after": reply["next"]}
        return found

    def test_ping(self):
        reply = self.ok("ping")
        self.assertEqual((reply["node"], reply["protocol"]), ("node1", 1))
        self.assertRegex(reply["version"], r"^\d+\.\d+")

    def test_keys(self):
        mine = {self.new_key(): self.new_key() for _ in range(200)}
        contexts = {key: self.put(key, value) for key, value in mine.items()}
        whole = self.all_keys()
        flat = [key for keys in whole.values() for key in keys]
        self.assertEqual(len(flat), len(set(flat)), "a key is listed twice")
        self.assertTrue(set(mine) <= set(flat))
        for limit in (1, 2, 7, 10000):
            self.assertEqual(self.all_keys(limit), whole, "limit %d changes keys or order" % limit)
        for partition, keys in whole.items():
            for key in keys[:3]:
                self.assertEqual(self.ok("inspect", key=key)["partition"], partition)
        gone = self.rng.sample(sorted(mine), 100)
        for key in gone:
            self.delete(key, contexts[key])
        left = {key for keys in self.all_keys().values() for key in keys}
        self.assertEqual(left, set(flat) - set(gone))

    def test_keys_pages_survive_changes(self):
        keys = [self.new_key() for _ in range(100)]
        contexts = {key: self.put(key, b"") for key in keys}
        partition = max(self.all_keys().items(), key=lambda item: len(item[1]))[0]
        before = self.all_keys()[partition]
        first = self.ok("keys", partition=partition, limit=2)
        self.assertEqual(first["keys"], before[:2])
        if first["keys"][1] in contexts:
            self.delete(first["keys"][1], contexts[first["keys"][1]])  # the one that `next` may stand on
        rest = self.ok("keys", partition=partition, after=first["next"], limit=10000)
        self.assertEqual(rest["keys"], before[2:])
        self.assertIsNone(rest["next"])

    def test_key_with_siblings_is_listed_once(self):
        key = self.new_key()
        self.put(key, b"a")
        self.put(key, b"b")
        listed = [found for keys in self.all_keys().values() for found in keys if found == key]
        self.assertEqual(listed, [key])

    def replica(self, key):
        """The one replica that `inspect` shows, its shape checked."""
        reply = self.ok("inspect", key=key)
        self.assertTrue(is_int(reply["partition"]) and 0 <= reply["partition"] < PARTITIONS)
        self.assertEqual(len(reply["replicas"]), 1)
        replica = reply["replicas"][0]
        self.assertEqual((replica["slot"], replica["node"], replica["role"]), (0, "node1", "owner"))
        self.assertIs(replica["reachable"], True)
        self.assertIs(type(replica["digest"]), bytes)
        self.assertTrue(is_int(replica["values"]) and is_int(replica["bytes"]))
        self.assertIs(type(replica["tombstone"]), bool)
        return replica

    def test_inspect(self):
        key = self.new_key()
        empty = self.replica(key)
        self.assertEqual((empty["values"], empty["tombstone"]), (0, False))
        self.put(key, b"x" * 1000)
        one = self.replica(key)
        self.assertEqual((one["values"], one["tombstone"]), (1, False))
        self.assertGreaterEqual(one["bytes"], 1000)
        self.get(key)
        self.assertEqual(self.replica(key)["digest"], one["digest"])
        self.put(key, b"x" * 1000)
        two = self.replica(key)
        self.assertEqual(two["values"], 2)  # equal values are two siblings
        context = self.get(key)["context"]
        self.delete(key, context)
        gone = self.replica(key)
        self.assertEqual((gone["values"], gone["tombstone"]), (0, True))
        self.put(key, b"back", context=context)
        back = self.replica(key)
        self.assertEqual((back["values"], back["tombstone"]), (1, False))
        digests = {replica["digest"] for replica in (empty, one, two, gone, back)}
        self.assertEqual(len(digests), 5, "different states with equal digests")
        self.delete(key, b"")  # removes nothing
        self.assertEqual(self.replica(key)["digest"], back["digest"])

    def test_ring(self):
        reply = self.ok("ring")
        self.assertEqual(reply["cluster"], "test")
        self.assertEqual((reply["partitions"], reply["n"], reply["r"], reply["w"]), (PARTITIONS, 1, 1, 1))
        self.assertEqual(reply["hash"], "xxh3-64")
        self.assertTrue(is_int(reply["version"]))
        self.assertEqual(len(reply["nodes"]), 1)
        node = reply["nodes"][0]
        self.assertEqual((node["name"], node["client"], node["zone"], node["state"]),
                         ("node1", self.node.client_endpoint, "", "up"))
        self.assertEqual(float(node["weight"]), 1.0)
        self.assertEqual(reply["owners"], [[0]] * PARTITIONS)
        self.assertEqual(self.ok("ring")["version"], reply["version"])
        self.assertEqual(self.ok("status")["version"], reply["version"])

    def test_partition_is_the_top_of_xxh3(self):
        try:
            hasher = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
        except OSError:
            self.skipTest("there is no libxxhash.so.0 to compare with")
        hasher.restype, hasher.argtypes = ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]
        for size in [1, 2, 3, 4, 8, 9, 16, 17, 128, 129, 240, 241, 1024] * 4:
            key = self.rng.randbytes(size)
            partition = hasher(key, len(key)) >> (64 - (PARTITIONS.bit_length() - 1))
            self.assertEqual(self.ok("inspect", key=key)["partition"], partition)

    def test_status(self):
        reply = self.ok("status")
        self.assertEqual((reply["node"], reply["cluster"]), ("node1", "test"))
        for name in ("version", "uptime", "hints", "keys"):
            self.assertTrue(is_int(reply[name]) and reply[name] >= 0, name)
        self.assertLess(reply["uptime"], 3600)
        self.assertIs(reply["ready"], True)
        self.assertEqual(reply["hints"], 0)
        self.assertEqual(reply["transfers"], [])
        self.assertEqual(len(reply["members"]), 1)
        member = reply["members"][0]
        self.assertEqual((member["name"], member["state"], member["zone"]), ("node1", "up", ""))
        self.assertEqual((member["slots"], member["client"]), (PARTITIONS, self.node.client_endpoint))
        self.assertIs(member["reachable"], True)
        self.assertEqual(float(member["weight"]), 1.0)

    def test_status_counts_keys(self):
        before = self.ok("status")["keys"]
        for _ in range(300):
            self.put(self.new_key(), b"counted")
        self.assertGreaterEqual(wait_for(lambda: self.client.op("status")["keys"] >= before + 150, "the estimate"), 1)

    def stats(self):
        reply = self.ok("stats")
        if "gets" not in reply:
            return reply["stats"]
        if "stats" in reply:
            self.assertEqual(set(reply["stats"]) - set(reply), set())
        return reply

    def test_stats_has_all_fields(self):
        stats = self.stats()
        for name in COUNTERS + GAUGES + LATENCIES:
            self.assertTrue(is_int(stats.get(name, ABSENT)) and stats[name] >= 0, name)
        self.assertEqual(stats["node"], "node1")
        self.assertTrue(is_int(stats["time"]))
        self.assertIs(type(stats["errors"]), dict)
        for status, number in stats["errors"].items():
            self.assertIn(status, harness.STATUSES - harness.FINE)
            self.assertTrue(is_int(number))
        self.assertEqual((stats["peers_up"], stats["peers_down"], stats["hints"]), (0, 0, 0))
        self.assertGreater(stats["rss"], 100000)
        self.assertGreater(stats["disk_free"], 0)

    def test_stats_counts(self):
        before = self.stats()
        key = self.new_key()
        for number in range(5):
            self.put(key, b"%d" % number)
        for _ in range(7):
            self.get(key)
        for _ in range(3):
            self.get(self.new_key("none"))
        self.delete(key, self.get(key)["context"])
        for _ in range(4):
            self.refused("bad_request", {"op": "get"})
        self.refused("too_large", {"op": "get", "key": bytes(2000)})
        least = {"puts": 5, "gets": 11, "deletes": 1, "not_found": 3, "conflicts": 8}

        def arrived():
            now = self.stats()
            return now if all(now[name] - before[name] >= more for name, more in least.items()) else None
        after = wait_for(arrived, "the counters of %r after %r" % (least, before))
        for name, more in least.items():
            self.assertEqual(after[name] - before[name], more, name)
        for status, more in (("bad_request", 4), ("too_large", 1)):
            self.assertEqual(after["errors"][status] - before["errors"].get(status, 0), more)
        for name in COUNTERS:
            self.assertGreaterEqual(after[name], before[name], name)
        self.assertGreater(after["bytes_in"], before["bytes_in"])
        self.assertGreater(after["bytes_out"], before["bytes_out"])
        wait_for(lambda: self.stats()["tombstones"] >= 1, "the tombstone to be counted")


class Load(harness.Case):
    options = {"in_flight": 4, "durability": "batch"}

    def test_overload_is_refused_at_the_door(self):
        """Each of many requests at once gets one reply; what was shed was not stored."""
        keys = [self.new_key() for _ in range(500)]
        for number, key in enumerate(keys):
            self.client.send({"op": "put", "key": key, "value": b"v", "id": number})
        statuses = {}
        for _ in keys:
            reply = check_reply(self.client.receive(), None)
            self.assertNotIn(reply["id"], statuses)
            statuses[reply["id"]] = reply["status"]
        self.assertTrue(set(statuses.values()) <= {"ok", "overloaded"}, set(statuses.values()))
        self.assertIn("ok", statuses.values())
        self.assertIn("overloaded", statuses.values())
        for number, key in enumerate(keys):
            self.expect_values(key, *([b"v"] if statuses[number] == "ok" else []))


if __name__ == "__main__":
    harness.main()
