#!/usr/bin/python3
"""test_hostile.py - thousands of requests that no client should send, and garbage on every socket of a node. Each
request is answered as the contract says, the node serves after each, and its memory stays flat.

Environment: RSS_LIMIT_MB (20) bounds how much memory the node may gain over all; a build with a sanitizer needs more.
"""
import contextlib
import os
import random
import socket
import struct

import zmq

import harness
import hostile
from harness import check_reply, host_port, memory, pack

MB = 1024 * 1024
RSS_LIMIT = int(os.environ.get("RSS_LIMIT_MB", 20)) * MB
SPACE_LIMIT = 512 * MB  # of address space: memory taken for a declared count shows here even when it is not touched
VALUE_BYTES = 64 * 1024
PARTITIONS = 16
ATTACKS_LEAST = 300
FAILURES_MOST = 20
OPEN_CONNECTIONS = 50


class Served(harness.Case):
    """One node with a known key, that must serve after each attack and not have grown at the end of each test."""
    options = {"value": "64KB", "partitions": PARTITIONS, "interval": 1000}
    known = b"known"
    sent = 0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        client = cls.node.client
        assert client.op("put", key=cls.known, value=b"stands")["status"] == "ok"
        for number in range(300):  # warm up: buffers, caches and threads have their size then
            key = b"warm %d" % number
            client.op("get", key=key, explain=True)
            context = client.op("put", key=key, value=bytes(VALUE_BYTES if number < 50 else 10))["context"]
            client.op("delete", key=key, context=context)
            client.raw(b"\xc1" * 100)
            client.op("get", key=bytes(2000))
        client.raw(pack({"op": "put", "key": b"warm", "value": bytes(VALUE_BYTES + 1_000_000)}))
        cls.base = cls.node.rss()
        cls.base_space = memory(cls.node.process.pid, "VmPeak")

    def setUp(self):
        super().setUp()
        self.addCleanup(self.check_memory)

    def check_memory(self):
        if not self.node.alive():
            return  # said already
        grown = self.node.rss() - self.base
        self.assertLess(grown, RSS_LIMIT, "the node grew by %d MB" % (grown // MB))

    def check_space(self, after):
        """No memory was taken for a size that was only declared."""
        if RSS_LIMIT == 20 * MB:  # sanitizers reserve address space as they like
            grown = memory(self.node.process.pid, "VmPeak") - self.base_space
            self.assertLess(grown, SPACE_LIMIT, "address space grew by %d MB after %s" % (grown // MB, after))

    def check_serves(self, after):
        """A ping and a get of the known key."""
        try:
            self.client.ping()
            reply = self.client.op("get", key=self.known)
        except harness.NoReply as error:
            raise harness.NoReply("after %s: %s" % (after, error)) from error
        self.assertEqual((reply["status"], reply["values"]), ("ok", [b"stands"]), after)


class Requests(Served):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        client = cls.node.client
        key = b"aimed at"
        client.op("put", key=key, value=b"a")
        context = client.op("put", key=key, value=b"b")["context"]  # one with an exception in it
        foreign = client.op("put", key=cls.known + b" not", value=b"v")["context"]
        cls.target = hostile.Target(key, context, foreign, VALUE_BYTES, PARTITIONS)

    @classmethod
    def tearDownClass(cls):
        print("hostile requests: %d; the node grew by %d KB" % (cls.sent, (cls.node.rss() - cls.base) // 1024))
        super().tearDownClass()

    def attack(self, attack):
        type(self).sent += 1
        reply = self.client.raw(attack.body)
        check_reply(reply, attack.identity)
        self.assertIn(reply["status"], attack.statuses, "%s: %r" % (attack.name, reply))
        if attack.field is not None:
            self.assertTrue(harness.names(reply["message"], attack.field), "%s: %r" % (attack.name, reply))
        self.check_serves(attack.name)

    def run_table(self, table):
        bad = []
        for attack in table(self.target):
            try:
                self.attack(attack)
            except AssertionError as error:
                bad.append("%s: %s: %s" % (attack.name, type(error).__name__, error))
                if isinstance(error, harness.NoReply) or len(bad) >= FAILURES_MOST or not self.node.alive():
                    bad.append("the rest of the table was not sent")
                    break
        self.assertEqual(bad, [], "\n" + "\n".join(bad))

    def test_there_are_enough(self):
        self.assertGreaterEqual(sum(1 for table in hostile.TABLES for _ in table(self.target)), ATTACKS_LEAST)

    def test_nothing_was_stored(self):
        """All refused writes of a table leave the key as it was."""
        before = self.ok("inspect", key=self.target.key)["replicas"][0]["digest"]
        for table in (hostile.sizes, hostile.contexts, hostile.fields):
            for attack in table(self.target):
                self.client.send(attack.body)
                self.client.receive()
        self.assertEqual(self.ok("inspect", key=self.target.key)["replicas"][0]["digest"], before)

    def test_declared_lengths_take_no_memory(self):
        for attack in hostile.giant_lengths(self.target):
            self.client.raw(attack.body)
        self.check_serves("giant lengths")
        self.check_space("giant lengths")

    def test_attacks_in_flight_together(self):
        """Pipelined attacks: one reply each, though nobody waits between them."""
        bodies = [attack.body for attack in hostile.fields(self.target) if len(attack.body) < 1000]
        for body in bodies:
            self.client.send(body)
        for _ in bodies:
            self.assertEqual(check_reply(self.client.receive(), None)["status"], "bad_request")
        self.check_serves("%d attacks in flight" % len(bodies))


def _add_tables():
    for table in hostile.TABLES:
        setattr(Requests, "test_" + table.__name__, lambda self, table=table: self.run_table(table))


_add_tables()


class Frames(Served):
    """Strange multipart messages on the client socket."""

    def test_frames(self):
        ping = pack({"op": "ping", "id": "strange"})
        for frames in ([b""], [b"", b""], [b"x"], [b"x", b"y"], [ping], [ping, b"", ping], [b"\0", ping],
                       [b"x"] * 100, [b""] * 1000, [b"", *[ping] * 1000], [b"", b"", ping], [b"x" * 100_000, ping]):
            self.client.send_frames(*frames)
            self.client.send({"op": "ping", "id": "after"})
            while True:  # refusals may come before; nothing may come after
                reply = check_reply(self.client.receive(), None)
                if reply.get("id") == "after":
                    break
                self.assertEqual(reply["status"], "bad_request", frames[:3])
            self.check_serves("%d frames" % len(frames))

    def test_routing_ids(self):
        """A client may name itself as it likes, and two may take one name."""
        for name in (b"x", b"x" * 255, b"\xff\xfe", b"coordinator", b"x"):
            other = harness.Client(self.node.client_endpoint)
            self.addCleanup(other.close)
            other.close()
            other.socket = zmq.Context.instance().socket(zmq.DEALER)
            other.socket.linger, other.socket.routing_id = 0, name
            other.socket.connect(self.node.client_endpoint)
            other.send({"op": "ping"})
            self.check_serves("a client named %r" % name)

    def test_clients_that_leave_at_once(self):
        for number in range(200):
            client = harness.Client(self.node.client_endpoint)
            client.send({"op": "get", "key": self.known})
            client.send({"op": "put", "key": b"left", "value": b"%d" % number, "put_id": bytes(16)})
            client.close()
        self.check_serves("clients that left")

    def test_messages_over_the_limit(self):
        for _ in range(10):
            client = self.new_client()
            monitor = client.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
            client.ping()
            client.send(bytes(4 * MB))
            self.assertTrue(monitor.poll(harness.REPLY_SECONDS * 1000), "the connection stays open")
            client.socket.disable_monitor()
            monitor.close()
            self.check_serves("a message of 4 MB")


GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\3\0" + b"NULL".ljust(20, b"\0") + b"\0" + bytes(31)


def command(name, **properties):
    """A ZMTP command frame."""
    body = bytes([len(name)]) + name
    for key, value in properties.items():
        text = key.replace("_", "-").encode()
        body += bytes([len(text)]) + text + struct.pack(">I", len(value)) + value
    return b"\4" + bytes([len(body)]) + body if len(body) < 256 else b"\6" + struct.pack(">Q", len(body)) + body


READY = command(b"READY", Socket_Type=b"DEALER", Identity=b"")


class Sockets(Served):
    """Garbage on every TCP port of the node, below and inside ZeroMQ's protocol."""

    def endpoints(self):
        """Those that the node listens on: the idle roles of a first version may have none."""
        for endpoint in (self.node.client_endpoint, self.node.peer, self.node.gossip, self.node.monitor):
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(host_port(endpoint)).close()
                yield endpoint

    def test_node_listens(self):
        endpoints = list(self.endpoints())
        self.assertIn(self.node.client_endpoint, endpoints)
        self.assertIn(self.node.peer, endpoints)
        self.assertIn(self.node.monitor, endpoints)

    def throw(self, endpoint, *pieces):
        """Sends raw bytes, and waits until the node has closed its side or said all it has to say."""
        with socket.create_connection(host_port(endpoint), timeout=5) as stream:
            with contextlib.suppress(OSError):  # the node hangs up as it likes
                for piece in pieces:
                    stream.sendall(piece)
                stream.shutdown(socket.SHUT_WR)
                while stream.recv(65536):
                    pass

    def raw_pieces(self):
        rng = random.Random(4)
        for size in list(range(0, 12)) + [32, 33, 63, 64]:
            yield "a greeting cut at %d" % size, [GREETING[:size]]
        for size in (1, 10, 64, 65, 1000, 100_000):
            yield "%d random bytes" % size, [rng.randbytes(size)]
            yield "a signature and %d random bytes" % size, [GREETING[:10], rng.randbytes(size)]
            yield "a greeting and %d random bytes" % size, [GREETING, rng.randbytes(size)]
            yield "a handshake and %d random bytes" % size, [GREETING, READY, rng.randbytes(size)]
        yield "HTTP", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]
        yield "TLS", [b"\x16\3\1\2\0\1\0\1\xfc\3\3" + bytes(500)]
        for name in (b"", b"PLAIN", b"CURVE", b"GSSAPI", b"\xff" * 20):
            yield "mechanism %r" % name, [GREETING[:12] + name.ljust(20, b"\0") + GREETING[32:], READY]
        for kind in (b"ROUTER", b"PUB", b"SUB", b"NONE", b"", b"x" * 200):
            yield "socket type %.10r" % kind, [GREETING, command(b"READY", Socket_Type=kind), b"\0\1x"]
        for size in (2 ** 31, 2 ** 32, 2 ** 62, 2 ** 63, 2 ** 64 - 1):
            for flags in (b"\2", b"\3", b"\6"):
                yield "a frame of %d" % size, [GREETING, READY, flags + struct.pack(">Q", size), bytes(1000)]
        yield "unknown flags", [GREETING, READY, b"\xff\x05hello"]
        yield "unknown commands", [GREETING, READY, command(b"NONSENSE") * 100]
        yield "pings", [GREETING, READY, b"\4\x07\x04PING\0\0" * 1000]
        yield "an error", [GREETING, b"\4\x09\x05ERROR\x03bad"]
        yield "more and no end", [GREETING, READY, b"\1\x05hello" * 10000]

    def test_raw_bytes(self):
        for endpoint in self.endpoints():
            for name, pieces in self.raw_pieces():
                self.assertTrue(self.node.alive(), "the node ended before %s on %s" % (name, endpoint))
                with self.subTest(name, endpoint=endpoint):
                    self.throw(endpoint, *pieces)
                    self.check_serves("%s on %s" % (name, endpoint))

    def test_declared_frames_take_no_memory(self):
        """A frame of which only the size comes: the transport refuses it by its size, on each socket."""
        subscriber = command(b"READY", Socket_Type=b"SUB")
        for endpoint in self.endpoints():
            ready = subscriber if endpoint == self.node.monitor else READY
            for size in (2 ** 30, 2 ** 31, 2 ** 33, 2 ** 36, 2 ** 62, 2 ** 64 - 1):
                for before in ([GREETING], [GREETING, ready]):
                    self.throw(endpoint, *before, b"\2" + struct.pack(">Q", size), bytes(1000))
                    after = "a frame of %d on %s" % (size, endpoint)
                    self.check_serves(after)
                    self.check_space(after)

    def test_many_connections_that_say_nothing(self):
        with contextlib.ExitStack() as stack:
            for endpoint in self.endpoints():
                for number in range(OPEN_CONNECTIONS):
                    stream = stack.enter_context(socket.create_connection(host_port(endpoint)))
                    stream.sendall((GREETING + READY)[:number * 2])
                self.check_serves("%d open connections on %s" % (OPEN_CONNECTIONS, endpoint))

    def forgeries(self, rng):
        """Frames between nodes with a true head, of a cluster and a node that are none, and records true and false."""
        elsewhere = "tcp://127.0.0.1:9"
        endpoints = ("", "nonsense", "inproc://gossip", "ipc:///tmp/never", "tcp://*:*", elsewhere, self.node.gossip)
        numbers = [0, 1, 2 ** 32, 2 ** 64 - 1]
        for number in range(40):
            for role in range(9):
                head = [1, number] + [rng.choice(numbers) for _ in range(3)] + [5, rng.randrange(8), role]
                record = [rng.choice([0, 1, b"", b"key", "text", True, [], [[]]]) for _ in range(rng.randrange(10))]
                yield [pack(head + [record])]
                yield [pack(head)]
        for endpoint in endpoints:
            for cluster in (0, 7):
                for name in ("test", "other", self.node.name):
                    hello = [1, 0, cluster, name, 8, self.node.name, endpoint, 1, PARTITIONS, 1, 0, b"", True, True]
                    member = [8, name, elsewhere, elsewhere, endpoint, "", 1e308, 1, 2 ** 64 - 1, 2 ** 63, 0, b"", True]
                    slots = [[partition, 0, 2 ** 63, 2 ** 31, 8, 0, 0] for partition in range(PARTITIONS)]
                    charter = [cluster, name, 8, name, PARTITIONS, 1, 0, 1]
                    records = {8: [hello], 9: [hello], 10: [hello, "go away"], 11: [hello, member],
                               12: [hello, charter, [member]], 13: [5, True], 14: [5, True],
                               15: [hello, False, [[8, 1]], [1] * 64], 16: [[member], slots]}
                    for number, record in records.items():
                        yield [pack([1, number, cluster, 8, 9, 10, 2, 2, record])]

    def frames(self):
        """Multipart messages of garbage, of MessagePack that may look like messages between nodes, and of requests."""
        rng = random.Random(5)
        for _ in range(300):
            yield [rng.randbytes(rng.randrange(200)) for _ in range(rng.randint(1, 5))]
        for number in range(40):
            yield [pack([number] + [rng.choice([0, 1, 2 ** 64 - 1, b"", b"key", "text", None, True, [], [[]], 1.5])
                                    for _ in range(rng.randrange(10))])]
            yield [b"", pack([number])]
            yield [pack(number), pack([rng.randrange(2 ** 32) for _ in range(6)])]
        yield from self.forgeries(rng)
        for value in ({"op": "ping"}, {"op": "put", "key": b"k", "value": b"v"}, [], {}, [[]], [None] * 100):
            yield [b"", pack(value)]
            yield [pack(value)]
        for length in (2 ** 28, 2 ** 32 - 1):
            for code in (0xc6, 0xdb, 0xdd, 0xdf):
                yield [bytes([code]) + struct.pack(">I", length)]
                yield [b"\x92\x01" + bytes([code]) + struct.pack(">I", length)]
        yield [b"\x91" * 100_000]
        yield [bytes(MB)]
        yield [b""] * 1000

    def test_frames_from_strangers(self):
        for endpoint in self.endpoints():
            for kind in (zmq.DEALER, zmq.PUSH, zmq.PUB, zmq.XSUB, zmq.PAIR):
                context = zmq.Context()
                stranger = context.socket(kind)
                stranger.linger = 1000 if kind == zmq.DEALER else 200
                stranger.connect(endpoint)
                for frames in self.frames() if kind in (zmq.DEALER, zmq.XSUB) else [[b"x"], [b"", b"y"]]:
                    with contextlib.suppress(zmq.Again):
                        stranger.send_multipart(frames, zmq.DONTWAIT)
                    while stranger.type == zmq.DEALER and stranger.poll(0):
                        stranger.recv_multipart()
                stranger.close()
                context.term()  # when all is sent, or nobody takes it
                self.check_serves("frames of socket type %d on %s" % (kind, endpoint))


if __name__ == "__main__":
    harness.main()
