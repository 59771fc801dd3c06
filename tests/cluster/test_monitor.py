#!/usr/bin/python3
"""test_monitor.py - section 4 of docs/protocol.md: what a subscriber of one node's monitor stream sees."""
import os
import time

import zmq

import harness
from harness import unpack
from test_contract import COUNTERS, GAUGES, LATENCIES

INTERVAL_MS = 200
EVENT_SECONDS = 20
LEVELS = {"error", "warning", "notice"}
MB = 1024 * 1024
CHECKPOINT_MB = 400  # written at most until a checkpoint must have come


class Subscriber:
    """A SUB socket; it may connect before the node is there."""

    def __init__(self, node, topics=(b"",)):
        self.socket = zmq.Context.instance().socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.reconnect_ivl = 1
        self.socket.rcvhwm = 0
        for topic in topics:
            self.socket.subscribe(topic)
        self.socket.connect(node.monitor)

    def close(self):
        self.socket.close()

    def event(self, seconds=EVENT_SECONDS):
        """The next event: its topic and its map."""
        if not self.socket.poll(int(seconds * 1000)):
            raise AssertionError("no event within %g s" % seconds)
        frames = self.socket.recv_multipart()
        assert len(frames) == 2, "an event is two frames: %d" % len(frames)
        return frames[0].decode("utf-8"), unpack(frames[1])

    def pending(self):
        """All events that are here already."""
        while self.socket.poll(0):
            yield self.event()


class Stream(harness.Case):
    options = None

    def subscribe(self, *topics):
        subscriber = Subscriber(self.node, topics or (b"",))
        self.addCleanup(subscriber.close)
        return subscriber

    def check_event(self, topic, event):
        """What each event has, and what the topics of a first version have beside it."""
        self.assertEqual(event["node"], self.node.name)
        self.assertIs(type(event["time"]), int)
        self.assertLess(abs(event["time"] / 1000 - time.time()), 120, "milliseconds since 1970")
        if topic == "stats":
            for name in COUNTERS + GAUGES + LATENCIES:
                self.assertIs(type(event.get(name)), int, name)
                self.assertGreaterEqual(event[name], 0, name)
            self.assertIs(type(event["errors"]), dict)
        elif topic == "log":
            self.assertIn(event["level"], LEVELS)
            self.assertIs(type(event["message"]), str)
            self.assertGreater(len(event["message"]), 3)
        elif topic == "store":
            self.assertIs(type(event["event"]), str)
            self.assertGreater(len(event["event"]), 0)
            self.assertIs(type(event["took"]), int)
            self.assertIs(type(event["message"]), str)

    def next_stats(self, subscriber):
        topic, event = subscriber.event()
        self.assertEqual(topic, "stats")
        self.check_event(topic, event)
        return event


class Running(Stream):
    options = {"interval": INTERVAL_MS, "durability": "periodic"}

    def test_stats_come_each_interval(self):
        subscriber = self.subscribe(b"stats")
        first = self.next_stats(subscriber)
        events = [self.next_stats(subscriber) for _ in range(10)]
        took = events[-1]["time"] - first["time"]
        self.assertGreater(took, 10 * INTERVAL_MS * 0.7)
        self.assertLess(took, 10 * INTERVAL_MS * 3, "a busy machine may be late, but not so late")

    def test_stats_count_what_is_done(self):
        subscriber = self.subscribe(b"stats")
        before = self.next_stats(subscriber)
        key = self.new_key()
        for number in range(20):
            self.put(key + b"%d" % number, b"v" * 1000)
            self.get(key + b"%d" % number)
        seen = []

        def counted():
            seen.append(self.next_stats(subscriber))
            return seen[-1]["puts"] - before["puts"] == 20 and seen[-1]["gets"] - before["gets"] == 20
        harness.wait_for(counted, "20 puts and gets in the stream")
        for earlier, later in zip([before] + seen, seen):
            for name in COUNTERS:
                self.assertGreaterEqual(later[name], earlier[name], name)
        self.assertGreaterEqual(seen[-1]["bytes_in"] - before["bytes_in"], 20 * 1000)
        busy = [event for event in seen if event["put_max"]]
        self.assertTrue(busy, "no latency in the interval of the puts")
        for event in busy:
            for op in ("get", "put"):
                figures = [event["%s_%s" % (op, name)] for name in ("p50", "p99", "p999", "max")]
                self.assertEqual(figures, sorted(figures), "percentiles of %s" % op)
                self.assertLessEqual(event[op + "_mean"], event[op + "_max"])
        self.assertLess(busy[0]["put_max"], 10_000_000, "microseconds")

    def test_stats_of_an_idle_interval(self):
        """Latencies are of the last interval: without requests they fall back to nothing."""
        subscriber = self.subscribe(b"stats")
        self.put(self.new_key(), b"v")
        harness.wait_for(lambda: self.next_stats(subscriber)["put_max"] == 0, "an idle interval")

    def test_topics_are_filtered(self):
        subscriber = self.subscribe(b"none such")
        stats = self.subscribe(b"stats")
        for _ in range(3):
            self.next_stats(stats)
        self.assertEqual(list(subscriber.pending()), [])

    def test_checkpoint_is_an_event(self):
        """Enough log makes a checkpoint; the storage engine's memory twin has none."""
        if self.node.settings["store/engine"] != "bdb":
            self.skipTest("the memory engine makes no checkpoint")
        subscriber = self.subscribe(b"store")
        value = os.urandom(MB)
        context, key = b"", self.new_key()
        for _ in range(CHECKPOINT_MB):
            context = self.put(key, value, context=context)
            events = list(subscriber.pending())
            if events:
                break
        for topic, event in events or [subscriber.event()]:
            self.assertEqual(topic, "store")
            self.check_event(topic, event)


class Restarting(Stream):
    """Events of starts and ends: the subscriber is there before the node is."""
    options = {"interval": INTERVAL_MS}

    def test_log_and_all_shapes(self):
        """Over a few stops and crashes some notice reaches the stream; all that comes has its topic's shape."""
        subscriber = self.subscribe()
        topics = {}
        for attempt in range(10):
            if attempt % 2:
                self.node.kill()
                self.node.start()
            else:
                self.node.restart()
            while True:  # until the new process publishes
                topic, event = subscriber.event()
                self.check_event(topic, event)
                topics[topic] = topics.get(topic, 0) + 1
                if topic == "stats" and event["puts"] + event["gets"] == 0:
                    break
            if attempt >= 2 and "log" in topics:
                break
        self.assertIn("log", topics, "no notice in the stream over %d restarts" % (attempt + 1))
        self.assertTrue(set(topics) <= {"stats", "log", "store", "member", "peer", "transfer", "handoff", "repair"})

    def test_counters_start_at_zero(self):
        self.put(self.new_key(), b"v")
        self.node.restart()
        event = self.next_stats(self.subscribe(b"stats"))
        self.assertEqual((event["puts"], event["gets"], event["deletes"], event["conflicts"]), (0, 0, 0, 0))


class Silent(harness.Case):
    def test_without_monitor(self):
        """`monitor` defaults to no stream; `stats` is answered all the same."""
        self.assertNotIn("listen/monitor", self.node.settings)
        self.put(self.new_key(), b"v")
        self.ok("stats")


if __name__ == "__main__":
    harness.main()
