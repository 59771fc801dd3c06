#!/usr/bin/python3
"""test_kill.py - SIGKILL in the middle of writes by several clients: after the restart each acknowledged write is
there, each acknowledged delete stays done, and nothing is there that nobody wrote. For each durability; and for `batch`
also after losing all that was not synced, by the library tests/durability/powercut.c.

Environment: ROUNDS (5) of killing for each durability; SEED; POWERCUT_LIB: the library built from powercut.c, without
which those rounds are skipped.
"""
import os
import random
import sys
import time
import unittest

import zmq

import harness
from harness import Node, pack, unpack

ROUNDS = int(os.environ.get("ROUNDS", 5))
CLIENTS = 4
WINDOW = 8  # requests in flight of each client
CHAINS = 5  # keys that a client overwrites again and again
DRAIN_MS = 100
SAMPLE = 500  # keys of former rounds that are read again after each
WORK_SECONDS = 60
ABSENT = object()


def value_of(key, number):
    """A value that tells where it belongs; its size varies from a few bytes to more than a page."""
    size = (17, 100, 1000, 6000)[number % 4]
    return (b"%s=%d;" % (key, number)).ljust(size, b".")


class Chain:
    """A key that one client overwrites, each time with the context of the reply before, and now and then deletes."""

    def __init__(self, key):
        self.key = key
        self.number = 0
        self.context = b""
        self.stored = None  # the number that was acknowledged last; None: nothing is live
        self.sent = ABSENT  # likewise what is on its way, None being a delete

    def request(self, rng):
        self.number += 1
        if self.stored is not None and rng.random() < 0.1:
            self.sent = None
            return {"op": "delete", "key": self.key, "context": self.context}
        self.sent = self.number
        return {"op": "put", "key": self.key, "value": value_of(self.key, self.number), "context": self.context}

    def acknowledge(self, reply):
        self.stored, self.sent, self.context = self.sent, ABSENT, reply["context"]

    def check(self, reply):
        """The key holds what was acknowledged last, or what was sent after it."""
        allowed = [self.expected(self.stored)]
        if self.sent is not ABSENT:
            allowed.append(self.expected(self.sent))
        assert reply["values"] in allowed, "%r holds %r and not one of %r" % (
            self.key, [value[:40] for value in reply["values"]], [[value[:40] for value in one] for one in allowed])
        self.context, self.sent = reply["context"], ABSENT
        self.stored = int(reply["values"][0].split(b"=")[1].split(b";")[0]) if reply["values"] else None

    def expected(self, number):
        return [] if number is None else [value_of(self.key, number)]


class Writer:
    """One client: a window of puts of new keys, and a few chains with one request in flight each."""

    def __init__(self, name, rng):
        self.name = name
        self.rng = rng
        self.made = 0  # keys so far; key number i is named by i, so that only numbers are kept
        self.acknowledged = set()
        self.chains = [Chain(b"chain %s-%d" % (name, number)) for number in range(CHAINS)]
        self.flights = {}  # id -> the number of a new key, or its Chain
        self.next_id = 0
        self.socket = None

    def key(self, number):
        return b"%s-%d" % (self.name, number)

    def connect(self, endpoint):
        self.close()
        self.flights.clear()
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(endpoint)

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def fill(self):
        """Sends until the window is full."""
        while len(self.flights) < WINDOW:
            free = [chain for chain in self.chains if chain.sent is ABSENT]
            if free and self.rng.random() < 0.4:
                flight = self.rng.choice(free)
                request = flight.request(self.rng)
            else:
                flight = self.made
                request = {"op": "put", "key": self.key(flight), "value": value_of(self.key(flight), flight)}
                self.made += 1
            self.next_id += 1
            self.flights[self.next_id] = flight
            self.socket.send_multipart([b"", pack({**request, "id": self.next_id})])

    def take(self):
        """Takes all replies that are here; returns how many writes they acknowledge."""
        done = 0
        while self.socket.poll(0):
            reply = unpack(self.socket.recv_multipart()[1])
            flight = self.flights.pop(reply["id"])
            assert reply["status"] == "ok", reply
            done += 1
            if isinstance(flight, Chain):
                flight.acknowledge(reply)
            else:
                self.acknowledged.add(flight)
        return done


def work_and_kill(node, writers, target):
    """The writers write until `target` acknowledgements; then the node is killed, and what it still said counts too."""
    poller = zmq.Poller()
    for writer in writers:
        writer.connect(node.client_endpoint)
        poller.register(writer.socket, zmq.POLLIN)
    done = 0
    limit = time.monotonic() + WORK_SECONDS
    while done < target:
        assert time.monotonic() < limit, "%d of %d writes in time\n%s" % (done, target, node.story())
        for writer in writers:
            writer.fill()
        poller.poll(1000)
        done += sum(writer.take() for writer in writers)
    node.kill()
    while poller.poll(DRAIN_MS):
        done += sum(writer.take() for writer in writers)
    for writer in writers:
        writer.close()
    return done


def read_all(client, keys):
    """Pipelined gets; yields (key, reply)."""
    keys = list(keys)
    for start in range(0, len(keys), 200):
        part = keys[start:start + 200]
        for number, key in enumerate(part):
            client.send({"op": "get", "key": key, "id": number})
        for _ in part:
            reply = client.receive()
            yield part[reply["id"]], reply


def verify(node, writers, rng, fresh, everything):
    """Reads back what was acknowledged: all that is in `fresh`, or everything, else a sample of the rest."""
    read = 0
    for writer in writers:
        begin = 0 if everything else fresh[writer.name]
        numbers = set(range(begin, writer.made))
        former = [number for number in writer.acknowledged if number < begin]
        numbers.update(rng.sample(former, min(SAMPLE // CLIENTS, len(former))))
        names = {writer.key(number): number for number in numbers}
        for key, reply in read_all(node.client, names):
            number, found = names[key], reply["values"]
            assert reply["status"] in harness.FINE, reply
            allowed = [[value_of(key, number)]] + ([] if number in writer.acknowledged else [[]])
            assert found in allowed, "%r (%s) holds %r" % (
                key, "acknowledged" if number in writer.acknowledged else "sent", [value[:40] for value in found])
            read += 1
        chains = {chain.key: chain for chain in writer.chains}
        for key, reply in read_all(node.client, chains):
            chains[key].check(reply)
            read += 1
    harness.count["checks"] += read
    return read


class Rounds(harness.Case):
    options = None

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("SEED", random.randrange(10 ** 9)))
        print("%s: SEED=%d" % (self.id(), self.seed))

    def rounds(self, node, number, restart):
        """Kills the node `number` times in the middle of writes, each time followed by `restart` and a check."""
        rng = random.Random(self.seed)
        writers = [Writer(b"writer%d" % client, random.Random(rng.random())) for client in range(CLIENTS)]
        for writer in writers:
            self.addCleanup(writer.close)
        written = read = 0
        for turn in range(number):
            fresh = {writer.name: writer.made for writer in writers}
            written += work_and_kill(node, writers, rng.randint(20, 2000))
            try:
                restart(rng)
                read += verify(node, writers, rng, fresh, turn == number - 1)
            except AssertionError as error:
                raise AssertionError("round %d, SEED=%d: %s" % (turn, self.seed, error)) from error
        print("%s: %d rounds, %d writes acknowledged, %d keys read" % (self.id().split(".")[-1], number, written, read))
        self.assertGreater(written, 0)


class Kill(Rounds):
    def kill_rounds(self, durability):
        with Node(durability=durability, settings={"store/engine": "bdb", "store/sync": 100}) as node:
            self.rounds(node, ROUNDS, lambda rng: node.start())

    def test_batch(self):
        self.kill_rounds("batch")

    def test_periodic(self):
        self.kill_rounds("periodic")

    def test_none(self):
        self.kill_rounds("none")

    def test_kill_during_recovery(self):
        """Killed again and again while it starts, the node has everything when it is let."""
        with Node(settings={"store/engine": "bdb"}) as node:
            def restart(rng):
                for _ in range(3):
                    node.launch()
                    time.sleep(rng.random() * 0.05)  # any moment will do
                    node.kill()
                node.start()
            self.rounds(node, max(2, ROUNDS // 3), restart)


class PowerCut(Rounds):
    """All that was not synced is lost: `batch` promises that nothing acknowledged is among it."""

    @unittest.skipUnless(os.environ.get("POWERCUT_LIB"), "POWERCUT_LIB does not name the library of powercut.c")
    def test_power_cut(self):
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "durability"))
        import powercut
        with Node(settings={"store/engine": "bdb"}, start=False) as node:
            images = [os.path.join(node.folder, "shadow0")]

            def run_on(data, shadow):
                node.settings["node/data"] = data
                node.environment = powercut.environment(os.environ["POWERCUT_LIB"], data, shadow)
                node.start()

            def restart(rng):
                live, turn = node.settings["node/data"], len(images)
                image = os.path.join(node.folder, "data%d" % turn)
                powercut.make_image(live, images[-1], image, rng)
                images.append(os.path.join(node.folder, "shadow%d" % turn))
                run_on(image, images[-1])

            run_on(node.data, images[0])
            self.rounds(node, ROUNDS, restart)


if __name__ == "__main__":
    harness.main()
