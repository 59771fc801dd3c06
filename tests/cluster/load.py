"""load.py - a client that fails over, as a load at a fixed rate: what an application sees while nodes come and go.

Each operation has its time, whether or not the ones before it are done, so that a slow node hides no latency. A try
that is refused or not answered is made again at another node, with the same `put_id` and context; a node that said
nothing gets only pings until it says something. An operation that is not done in GIVE_UP seconds is an error.
Latencies are kept by the phase in which an operation was due, and by its kind.
"""
import os
import time

import zmq

import harness
from harness import FINE, pack, unpack

GIVE_UP = 15.0  # seconds
PATIENCE = 0.8  # seconds that a try may take; its node is told 100 ms less
PING = 0.25
RETRY_PAUSE = 0.02  # after all nodes have refused
CHAINS = 20


class Target:
    """A node as this client knows it."""

    def __init__(self, node):
        self.node = node
        self.socket = None
        self.silent = False  # it let a try go unanswered
        self.pinged = 0.0
        self.open()

    def open(self):
        """A connection of which nothing is under way."""
        self.close()
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndhwm = 0
        self.socket.reconnect_ivl = 20
        self.socket.connect(self.node.client_endpoint)

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def send(self, fields):
        self.socket.send_multipart([b"", pack(fields)])


class Chain:
    """A key that is overwritten again and again, one put at a time."""

    def __init__(self, key):
        self.key = key
        self.number = 0
        self.stored = None
        self.context = b""
        self.busy = False


class Operation:
    def __init__(self, kind, fields, due, phase):
        self.kind = kind
        self.fields = fields
        self.due = due
        self.phase = phase
        self.target = None
        self.tries = 0
        self.sent = 0.0
        self.chain = None


class Phase:
    """What the operations that were due in it have met."""

    def __init__(self, name):
        self.name = name
        self.latencies = []  # seconds
        self.retries = {}  # reason -> count
        self.began = time.monotonic()

    def percentile(self, share):
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def line(self):
        again = ", ".join("%s %d" % pair for pair in sorted(self.retries.items()))
        return "%-16s %5d operations, ms: p50 %.1f, p99 %.0f, p99.9 %.0f, max %.0f; tried again: %s" % (
            self.name, len(self.latencies), *(1000 * self.percentile(share) for share in (0.5, 0.99, 0.999, 1.0)),
            again or "none")


class Load:
    """A load of `rate` operations a second over these nodes. Call `run` again and again; between two calls nothing is
    sent or taken, so what else a test does there must be short."""

    def __init__(self, nodes, rng, rate=300, prefix="load"):
        self.targets = [Target(node) for node in nodes]
        self.rng = rng
        self.rate = rate
        self.prefix = prefix
        self.chains = [Chain(b"%s-chain-%d" % (prefix.encode(), number)) for number in range(CHAINS)]
        self.made = 0
        self.acknowledged = []  # keys
        self.sent = set()
        self.flights = {}  # id -> Operation
        self.waiting = []  # (when, Operation) to be tried again
        self.last_id = 0
        self.phases = []
        self.errors = []
        self.stale = []  # keys that a get did not find though their put was acknowledged before
        self.next_due = None

    # ---- what is asked ----

    def value(self, key):
        return b"%s=" % key + b"v" * (len(key) * 7 % 300)

    def operation(self, due):
        phase, draw = self.phases[-1], self.rng.random()
        free = [chain for chain in self.chains if not chain.busy]
        if draw < 0.1 and free:
            chain = self.rng.choice(free)
            chain.busy, chain.number = True, chain.number + 1
            fields = {"op": "put", "key": chain.key, "value": b"%d" % chain.number, "context": chain.context,
                      "put_id": os.urandom(16)}
            operation = Operation("put", fields, due, phase)
            operation.chain = chain
            return operation
        if draw < 0.5 and self.acknowledged:
            return Operation("get", {"op": "get", "key": self.rng.choice(self.acknowledged)}, due, phase)
        self.made += 1
        key = b"%s-%d" % (self.prefix.encode(), self.made)
        self.sent.add(key)
        fields = {"op": "put", "key": key, "value": self.value(key), "put_id": os.urandom(16)}
        return Operation("put", fields, due, phase)

    # ---- tries ----

    def start_try(self, operation, now):
        """Sends it to a node that answers, another one than before."""
        good = [target for target in self.targets if not target.silent] or self.targets
        others = [target for target in good if target is not operation.target] or good
        operation.target = self.rng.choice(others)
        operation.tries += 1
        operation.sent = now
        self.last_id += 1
        self.flights[self.last_id] = operation
        operation.target.send({**operation.fields, "id": self.last_id, "timeout": int(1000 * PATIENCE) - 100})

    def again(self, operation, reason, now):
        retries = operation.phase.retries
        retries[reason] = retries.get(reason, 0) + 1
        if now - operation.due > GIVE_UP:
            self.errors.append("%s %r: %s after %d tries" % (
                operation.kind, operation.fields["key"], reason, operation.tries))
            if operation.chain:
                operation.chain.busy = False
        elif operation.tries % len(self.targets):
            self.start_try(operation, now)
        else:
            self.waiting.append((now + RETRY_PAUSE, operation))

    def fell_silent(self, target, now):
        """All that is under way there goes elsewhere, and nothing of it is sent by and by."""
        target.silent = True
        target.open()
        moved = [number for number, operation in self.flights.items() if operation.target is target]
        for number in moved:
            self.again(self.flights.pop(number), "no reply", now)

    def take(self, target, now):
        while target.socket.poll(0):
            reply = unpack(target.socket.recv_multipart()[1])
            target.silent = False
            operation = self.flights.pop(reply.get("id"), None)
            if operation is None:
                continue  # a pong, or the reply to a try that was given up
            harness.check_reply(reply, None)
            if reply["status"] in FINE:
                self.done(operation, reply, now)
            else:
                self.again(operation, reply["status"], now)

    def done(self, operation, reply, now):
        operation.phase.latencies.append(now - operation.due)
        key, chain = operation.fields["key"], operation.chain
        if chain is not None:
            chain.busy, chain.stored, chain.context = False, chain.number, reply["context"]
        elif operation.kind == "put":
            self.acknowledged.append(key)
        elif reply["values"] != [self.value(key)]:
            assert not reply["values"], "%r holds %r" % (key, reply["values"])
            self.stale.append(key)

    # ---- time ----

    def phase(self, name):
        self.phases.append(Phase(name))
        return self.phases[-1]

    def step(self, seconds):
        """Takes what has come, waits for more at most so long, and looks after tries without a reply."""
        poller = zmq.Poller()
        for target in self.targets:
            poller.register(target.socket, zmq.POLLIN)
        ready = dict(poller.poll(max(0, int(1000 * seconds))))
        now = time.monotonic()
        for target in self.targets:
            if target.socket in ready:
                self.take(target, now)
        for target in self.targets:
            if any(one.target is target and now - one.sent > PATIENCE for one in self.flights.values()):
                self.fell_silent(target, now)
            if target.silent and now - target.pinged > PING:
                target.pinged = now
                target.send({"op": "ping"})
        due = [operation for when, operation in self.waiting if when <= now]
        self.waiting = [pair for pair in self.waiting if pair[0] > now]
        for operation in due:
            self.start_try(operation, now)

    def run(self, seconds, until=None):
        """Goes on for so long, or until the condition, asked a few times a second, holds. Returns whether it does."""
        end = time.monotonic() + seconds
        asked, self.next_due = 0.0, max(self.next_due or 0, time.monotonic())
        while True:
            now = time.monotonic()
            while self.next_due <= now:
                self.start_try(self.operation(self.next_due), now)
                self.next_due += 1 / self.rate
            if now > end:
                return False
            if until is not None and now - asked > 0.3:
                if until():
                    return True
                asked = time.monotonic()
            self.step(self.next_due - time.monotonic())

    def finish(self):
        """Waits for all that is under way."""
        while self.flights or self.waiting:
            self.step(0.05)

    def close(self):
        for target in self.targets:
            target.close()

    # ---- afterwards ----

    def keys(self):
        """All keys of which anything may be stored."""
        return sorted(self.sent) + [chain.key for chain in self.chains if chain.number]

    def report(self, title):
        print("%s: %d puts acknowledged, %d gets missed what was acknowledged, %d errors" % (
            title, len(self.acknowledged), len(self.stale), len(self.errors)))
        for phase in self.phases:
            if phase.latencies:
                print("    " + phase.line(), flush=True)

    def verify(self, cluster, node, r=2):
        """All that was acknowledged is there, as this node reads it."""
        wanted = {key: [self.value(key)] for key in self.acknowledged}
        chains = {chain.key: chain for chain in self.chains if chain.stored is not None}
        twins = 0
        for request, reply in cluster.bulk(node, ({"op": "get", "key": key, "r": r} for key in [*wanted, *chains])):
            key = request["key"]
            assert reply["status"] in FINE, "%r: %r" % (key, reply)
            if key in wanted:
                assert reply["values"] == wanted[key], "%r holds %r, by %s" % (key, reply, node.name)
                continue
            numbers = sorted(int(value) for value in reply["values"])
            twins += len(numbers) > 1
            assert numbers and numbers[-1] >= chains[key].stored and numbers[-1] <= chains[key].number, \
                "%r holds %r and not %d, by %s" % (key, numbers, chains[key].stored, node.name)
        harness.count["checks"] += len(wanted) + len(chains)
        return twins
