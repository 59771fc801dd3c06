#!/usr/bin/python3
"""test_kill_all.py - SIGKILL of all three nodes at once in the middle of writes: after the restart each acknowledged
write is there and each acknowledged delete stays done, round after round.

The writers are those of test_kill.py, on three nodes. A put that was begun twice inside the cluster, or whose node was
killed, may show as a twin beside what replaced it, as docs/protocol.md allows of `put_id`; such are counted.
Environment: ROUNDS (3) of killing for each durability; SEED.
"""
import os
import random
import time

import zmq

import harness
import test_kill
from cluster import Cluster
from harness import FINE, unpack
from test_kill import ABSENT, value_of

ROUNDS = int(os.environ.get("ROUNDS", 3))
CLIENTS = 6
DRAIN_MS = 100
SAMPLE = 600  # keys of former rounds that are read again after each
WORK_SECONDS = 60
PARTITIONS = 64


def number_of(value):
    return int(value.split(b"=")[1].split(b";")[0])


class Writer(test_kill.Writer):
    """One client of one node. Once the killing has begun a write may also be refused, and is not known to be there."""
    dying = False
    twins = 0

    def take(self):
        done = 0
        while self.socket.poll(0):
            reply = unpack(self.socket.recv_multipart()[1])
            flight = self.flights.pop(reply["id"])
            if reply["status"] != "ok":
                assert self.dying and reply["status"] in ("unavailable", "unknown", "timeout"), reply
                continue  # its chain stays busy until it is checked
            done += 1
            if isinstance(flight, test_kill.Chain):
                flight.acknowledge(reply)
            else:
                self.acknowledged.add(flight)
        return done

    def check_chain(self, chain, reply):
        """The key holds what was acknowledged last, or what was sent after it."""
        numbers = [number_of(value) for value in reply["values"]]
        assert all(value == value_of(chain.key, number) for value, number in zip(reply["values"], numbers)), numbers
        allowed = {chain.stored} if chain.sent is ABSENT else {chain.stored, chain.sent}
        newest = max(numbers) if numbers else None
        if newest not in allowed and None in allowed and newest is not None:
            newest = None  # a delete leaves nothing but a twin
        assert newest in allowed, "%r holds %r and not one of %r" % (chain.key, numbers, allowed)
        self.twins += len(numbers) > (0 if newest is None else 1)
        chain.context, chain.sent, chain.stored = reply["context"], ABSENT, newest


def work_and_kill(cluster, writers, target):
    """The writers write until `target` acknowledgements; then all nodes are killed, and what they still said counts."""
    poller = zmq.Poller()
    for number, writer in enumerate(writers):
        writer.connect(cluster[number % 3].client_endpoint)
        writer.dying = False
        poller.register(writer.socket, zmq.POLLIN)
    done, limit = 0, time.monotonic() + WORK_SECONDS
    while done < target:
        assert time.monotonic() < limit, "%d of %d writes in time\n%s" % (done, target, cluster.story())
        for writer in writers:
            writer.fill()
        poller.poll(1000)
        done += sum(writer.take() for writer in writers)
    cluster.kill()
    for writer in writers:
        writer.dying = True
    while poller.poll(DRAIN_MS):
        done += sum(writer.take() for writer in writers)
    for writer in writers:
        writer.close()
    return done


def verify(cluster, writers, rng, fresh, everything):
    """Reads back, with r = 3 and from a node each, what was acknowledged: all that is new, a sample of the rest."""
    read = 0
    for number, writer in enumerate(writers):
        begin = 0 if everything else fresh[writer.name]
        numbers = set(range(begin, writer.made))
        former = [one for one in writer.acknowledged if one < begin]
        numbers.update(rng.sample(former, min(SAMPLE // CLIENTS, len(former))))
        names = {writer.key(one): one for one in numbers}
        chains = {chain.key: chain for chain in writer.chains}
        node = cluster[(number + 1) % 3]
        for request, reply in cluster.bulk(node, ({"op": "get", "key": key, "r": 3} for key in [*names, *chains])):
            key, found = request["key"], reply.get("values")
            assert reply["status"] in FINE, reply
            read += 1
            if key in chains:
                writer.check_chain(chains[key], reply)
                continue
            allowed = [[value_of(key, names[key])]] + ([] if names[key] in writer.acknowledged else [[]])
            assert found in allowed, "%r (%s) holds %r" % (
                key, "acknowledged" if names[key] in writer.acknowledged else "sent", [value[:40] for value in found])
        cluster.wait_equal(rng.sample(sorted(names), min(100, len(names))))
    harness.count["checks"] += read
    return read


class KillAll(harness.Case):
    options = None

    def rounds(self, durability):
        seed = int(os.environ.get("SEED", random.randrange(10 ** 9)))
        print("%s: SEED=%d" % (self.id(), seed), flush=True)
        rng = random.Random(seed)
        writers = [Writer(b"writer%d" % client, random.Random(rng.random())) for client in range(CLIENTS)]
        for writer in writers:
            self.addCleanup(writer.close)
        written = read = 0
        with Cluster(3, partitions=PARTITIONS, durability=durability,
                     settings={"store/engine": "bdb", "store/sync": 100, "request/timeout": 5000}) as cluster:
            for turn in range(ROUNDS):
                fresh = {writer.name: writer.made for writer in writers}
                try:
                    written += work_and_kill(cluster, writers, rng.randint(100, 2000))
                    cluster.start(rng.sample(range(3), 3))
                    cluster.wait_drained()
                    read += verify(cluster, writers, rng, fresh, turn == ROUNDS - 1)
                except AssertionError as error:
                    raise AssertionError("round %d, SEED=%d: %s" % (turn, seed, error)) from error
        print("%s: %d rounds, %d writes acknowledged, %d keys read, %d twins" % (
            durability, ROUNDS, written, read, sum(writer.twins for writer in writers)))
        self.assertGreater(written, 0)

    def test_batch(self):
        self.rounds("batch")

    def test_periodic(self):
        self.rounds("periodic")


if __name__ == "__main__":
    harness.main()
