"""harness.py - starts real nodes for black-box tests, and talks to them as a client does.

A Node is one `cartwheeld` process with a configuration of its own in a temporary folder, on an address of the
loopback network that no other test process uses; so test modules run side by side. A Client is a DEALER that acts
like REQ and checks of each reply what the contract says of every reply. Only processes that were started here are
ended, and the kernel ends them when the test process dies.

Environment: CARTWHEEL names the program under test (required); CARTWHEEL_ENGINE overrides the store's engine;
KEEP=1 leaves the temporary folders.
"""
import atexit
import contextlib
import ctypes
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import msgpack
import zmq

STATUSES = frozenset("""ok not_found bad_request bad_context too_large too_many_siblings unavailable timeout unknown
    overloaded read_only forbidden internal""".split())
FINE = frozenset(("ok", "not_found"))
READY_SECONDS = 30
STOP_SECONDS = 30
REPLY_SECONDS = 25
PR_SET_PDEATHSIG = 1
ABSENT = object()

count = {"checks": 0}
nodes = []  # all that were made, for the logs of those that a failed test used


class NoReply(AssertionError):
    """A request was not answered in time."""


# ---- MessagePack, also by hand where a library would not write it ----

class Raw(bytes):
    """MessagePack bytes that are taken as they are."""


def pack(value):
    return bytes(value) if isinstance(value, Raw) else msgpack.packb(value, use_bin_type=True)


def pack_map(pairs):
    """One map with the fields in the given order, names and values packed or Raw; a name may come twice."""
    assert len(pairs) < 65536
    head = bytes([0x80 + len(pairs)]) if len(pairs) < 16 else b"\xde" + len(pairs).to_bytes(2, "big")
    return head + b"".join(pack(name) + pack(value) for name, value in pairs)


def integer_widths(number):
    """The integer in every MessagePack width that can hold it."""
    widths = {}
    if 0 <= number < 128:
        widths["fixint"] = Raw([number])
    if -32 <= number < 0:
        widths["negative fixint"] = Raw([256 + number])
    for code, size in ((0xcc, 1), (0xcd, 2), (0xce, 4), (0xcf, 8)):
        with contextlib.suppress(OverflowError):
            widths["uint%d" % (8 * size)] = Raw(bytes([code]) + number.to_bytes(size, "big"))
    for code, size in ((0xd0, 1), (0xd1, 2), (0xd2, 4), (0xd3, 8)):
        with contextlib.suppress(OverflowError):
            widths["int%d" % (8 * size)] = Raw(bytes([code]) + number.to_bytes(size, "big", signed=True))
    return widths


def _unique(pairs):
    fields = dict(pairs)
    assert len(fields) == len(pairs), "a field of the reply is there twice: %r" % (pairs,)
    return fields


def unpack(body):
    """The one map that a reply is; names are str, keys, values and contexts are bytes."""
    reply = msgpack.unpackb(body, raw=False, unicode_errors="surrogateescape", object_pairs_hook=_unique)
    assert isinstance(reply, dict), "a reply is no map: %r" % (reply,)
    return reply


def check_reply(reply, identity=ABSENT):
    """What section 3 promises of every reply. `identity`: the id it must repeat; None: may or may not repeat one."""
    count["checks"] += 1
    assert reply.get("status") in STATUSES, "status %r is none of the contract's" % (reply.get("status"),)
    assert all(isinstance(name, str) for name in reply), "a field name is not str: %r" % (reply,)
    if reply["status"] not in FINE:
        message = reply.get("message")
        assert isinstance(message, str) and len(message.split()) >= 2, \
            "%s without a sentence: %r" % (reply["status"], message)
        message.encode("utf-8")  # a str is UTF-8: what a message quotes from a request must be made so
    if identity is ABSENT:
        assert "id" not in reply, "an id that nobody sent: %r" % (reply["id"],)
    elif identity is not None:
        assert type(reply.get("id")) is type(identity) and reply["id"] == identity, \
            "id %r came back as %r" % (identity, reply.get("id", "nothing"))
    return reply


def names(message, field):
    """Whether a message names this field, as a word of its own."""
    return re.search(r"(?<!\w)%s(?!\w)" % re.escape(field.strip()), message) is not None


# ---- the client ----

class Client:
    """A DEALER with an empty delimiter in front of each request. Not for use by two threads."""

    def __init__(self, endpoint, socket_type=zmq.DEALER):
        self.endpoint = endpoint
        self.socket_type = socket_type
        self.socket = None
        self.open()

    def open(self):
        self.close()
        self.socket = zmq.Context.instance().socket(self.socket_type)
        self.socket.linger = 0
        self.socket.connect(self.endpoint)

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def send_frames(self, *frames):
        self.socket.send_multipart(frames)

    def send(self, fields):
        """Sends a request: a dict, or its bytes."""
        self.send_frames(b"", pack(fields) if isinstance(fields, dict) else fields)

    def receive_body(self, timeout=REPLY_SECONDS):
        if not self.socket.poll(int(timeout * 1000)):
            self.open()  # a late answer must not be taken for that of the next request
            raise NoReply("no reply within %g s" % timeout)
        frames = self.socket.recv_multipart()
        assert len(frames) == 2 and frames[0] == b"", "a reply is one frame after the delimiter: %d" % len(frames)
        return frames[1]

    def receive(self, timeout=REPLY_SECONDS):
        return unpack(self.receive_body(timeout))

    def raw(self, body, timeout=REPLY_SECONDS):
        """Sends bytes as the body of a request and returns the reply, unchecked."""
        self.send(body)
        return self.receive(timeout)

    def request(self, fields, timeout=REPLY_SECONDS):
        self.send(fields)
        return check_reply(self.receive(timeout), fields.get("id", ABSENT))

    def op(self, op, **fields):
        return self.request({"op": op, **fields})

    def ping(self):
        reply = self.op("ping")
        assert reply["status"] == "ok", reply
        return reply


# ---- processes ----

def program():
    path = os.environ.get("CARTWHEEL")
    if not path or not os.access(path, os.X_OK):
        sys.stderr.write("CARTWHEEL must name the cartwheeld to test; it is %r\n" % path)
        sys.exit(99)  # a hard error for automake: not run is not passed
    return os.path.abspath(path)


def address():
    """An address of this machine's loopback network that belongs to this process alone."""
    pid = os.getpid()
    return "127.%d.%d.%d" % (64 + pid // 65024 % 128, pid // 254 % 256, 1 + pid % 254)


def free_endpoints(number):
    """Endpoints on this process's own address: nobody takes their ports between here and the node's bind."""
    with contextlib.ExitStack() as stack:
        endpoints = []
        for _ in range(number):
            holder = stack.enter_context(socket.socket())
            holder.bind((address(), 0))
            endpoints.append("tcp://%s:%d" % holder.getsockname())
        return endpoints


def host_port(endpoint):
    host, port = endpoint[len("tcp://"):].rsplit(":", 1)
    return host, int(port)


def memory(pid, name="VmRSS"):
    """Bytes of memory of a process, by its name in /proc: VmRSS, VmHWM (its peak), VmPeak (address space)."""
    with open("/proc/%d/status" % pid) as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
    raise AssertionError("process %d has no %s" % (pid, name))


def rss(pid):
    return memory(pid)


def _follow_parent():
    """In the child, before exec: die with the test process, however that ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def launch(arguments, stderr, environment=None, host=None):
    """Starts the program under test. From the main thread only: the kernel's parent is the thread. `host`: the
    network.Host that it runs on, if not this one."""
    def prepare():
        _follow_parent()
        if host is not None:
            host.enter()
    return subprocess.Popen([program(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=stderr, env={**os.environ, **(environment or {})}, preexec_fn=prepare)


def run(*arguments, timeout=STOP_SECONDS):
    """Runs the program under test to its end. Returns its exit status, standard output and standard error."""
    done = subprocess.run([program(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                          preexec_fn=_follow_parent)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def config_text(settings):
    """ZPL of {"section/name": value}; values with characters that ZPL gives a meaning are quoted."""
    sections = {}
    for path, value in settings.items():
        section, name = path.split("/")
        text = str(value)
        sections.setdefault(section, []).append(
            "    %s = %s\n" % (name, '"%s"' % text if not text or set(text) & set(" #\"'") else text))
    return "".join(section + "\n" + "".join(lines) for section, lines in sections.items())


class Node:
    """One node. Keyword arguments set what tests vary; `settings` overrides any {"section/name": value}, and None
    leaves a name out. As a context manager it must end with 0 at the end of the block."""

    def __init__(self, name="node1", engine="bdb", durability="batch", n=1, r=1, w=1, partitions=16, value=None,
                 siblings=None, in_flight=None, interval=None, settings=None, environment=None, arguments=(),
                 start=True, endpoints=None, host=None):
        self.folder = tempfile.mkdtemp(prefix="cartwheel-")
        self.name = name
        self.data = os.path.join(self.folder, "data")
        os.mkdir(self.data)
        self.client_endpoint, self.peer, self.gossip, self.monitor = endpoints or free_endpoints(4)
        wanted = {
            "node/name": name, "node/data": self.data,
            "listen/client": self.client_endpoint, "listen/peer": self.peer, "listen/gossip": self.gossip,
            "listen/monitor": self.monitor if interval else None,
            "cluster/name": "test", "cluster/partitions": partitions,
            "cluster/n": n, "cluster/r": r, "cluster/w": w,
            "store/engine": os.environ.get("CARTWHEEL_ENGINE", engine), "store/durability": durability,
            "limits/value": value, "limits/siblings": siblings, "limits/in_flight": in_flight,
            "monitor/interval": interval, **(settings or {})}
        self.settings = {path: value for path, value in wanted.items() if value is not None}
        self.partitions = partitions
        self.environment = environment
        self.host = host
        self.arguments = list(arguments)
        self.config = os.path.join(self.folder, "node.conf")
        self.log = os.path.join(self.folder, "stderr")
        self.process = None
        self.client = None
        self.end = None  # how the story ended, once the folder is gone
        nodes.append(self)
        atexit.register(self.close)
        if start:
            try:
                self.start()
            except BaseException:
                self.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is not None:
                sys.stderr.write(self.story())
            elif self.alive():
                self.stop()
        finally:
            self.close()

    def write_config(self):
        with open(self.config, "w") as file:
            file.write(config_text(self.settings))

    def launch(self):
        """Starts the process without waiting for it to serve."""
        assert not self.alive()
        self.write_config()
        with open(self.log, "ab") as log:
            self.process = launch(["--config", self.config, *self.arguments], log, self.environment, self.host)

    def start(self):
        self.launch()
        self.wait_ready()
        return self

    def wait_ready(self, seconds=READY_SECONDS):
        """Waits until `status` says ready."""
        limit = time.monotonic() + seconds
        self.client = self.client or Client(self.client_endpoint)
        while time.monotonic() < limit:
            if not self.alive():
                raise AssertionError("the node ended with %d\n%s" % (self.process.returncode, self.story()))
            try:
                if self.client.request({"op": "status"}, timeout=0.5).get("ready") is True:
                    return
                time.sleep(0.01)
            except NoReply:
                pass
        raise AssertionError("the node was not ready within %d s\n%s" % (seconds, self.story()))

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """SIGKILL: what a crash leaves behind."""
        self.process.kill()
        self.process.wait()

    def pause(self):
        """SIGSTOP: it says nothing more, and its connections stay."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def wait_end(self, seconds=STOP_SECONDS):
        """The exit status of a process that is about to end by itself."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError("the node did not end within %d s\n%s" % (seconds, self.story())) from None

    def stop(self, number=signal.SIGTERM, status=0):
        """Asks the node to end and checks its exit status."""
        assert self.alive(), "the node ended early with %s\n%s" % (self.process.poll(), self.story())
        self.process.send_signal(number)
        self.check_end(number, status)

    def check_end(self, number=signal.SIGTERM, status=0):
        """After a signal: it ends with this exit status."""
        ended = self.wait_end()
        count["checks"] += 1
        assert ended == status, "the node ended with %d after signal %d\n%s" % (ended, number, self.story())

    def restart(self, **settings):
        """Stops the node if it runs, and starts it again; `settings` as {"section/name": value} in a dict."""
        if self.alive():
            self.stop()
        self.settings.update(settings.get("settings", {}))
        return self.start()

    def close(self):
        if self.client is not None:
            self.client.close()
            self.client = None
        self.end = self.end or self.story()
        if self.alive():
            self.kill()
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def errors(self):
        """What the node wrote on standard error so far, over all its starts."""
        with open(self.log, "rb") as file:
            return file.read().decode("utf-8", "replace")

    def story(self):
        """The end of the node's log, for a failed test."""
        if self.end is not None:
            return self.end
        if not os.path.exists(self.log):
            return "%s was never started\n" % self.name
        state = "runs" if self.alive() else "ended with %s" % (self.process and self.process.returncode)
        lines = self.errors().splitlines()[-30:]
        return "--- %s %s; its log ends:\n%s\n---\n" % (self.name, state, "\n".join(lines))

    def rss(self):
        return rss(self.process.pid)


# ---- test cases ----

def _counted(name):
    method = getattr(unittest.TestCase, name)

    def check(self, *arguments, **named):
        if not self.inside:
            count["checks"] += 1
        inside, self.inside = self.inside, True
        try:
            return method(self, *arguments, **named)
        finally:
            self.inside = inside
    return check


class Case(unittest.TestCase):
    """Tests that share one node, started with `options` (None: no node), each with a client of its own."""
    options = {}
    node = None
    inside = False
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        if cls.options is not None:
            cls.node = Node(**cls.options)

    @classmethod
    def tearDownClass(cls):
        if cls.node is not None:
            try:
                cls.node.stop()
            finally:
                cls.node.close()
                cls.node = None

    def setUp(self):
        self.rng = random.Random(self.id())
        if self.node is not None:
            if not self.node.alive():
                self.node.start()  # the test that ended it has failed; this one is on its own
            self.client = self.new_client()

    def tearDown(self):
        if self.node is not None:
            self.assertTrue(self.node.alive(), "the node ended")

    def run(self, result=None):
        result = result if result is not None else self.defaultTestResult()
        bad, made = len(result.failures) + len(result.errors), len(nodes)
        super().run(result)
        if len(result.failures) + len(result.errors) > bad:
            used = self.shared() + nodes[made:]
            sys.stderr.write("\n%s\n%s" % (self.id(), "".join(node.story() for node in used)))

    def shared(self):
        """The nodes that the tests of this case share."""
        return [self.node] if self.node is not None else []

    def new_client(self):
        client = Client(self.node.client_endpoint)
        self.addCleanup(client.close)
        return client

    def new_key(self, note=""):
        """A key that no other test uses."""
        return b"%s%s-%s" % (self.id().rsplit(".", 1)[-1].encode(), note.encode(), os.urandom(4).hex().encode())

    def ok(self, op, **fields):
        reply = self.client.op(op, **fields)
        self.assertEqual(reply["status"], "ok", reply)
        return reply

    def put(self, key, value, **fields):
        """Puts and returns the reply's context."""
        reply = self.ok("put", key=key, value=value, **fields)
        self.assertIs(type(reply["context"]), bytes)
        return reply["context"]

    def delete(self, key, context, **fields):
        return self.ok("delete", key=key, context=context, **fields)["context"]

    def get(self, key, **fields):
        """The reply to a get, `ok` or `not_found` as its values demand."""
        reply = self.client.op("get", key=key, **fields)
        self.assertIn(reply["status"], FINE, reply)
        self.assertIs(type(reply["values"]), list)
        self.assertEqual(reply["status"], "ok" if reply["values"] else "not_found")
        self.assertIs(type(reply["context"]), bytes)
        for value in reply["values"]:
            self.assertIs(type(value), bytes)
        return reply

    def expect_values(self, key, *values):
        """The key's live values are exactly these, in any order. Returns the context that covers them."""
        reply = self.get(key)
        self.assertEqual(sorted(reply["values"]), sorted(values))
        return reply["context"]

    def refused(self, status, fields, field=None):
        """The request is answered with this status; the message names this field."""
        reply = self.client.request(fields)
        self.assertEqual(reply["status"], status, "%r: %r" % (fields, reply))
        if field is not None:
            self.assertTrue(names(reply["message"], field), "%r does not name %s" % (reply["message"], field))
        return reply


for _name in ("assertEqual assertNotEqual assertTrue assertFalse assertIs assertIsNone assertIsNotNone assertIn "
              "assertNotIn assertIsInstance assertLess assertLessEqual assertGreater assertGreaterEqual "
              "assertRegex assertRaises").split():
    setattr(Case, _name, _counted(_name))


def wait_for(condition, what, seconds=15):
    """Waits until the condition gives something true, and returns it."""
    limit = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > limit:
            raise AssertionError("waited %g s for %s" % (seconds, what))
        time.sleep(0.02)


def main():
    """Runs the tests of the module that was started, and prints how much that was."""
    program()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # so that nodes and folders go with us
    began = time.monotonic()
    result = unittest.main(module="__main__", exit=False).result
    for test, why in result.skipped:
        print("skipped: %s: %s" % (test, why))
    print("%s: %d tests, %d checks, %d skipped, %d failed, %.1f s" % (
        os.path.basename(sys.argv[0]), result.testsRun, count["checks"], len(result.skipped),
        len(result.failures) + len(result.errors), time.monotonic() - began))
    sys.exit(0 if result.wasSuccessful() else 1)
