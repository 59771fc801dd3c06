#!/usr/bin/python3
"""test_tour.py - the program `tour` passes with real nodes, fails with nodes that lie, and leaves nothing behind.

A lying node is this file run as `test_tour.py --node LIE --config FILE`. Three of them are a small honest store, and one
lie: the first one holds everything, the others, of which one is killed, pass on to it what they are asked.
Environment: CARTWHEEL names the node's program; CARTWHEEL_BUILD the folder that holds `tour` (that of the node).
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import msgpack
import zmq

import harness
from harness import wait_for

RUN_SECONDS = 300
WAIT_SECONDS = 2  # for what a lying node never does
RECORDS = 2000
LIES = {  # what each does, and what the tour must say
    "flip": "other bytes",            # one value has a byte changed
    "short": "bytes, and",            # one value is cut
    "twin": "different values",       # one key has a value that nobody wrote beside its own
    "forget": "is not there",         # something that was acknowledged is gone
    "last-write-wins": "the cart",    # one of two concurrent writes is dropped
    "delete-all": "the cart",         # a delete removes what its context does not cover
    "refuse": "could not be written",  # it takes no writes
    "doubt": "could not be written: unknown",  # one write has no certain outcome
    "keep-hints": "hints were not delivered",  # hints stay where they are
    "differ": "do not agree",         # one key's replicas never agree
    "hide-hint": "do not agree",      # they do, but somebody holds a hint for one
    "silent": "do not agree",         # one replica does not say what it holds
    "status": "status 3",             # it ends with another status than 0
    "deaf": "ended by itself",        # it does not start at all
}


# ---- the nodes that lie ----

class Liar:
    """Keys to lists of [number, put_id, value]; a context is a list of numbers."""

    def __init__(self, lie):
        self.lie = lie
        self.store = {}
        self.number = 0
        self.mended = set()

    def write(self, request):
        """A put or a delete; returns its context."""
        siblings = self.store.setdefault(request["key"], [])
        seen = set(msgpack.unpackb(request["context"])) if request.get("context") else set()
        if request["op"] == "delete":
            self.store[request["key"]] = [one for one in siblings if one[0] not in seen and self.lie != "delete-all"]
            return msgpack.packb(sorted(seen))
        if not any(one[1] == request["put_id"] for one in siblings):
            self.number += 1
            kept = [one for one in siblings if one[0] not in seen and self.lie != "last-write-wins"]
            self.store[request["key"]] = kept + [[self.number, request["put_id"], request["value"]]]
        return msgpack.packb(sorted(seen | {self.number}))

    def get(self, key, r):
        values = list(dict.fromkeys(one[2] for one in self.store.get(key, [])))
        context = msgpack.packb([one[0] for one in self.store.get(key, [])])
        if r == 3:
            self.mended.add(key)
        if key.startswith(b"p7/") and values:
            if self.lie == "flip":
                values = [values[0][:-2] + bytes([values[0][-2] ^ 1]) + values[0][-1:]]
            elif self.lie == "short":
                values = [values[0][:-1]]
            elif self.lie == "twin":
                values.append(b"nobody wrote this")
            elif self.lie == "forget":
                values = []
        return {"status": "ok" if values else "not_found", "values": values, "context": context}

    def inspect(self, key):
        replicas = [{"slot": slot, "node": "node%d" % (slot + 1), "role": "owner", "reachable": True, "digest": b"same",
                     "values": 1, "bytes": 1, "tombstone": False} for slot in range(3)]
        if key.startswith(b"p7/"):
            if self.lie == "differ" or self.lie == "behind" and key not in self.mended:
                replicas[2]["digest"] = b"other"
            elif self.lie == "hide-hint":
                replicas.append({**replicas[1], "node": "node1", "role": "fallback"})
            elif self.lie == "silent":
                replicas[2]["digest"] = None
        return {"status": "ok", "partition": 0, "replicas": replicas}

    def answer(self, request):
        op = request["op"]
        if op == "get":
            return self.get(request["key"], request.get("r"))
        if op == "inspect":
            return self.inspect(request["key"])
        if self.lie == "refuse":
            return {"status": "read_only", "message": "the disk is full: make room"}
        if self.lie == "doubt" and request["key"].startswith(b"p1501/"):
            return {"status": "unknown", "message": "too few replicas confirmed", "acks": 1}
        return {"status": "ok", "context": self.write(request), "acks": 1}

    def status(self):
        members = [{"name": "node%d" % number, "state": "up", "reachable": True} for number in (1, 2, 3)]
        return {"status": "ok", "ready": True, "members": members, "hints": 5 if self.lie == "keep-hints" else 0}


def client_endpoint(config):
    with open(config) as file:
        return next(line.split("=")[1].strip() for line in file if line.strip().startswith("client ="))


def lie_for_ever(lie, config):
    if lie == "deaf":
        sys.exit("there is no such thing")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(3 if lie == "status" else 0))
    liar = Liar(lie)
    router = zmq.Context.instance().socket(zmq.ROUTER)
    router.linger = 0
    router.bind(client_endpoint(config))
    first = os.path.join(os.path.dirname(config), "node1.cfg")
    store = zmq.Context.instance().socket(zmq.DEALER) if config != first else None
    if store:
        store.linger = 0
        store.connect(client_endpoint(first))
    while True:
        if not router.poll(50):  # Python runs a signal's handler only between two calls
            continue
        client, delimiter, body = router.recv_multipart()
        request = msgpack.unpackb(body, raw=False)
        request["key"] = request.get("key", b"")
        if request["op"] == "status":
            reply = msgpack.packb({**liar.status(), "id": request["id"]})
        elif store:
            store.send_multipart([b"", body])
            reply = store.recv_multipart()[1]
        else:
            reply = msgpack.packb({**liar.answer(request), "id": request["id"]})
        router.send_multipart([client, delimiter, reply])


# ---- the tests ----

def children(pid):
    """The processes that this one started, of all its threads."""
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task)) as file:
            found += [int(word) for word in file.read().split()]
    return found


def gone(pid):
    return not os.path.exists("/proc/%d" % pid)


class Tour(harness.Case):
    options = None

    def setUp(self):
        super().setUp()
        build = os.environ.get("CARTWHEEL_BUILD") or os.path.dirname(harness.program())
        self.program = os.path.join(build, "tour")
        self.folder = tempfile.mkdtemp(prefix="cartwheel-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.temporary = os.path.join(self.folder, "tmp")
        os.mkdir(self.temporary)
        self.records = os.path.join(self.folder, "records")
        with open(self.records, "wb") as file:
            for number in range(RECORDS):
                # p1/1/all comes twice, and some have no fields that make a key; values have any bytes but blank lines.
                name = b"Package: p%d\nVersion: %d\nArchitecture: all\n" % (max(number, 1), max(number, 1))
                body = os.urandom(30).replace(b"\n", b"") + b"\0\xff" + b"x" * (number % 3000)
                file.write((name if number % 100 else b"") + b"Description: " + body + b"\n\n")

    def start(self, *arguments):
        return subprocess.Popen([self.program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": self.temporary},
                                preexec_fn=harness._follow_parent)

    def finish(self, process):
        """Its exit status and all that it said; nothing of it may be left."""
        out, err = process.communicate(timeout=RUN_SECONDS)
        self.assertEqual(os.listdir(self.temporary), [])
        return process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    def tour_with(self, lie):
        program = os.path.join(self.folder, "node")
        with open(program, "w") as file:
            file.write('#!/bin/sh\nexec "%s" "%s" --node %s "$@"\n' % (sys.executable, os.path.abspath(__file__), lie))
        os.chmod(program, 0o755)
        return self.finish(self.start("--program", program, "--file", self.records, "--clients", "4",
                                      "--wait", str(WAIT_SECONDS)))

    def test_real_nodes(self):
        status, out, err = self.finish(self.start("--program", harness.program(), "--file", self.records))
        self.assertEqual(status, 0, out + err)
        self.assertIn("SIGKILL of node2 with", out)
        self.assertIn("errors to a client: none", out)
        self.assertIn("in the 5 s after the kill", out)
        self.assertIn("all %d records are there, each with one value, byte for byte" % RECORDS, out)
        self.assertIn("the three replicas of all %d records are equal" % RECORDS, out)
        for figure in ("p50", "p99", "p99.9", "/s"):
            self.assertIn(figure, out)

    def test_data_is_kept_where_asked(self):
        data = os.path.join(self.folder, "data")
        status, out, err = self.finish(self.start("--program", harness.program(), "--file", self.records,
                                                  "--data", data))
        self.assertEqual(status, 0, out + err)
        for node in ("node1", "node2", "node3"):
            self.assertTrue(os.listdir(os.path.join(data, node)))
        status, out, err = self.finish(self.start("--program", harness.program(), "--file", self.records,
                                                  "--data", data))
        self.assertEqual(status, 1, "a folder with data would give each record a sibling")
        self.assertIn("empty", err)

    def test_honest_nodes(self):
        status, out, err = self.tour_with("none")
        self.assertEqual(status, 0, out + err)
        self.assertIn("  0 of them differed until a read mended them", out)

    def test_a_replica_that_is_behind_is_mended(self):
        status, out, err = self.tour_with("behind")
        self.assertEqual(status, 0, out + err)
        self.assertIn("  1 of them differed until a read mended them", out)

    def test_lies(self):
        for lie, sentence in LIES.items():
            with self.subTest(lie):
                status, out, err = self.tour_with(lie)
                self.assertEqual(status, 1, out + err)
                self.assertIn(sentence, err)
                self.assertNotIn("All as it should be", out)

    def test_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("--program", harness.program(), "--file", self.records)
            started = wait_for(lambda: children(process.pid), "the nodes")
            process.send_signal(number)
            status, out, err = self.finish(process)
            self.assertEqual(status, 3, out + err)
            for child in started:
                self.assertTrue(gone(child), "a node outlived the tour")

    def test_killed(self):
        process = self.start("--program", harness.program(), "--file", self.records)
        started = wait_for(lambda: children(process.pid), "the nodes")
        process.kill()
        process.communicate(timeout=RUN_SECONDS)
        for child in started:
            wait_for(lambda: gone(child), "the end of a node")

    def test_usage(self):
        for arguments in (("--frob", "1"), ("--records",), ("--records", "0"), ("--clients", "x"), ("--wait", "0"), ("records", "1")):
            process = self.start(*arguments)
            status, out, err = self.finish(process)
            self.assertEqual(status, 2, out + err)
            self.assertTrue(err.startswith("tour: "), err)
        status, out, err = self.finish(self.start("--file", os.path.join(self.folder, "none"), "--program", "/bin/true"))
        self.assertEqual(status, 1)
        self.assertIn("cannot be read", err)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--node"]:
        lie_for_ever(sys.argv[2], sys.argv[sys.argv.index("--config") + 1])
    harness.main()
