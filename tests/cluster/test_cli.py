#!/usr/bin/python3
"""test_cli.py - section 6 of docs/protocol.md: the program `cartwheel` against a real node, run as a person runs it.

Environment: CARTWHEEL names the node's program; CARTWHEEL_BUILD the folder that holds `cartwheel` (that of the node).
"""
import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest

import msgpack
import zmq

import harness
from harness import free_endpoints, wait_for

PROGRAM = os.path.join(os.environ.get("CARTWHEEL_BUILD") or os.path.dirname(harness.program()), "cartwheel")
RUN_SECONDS = 60
LATER = "plan leave remove pause resume top bench export import keygen timeline backup simulate web".split()
COMMANDS = "get put delete keys inspect status ring join monitor".split()
DONE, ABSENT, USAGE, REFUSED, LATE = range(5)


def environment(**more):
    clean = {name: value for name, value in os.environ.items()
             if name not in ("CARTWHEEL_NODE", "CARTWHEEL_MONITOR")}
    return {**clean, **more}


def start(*arguments, **options):
    """Starts the program; it dies with this process."""
    defaults = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment()}
    return subprocess.Popen([PROGRAM, *arguments], preexec_fn=harness._follow_parent, **{**defaults, **options})


class Ran:
    """What one run of the program gave."""

    def __init__(self, *arguments, stdin=b"", env=None):
        done = subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True, timeout=RUN_SECONDS,
                              env=env or environment(), preexec_fn=harness._follow_parent)
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")

    def __repr__(self):
        return "status %d, out %r, err %r" % (self.status, self.out[:500], self.err[:500])


class Commands(harness.Case):
    options = {"interval": 200, "partitions": 2}

    def run_on(self, *arguments, status=DONE, stdin=b""):
        """Runs the program on the node of this test, and checks its exit status."""
        ran = Ran("--node", self.node.client_endpoint, *arguments, stdin=stdin)
        self.assertEqual(ran.status, status, ran)
        if status != DONE:
            self.assertRegex(ran.err, r"^cartwheel: ", "a sentence on standard error")
        return ran

    def text_key(self, note=""):
        return self.new_key(note).decode()

    # ---- get, put, delete ----

    def test_put_get_delete(self):
        key = self.text_key()
        self.assertEqual(self.run_on("get", key, status=ABSENT).out, b"")
        self.assertEqual(self.run_on("delete", key, status=ABSENT).out, b"")
        self.assertEqual(self.run_on("put", key, "milk, bread").out, b"")
        self.assertEqual(self.run_on("get", key).out, b"milk, bread\n")
        self.run_on("put", key, "")
        self.assertEqual(self.run_on("get", key).out, b"\n")
        self.run_on("delete", key)
        self.run_on("get", key, status=ABSENT)
        self.run_on("delete", key, status=ABSENT)

    def test_put_replaces(self):
        key = self.text_key()
        for value in ("one", "two", "three"):
            self.run_on("put", key, value)
        self.expect_values(key.encode(), b"three")

    def test_put_from_standard_input(self):
        key = self.text_key()
        value = bytes(range(256)) * 300 + b"\n"
        self.run_on("put", key, "-", stdin=value)
        self.assertEqual(self.run_on("get", key).out, value + b"\n")
        self.run_on("put", key, "-", stdin=b"")
        self.assertEqual(self.run_on("get", key).out, b"\n")

    def test_siblings(self):
        key = self.new_key()
        self.put(key, b"bread")
        self.put(key, b"honey")
        ran = self.run_on("get", key.decode())
        self.assertEqual(sorted(ran.out.splitlines()), [b"bread", b"honey"])
        self.assertIn("siblings", ran.err)
        ran = self.run_on("put", key.decode(), "both")
        self.expect_values(key, b"both")
        self.put(key, b"another")
        self.run_on("delete", key.decode())
        self.expect_values(key)

    def test_a_key_or_value_may_begin_with_dashes(self):
        name = self.text_key()
        key = "-" + name
        self.run_on("put", key, "-5")
        self.assertEqual(self.run_on("get", key).out, b"-5\n")
        self.run_on("put", "--", "--" + name, "--json")
        self.assertEqual(self.run_on("get", "--", "--" + name).out, b"--json\n")

    def test_sizes(self):
        key = self.text_key()
        self.run_on("get", "", status=REFUSED)
        self.run_on("put", "k" * 1025, "v", status=REFUSED)
        self.run_on("put", key, "-", stdin=b"x" * (1024 * 1024 + 1), status=REFUSED)
        self.run_on("put", key, "-", stdin=b"x" * (1024 * 1024))
        ran = self.run_on("put", key, "-", stdin=b"x" * (16 * 1024 * 1024 + 1), status=REFUSED)
        self.assertIn("too_large", ran.err)

    def test_quorum_options(self):
        key = self.text_key()
        self.run_on("put", key, "v", "--w", "1", "--r=1", "--strict")
        self.run_on("get", key, "--r", "2", status=REFUSED)
        self.run_on("put", key, "v", "--w", "2", status=REFUSED)

    # ---- keys ----

    def test_keys_lists_each_key_once(self):
        prefix = self.text_key()
        wanted = set()
        for number in range(3000):  # more than one page in each of two partitions
            key = "%s/%d" % (prefix, number)
            wanted.add(key.encode())
            self.client.send({"op": "put", "key": key, "value": b""})
        for _ in wanted:
            self.assertEqual(self.client.receive()["status"], "ok")
        listed = self.run_on("keys", "--prefix", prefix + "/").out.splitlines()
        self.assertEqual(len(listed), len(wanted))
        self.assertEqual(set(listed), wanted)
        everything = self.run_on("keys").out.splitlines()
        self.assertEqual(len(everything), len(set(everything)))
        self.assertTrue(wanted < set(everything))
        self.assertEqual(set(json.loads(self.run_on("keys", "--json", "--prefix", prefix + "/").out)),
                         {key.decode() for key in wanted})
        self.assertEqual(json.loads(self.run_on("keys", "--json", "--prefix", prefix + "none").out), [])

    def test_keys_are_safe_for_a_terminal(self):
        prefix = self.new_key()
        self.put(prefix + b"\x1b[31m\x00\xff\n\x7f \\~", b"v")
        ran = self.run_on("keys", "--prefix", prefix.decode())
        self.assertEqual(ran.out, prefix + b"\\x1b[31m\\x00\\xff\\x0a\\x7f \\~\n")
        ran = self.run_on("keys", "--json", "--prefix", prefix.decode())
        self.assertEqual(json.loads(ran.out), [prefix.decode() + "\\x1b[31m\\x00\\xff\\x0a\\x7f \\x5c~"])

    def test_a_deleted_key_is_not_listed(self):
        key = self.text_key()
        self.run_on("put", key, "v")
        self.run_on("delete", key)
        self.assertEqual(self.run_on("keys", "--prefix", key).out, b"")

    # ---- tables ----

    def test_inspect(self):
        key = self.text_key()
        self.run_on("put", key, "value")
        reply = self.ok("inspect", key=key)
        replica = reply["replicas"][0]
        ran = self.run_on("inspect", key)
        text = ran.out.decode()
        self.assertTrue(text.startswith("partition %d," % reply["partition"]), text)
        self.assertIn(replica["digest"].hex(), text)
        self.assertRegex(text, r"\n +0 +node1 +owner +yes +\S+ +1 +%d +(no|false)" % replica["bytes"])
        document = json.loads(self.run_on("inspect", key, "--json").out)
        self.assertEqual(document["partition"], reply["partition"])
        self.assertEqual(document["replicas"][0]["values"], 1)
        self.assertNotIn("id", document)
        self.assertIn(", 1 owner\n", text)
        self.run_on("inspect", self.text_key())

    def test_status(self):
        text = self.run_on("status").out.decode()
        self.assertTrue(text.startswith("healthy: "), text)
        self.assertRegex(text, r"\nnode1 +up +yes ")
        document = json.loads(self.run_on("--json", "status").out)
        self.assertIs(document["ready"], True)
        self.assertEqual([member["name"] for member in document["members"]], ["node1"])
        self.assertTrue(document["health"].startswith("healthy: "))

    def test_ring(self):
        text = self.run_on("ring").out.decode()
        self.assertIn("2 partitions", text)
        self.assertRegex(text, r"\nnode1 +- +1 +up +2 +2\.0 ")
        self.assertIn("1.00 times its fair share", text)
        document = json.loads(self.run_on("ring", "--json").out)
        self.assertEqual(document["owners"], [[0]] * 2)
        self.assertEqual(document["hash"], "xxh3-64")

    def test_join(self):
        ran = self.run_on("join", status=REFUSED)
        self.assertIn("member of the cluster already", ran.err)
        ran = self.run_on("join", "--node", self.node.client_endpoint, status=USAGE)
        self.assertIn("one --node", ran.err)
        self.run_on("join", "x" * 300, status=REFUSED)

    # ---- monitor ----

    def follow(self, *arguments, lines=1):
        """Runs monitor until it has printed so many lines, then interrupts it. Returns them."""
        process = start("monitor", *arguments)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        read = [process.stdout.readline().decode() for _ in range(lines)]
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(RUN_SECONDS), DONE, process.stderr.read())
        return read

    def test_monitor(self):
        lines = self.follow("stats", "--monitor", self.node.monitor, lines=3)
        for line in lines:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z node1 stats .*\bgets=\d+ .*\n$")
        document = json.loads(self.follow("--json", "--monitor", self.node.monitor)[0])
        self.assertEqual(document["node"], "node1")
        self.assertIn("topic", document)

    def test_monitor_without_a_stream(self):
        ran = Ran("monitor", "--monitor", free_endpoints(1)[0], "--timeout", "300")
        self.assertEqual(ran.status, REFUSED, ran)
        self.assertIn("--monitor", ran.err)

    def test_monitor_of_a_stream_that_lies(self):
        socket = zmq.Context.instance().socket(zmq.PUB)
        self.addCleanup(socket.close, 0)
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        process = start("monitor", "log", "--monitor", "tcp://127.0.0.1:%d" % port, stdin=subprocess.DEVNULL)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        good = msgpack.packb({"node": "n\x1b[2J", "time": 0, "level": "notice", "message": "a\nb"})

        def seen():
            for frames in ([b"log"], [b"log", b"\xc1"], [b"log", b"\xdd\xff\xff\xff\xff"], [b"log", b"\x90"],
                           [b"log", good, b""], [b"logs", good], [b"log", good]):
                socket.send_multipart(frames)
            os.set_blocking(process.stdout.fileno(), False)
            return process.stdout.readline()
        line = wait_for(seen, "an event")
        self.assertEqual(line, b'1970-01-01T00:00:00.000Z n\\x1b[2J log level="notice" message="a\\x0ab"\n')
        process.terminate()
        self.assertEqual(process.wait(RUN_SECONDS), DONE)

    # ---- nodes and time-outs ----

    def test_the_environment_names_the_node(self):
        key = self.text_key()
        ran = Ran("put", key, "v", env=environment(CARTWHEEL_NODE=self.node.client_endpoint))
        self.assertEqual(ran.status, DONE, ran)
        self.expect_values(key.encode(), b"v")
        ran = Ran("get", key, "--node", self.node.client_endpoint,
                  env=environment(CARTWHEEL_NODE=free_endpoints(1)[0]))
        self.assertEqual(ran.out, b"v\n")

    def test_failover(self):
        key = self.text_key()
        nowhere = free_endpoints(1)[0]
        ran = Ran("--node", nowhere, "put", key, "v", "--node", self.node.client_endpoint)
        self.assertEqual(ran.status, DONE, ran)
        ran = Ran("--node", nowhere, "get", key, "--node=" + self.node.client_endpoint)
        self.assertEqual(ran.out, b"v\n", ran)

    def test_no_node(self):
        nowhere = free_endpoints(1)[0]
        for words in (("get", "k"), ("put", "k", "v"), ("delete", "k"), ("keys",), ("inspect", "k"), ("status",),
                      ("ring",)):
            ran = Ran("--node", nowhere, "--timeout", "100", *words)
            self.assertEqual(ran.status, REFUSED, ran)
            self.assertIn(nowhere, ran.err)
            self.assertEqual(ran.out, b"")

    def test_a_node_that_does_not_answer(self):
        socket = zmq.Context.instance().socket(zmq.ROUTER)
        self.addCleanup(socket.close, 0)
        silent = "tcp://127.0.0.1:%d" % socket.bind_to_random_port("tcp://127.0.0.1")
        began = time.monotonic()
        ran = Ran("--node", silent, "--timeout", "300", "get", "k")
        self.assertEqual(ran.status, LATE, ran)
        self.assertGreaterEqual(time.monotonic() - began, 0.3)

    def test_output_that_cannot_be_written(self):
        key = self.text_key()
        self.run_on("put", key, "v")
        with open("/dev/full", "wb") as full:
            process = start("--node", self.node.client_endpoint, "get", key, stdout=full)
            _, err = process.communicate(timeout=RUN_SECONDS)
        self.assertNotEqual(process.returncode, DONE)
        self.assertIn(b"standard output", err)


class Usage(harness.Case):
    """What needs no node."""
    options = None

    def refused(self, *arguments, word):
        ran = Ran(*arguments)
        self.assertEqual(ran.status, USAGE, ran)
        self.assertEqual(ran.out, b"")
        self.assertTrue(ran.err.startswith("cartwheel: ") and word in ran.err, ran)

    def test_wrong_usage(self):
        self.refused(word="--help")
        self.refused("frobnicate", word="frobnicate")
        self.refused("get", word="KEY")
        self.refused("get", "a", "b", word="KEY")
        self.refused("put", "a", word="VALUE")
        self.refused("status", "now", word="status")
        self.refused("--frob", "get", "a", word="--frob")
        self.refused("get", "a", "--timeout", word="--timeout")
        self.refused("get", "a", "--strict=1", word="--strict")
        self.refused("get", "a", "--json", word="--json")
        self.refused("get", "a", "--prefix", "p", word="--prefix")
        self.refused("get", "a", "--monitor", "tcp://127.0.0.1:1", word="--monitor")
        self.refused("get", "a", "--node", "nonsense", word="nonsense")
        for option in ("--timeout", "--r", "--w"):
            for value in ("0", "-1", "x", "1x", "", "99999999999999999999"):
                self.refused("get", "a", option, value, word=option)

    def test_what_comes_later(self):
        for command in LATER:
            self.refused(command, word="not in this version")
        self.refused("--certificate", "a.cert_secret", "get", "k", word="not in this version")
        self.refused("get", "k", "--server-key=abc", word="not in this version")

    def test_help(self):
        ran = Ran("--help")
        self.assertEqual(ran.status, DONE)
        for command in COMMANDS:
            self.assertRegex(ran.out.decode(), r"\n  %s\b" % command)
            own = Ran(command, "--help")
            self.assertEqual(own.status, DONE)
            self.assertRegex(own.out.decode(), r"(?s)\AUsage: .* %s .*\nExample:\n  cartwheel .*%s" % (command, command))
        self.assertIn("Exit status", ran.out.decode())
        ran = Ran("--version")
        self.assertTrue(re.fullmatch(rb"cartwheel \S+\n", ran.out), ran)


if __name__ == "__main__":
    if not os.access(PROGRAM, os.X_OK):
        sys.exit("test_cli.py: there is no program %s; CARTWHEEL_BUILD names its folder" % PROGRAM)
    harness.main()
