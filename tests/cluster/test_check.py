#!/usr/bin/python3
"""test_check.py - `cartwheeld --check`: each mistake that section 5 of docs/protocol.md names, found with its line, all
of them at once, and nothing said against a file that is right.
"""
import os
import re
import shutil
import tempfile

import harness

MISTAKE = re.compile(r"^(?P<file>.+?):(?P<line>\d+): (?P<name>[^\s:]+): (?P<wrong>[^;]+); (?P<right>.+)$")

GOOD = """node
    name = node1
    data = data
listen
    client = tcp://127.0.0.1:7101
    peer = tcp://127.0.0.1:7102
    gossip = tcp://127.0.0.1:7103
cluster
    name = demo
"""

EXAMPLE = """node
    name = node1                    # unique in the cluster; the data folder remembers it
    data = /var/lib/cartwheel/node1
    zone = rack-a                   # replicas are spread over zones first
    weight = 1.0                    # share of slots, against the other nodes'
listen
    client  = tcp://127.0.0.1:7101
    peer    = tcp://127.0.0.1:7102  # replica traffic between nodes
    gossip  = tcp://127.0.0.1:7103  # membership between nodes
    monitor = tcp://127.0.0.1:7104
advertise                           # what others are told to connect to, where it differs (NAT, containers)
    client = tcp://127.0.0.1:7101
    peer   = tcp://127.0.0.1:7102
    gossip = tcp://127.0.0.1:7103
cluster
    name = demo                     # nodes of another cluster are refused
    seeds = "tcp://127.0.0.1:7103 tcp://127.0.0.1:7203"     # gossip endpoints; its own is skipped
    join = auto                     # auto: join on first start; manual: wait for `join`
    partitions = 256                # a power of two, 1..65536; fixed for the life of the cluster
    n = 3
    r = 2
    w = 2
request
    timeout = 1000                  # ms
store
    engine = bdb                    # bdb, or memory for tests and caches
    durability = batch              # batch: on disk before the ack, many writes to one sync
    sync = 100                      # ms, for periodic
    cache = 64MB
    page = 4KB                      # one file-system block, which cannot tear at a power cut
conflict
    policy = siblings               # siblings, or last-write-wins
limits
    value = 1MB
    siblings = 100
    hints = 1GB                     # stored for others
    in_flight = 4096                # requests in progress, then `overloaded`
log
    level = notice                  # error, warning, notice, info, debug
delete
    grace = 86400                   # s; a tombstone is kept so long
repair
    interval = 600                  # s between two anti-entropy exchanges of a partition with the same peer
monitor
    interval = 1000                 # ms
security
    curve = no                      # yes: the names below are used
    trusted = no                    # yes: without CURVE, bind addresses other than loopback and private ones
"""

RIGHT = [  # (section/name, value) that --check accepts
    ("cluster/n", 1), ("cluster/n", 7), ("cluster/partitions", 1), ("cluster/partitions", 65536),
    ("request/timeout", 1), ("request/timeout", 20000), ("limits/value", "1KB"), ("limits/value", "16MB"),
    ("limits/siblings", 1), ("limits/siblings", 1000), ("store/sync", 1), ("store/sync", 10000),
    ("delete/grace", 1), ("repair/interval", 1), ("monitor/interval", 100), ("store/durability", "none"),
    ("store/durability", "periodic"), ("store/engine", "memory"), ("store/page", "8KB"), ("log/level", "debug"),
    ("log/level", "error"), ("listen/client", "tcp://10.1.2.3:7101"), ("listen/client", "tcp://192.168.1.1:7101"),
    ("listen/monitor", "tcp://127.0.0.1:7104"), ("node/zone", "rack-a"), ("node/weight", "2.5"),
    ("limits/hints", "2GB"), ("store/cache", "128MB"), ("limits/in_flight", 100),
]

WRONG = [  # (section/name, value) that --check refuses by name
    ("cluster/n", 0), ("cluster/n", 8), ("cluster/n", -1), ("cluster/n", "three"), ("cluster/n", "3.0"),
    ("cluster/n", ""), ("cluster/n", "4294967299"), ("cluster/n", "3 3"), ("cluster/r", 0), ("cluster/r", 4),
    ("cluster/w", 0), ("cluster/w", 4), ("cluster/partitions", 0), ("cluster/partitions", 100),
    ("cluster/partitions", 131072), ("cluster/partitions", -256), ("cluster/join", "maybe"),
    ("request/timeout", 0), ("request/timeout", 20001), ("request/timeout", "1s"),
    ("limits/value", "1023"), ("limits/value", "17MB"), ("limits/value", "64XB"), ("limits/value", "MB"),
    ("limits/value", "-1MB"), ("limits/value", "99999999999999999999"), ("limits/siblings", 0),
    ("limits/siblings", 1001), ("store/sync", 0), ("store/sync", 10001), ("store/engine", "rocks"),
    ("store/durability", "always"), ("store/cache", "much"), ("store/page", "5KB"), ("conflict/policy", "newest"),
    ("delete/grace", 0), ("repair/interval", 0), ("monitor/interval", 99), ("log/level", "loud"),
    ("security/curve", "perhaps"), ("security/trusted", "perhaps"), ("node/weight", "heavy"), ("node/weight", -1),
    ("node/name", ""), ("node/data", ""), ("cluster/name", ""), ("listen/client", ""),
    ("listen/client", "tcp://*:7101"), ("listen/client", "tcp://0.0.0.0:7101"), ("listen/peer", "tcp://*:7102"),
    ("listen/peer", "tcp://0.0.0.0:7102"), ("listen/gossip", "tcp://0.0.0.0:7103"),
    ("listen/client", "tcp://127.0.0.1:0"), ("listen/client", "tcp://127.0.0.1:65536"),
    ("listen/client", "tcp://127.0.0.1"), ("listen/client", "tcp://127.0.0.1:*"), ("listen/client", "7101"),
    ("listen/client", "udp://127.0.0.1:7101"), ("listen/client", "tcp://8.8.8.8:7101"),
    ("listen/monitor", "tcp://*:7104"), ("cluster/seeds", "\"nowhere\""),
    ("node/colour", "red"), ("cluster/N", 3), ("colour/red", 1), ("store/durabilty", "batch"),
]


class Check(harness.Case):
    options = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cartwheel-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.file = os.path.join(self.folder, "node.conf")

    def check(self, text, *arguments):
        """The exit status of --check on this text, and its lines on standard output."""
        with open(self.file, "w") as file:
            file.write(text)
        status, output, _ = harness.run("--check", "--config", self.file, *arguments)
        self.assertEqual(sorted(os.listdir(self.folder)), ["node.conf"], "--check only checks")
        return status, output.splitlines()

    def mistakes(self, text, *arguments):
        """What --check finds, as [(line, section/name)]; each line of its output has the contract's form."""
        status, lines = self.check(text, *arguments)
        self.assertEqual(status, 1, lines)
        found = []
        for line in lines:
            match = MISTAKE.match(line)
            self.assertTrue(match, "not FILE:LINE: section/name: what is wrong; what would be right: %r" % line)
            self.assertEqual(os.path.basename(match["file"]), "node.conf")
            found.append((int(match["line"]), match["name"]))
        self.assertTrue(found)
        return found

    def accepts(self, text, *arguments):
        status, lines = self.check(text, *arguments)
        self.assertEqual(status, 0, lines)
        self.assertFalse([line for line in lines if MISTAKE.match(line)])

    def with_value(self, path, value):
        """GOOD with one line of its own, the file's last or its replacement, and that line's number."""
        section, name = path.split("/")
        line = "    %s = %s" % (name, value)
        lines = GOOD.splitlines()
        if section + "\n" not in GOOD:
            lines += [section, line]
        else:
            first = lines.index(section)
            last = next((at for at in range(first + 1, len(lines)) if not lines[at].startswith(" ")), len(lines))
            same = [at for at in range(first, last) if lines[at].split()[0] == name]
            if same:
                lines[same[0]] = line
            else:
                lines.insert(last, line)
        return "\n".join(lines) + "\n", lines.index(line) + 1

    def test_good_files(self):
        self.accepts(GOOD)
        self.accepts(EXAMPLE)
        self.accepts(EXAMPLE.replace("tcp://127.0.0.1:7103 tcp://127.0.0.1:7203", "tcp://127.0.0.1:7203"))
        self.accepts(EXAMPLE.replace("join = auto  ", "join = manual"))
        self.accepts("# a comment\n\n" + GOOD.replace("    name = node1\n", "    # more\n\n    name = \"node1\"\n"))

    def test_right_values(self):
        for path, value in RIGHT:
            with self.subTest(path, value=value):
                small = "" if path != "cluster/n" or value != 1 else "    r = 1\n    w = 1\n"
                self.accepts(self.with_value(path, value)[0] + small)
                quorum = ["--set", "cluster/r=1", "--set", "cluster/w=1"] if small else []
                self.accepts(GOOD, "--set", "%s=%s" % (path, value), *quorum)

    def test_wrong_values(self):
        for path, value in WRONG:
            with self.subTest(path, value=value):
                text, line = self.with_value(path, value)
                found = self.mistakes(text)
                section = (line - 1, path.split("/")[0])  # of an unknown section no name need be told
                self.assertTrue((line, path) in found or path == "colour/red" and section in found, found)

    def test_wrong_values_by_set(self):
        for path, value in WRONG:
            if not str(value).startswith('"'):
                with self.subTest(path, value=value):
                    status, lines = self.check(GOOD, "--set", "%s=%s" % (path, value))
                    self.assertEqual(status, 1, lines)
                    self.assertIn(path, "\n".join(lines))

    def test_last_set_wins(self):
        self.accepts(GOOD, "--set", "cluster/n=9", "--set", "cluster/n=3")
        self.assertEqual(self.check(GOOD, "--set", "cluster/n=3", "--set", "cluster/n=9")[0], 1)
        self.accepts(self.with_value("cluster/n", 9)[0], "--set", "cluster/n=3")

    def test_set_without_form(self):
        for text in ("cluster/n", "cluster=3", "n=3", "=3", "", "/=", "cluster/=3", "/n=3"):
            with self.subTest(text):
                with open(self.file, "w") as file:
                    file.write(GOOD)
                status, output, errors = harness.run("--check", "--config", self.file, "--set", text)
                self.assertNotEqual(status, 0)
                self.assertTrue(output.strip() or errors.strip())

    def test_required_names(self):
        for path in ("node/name", "node/data", "listen/client", "listen/peer", "listen/gossip", "cluster/name"):
            section, name = path.split("/")
            text, line = self.with_value(path, "x")
            lines = text.splitlines()
            del lines[line - 1]
            with self.subTest(path):
                self.assertIn(path, [name for _, name in self.mistakes("\n".join(lines) + "\n")])
        found = {name for _, name in self.mistakes("log\n    level = notice\n")}
        self.assertTrue({"node/name", "node/data", "listen/client", "listen/peer", "listen/gossip",
                         "cluster/name"} <= found)
        self.mistakes("")

    def test_given_twice(self):
        text, line = self.with_value("cluster/n", 3)
        self.assertTrue(any(name == "cluster/n" for _, name in self.mistakes(text + "    n = 3\n")))
        found = self.mistakes(GOOD + "log\n    level = info\nlog\n    level = info\n")
        self.assertTrue(any(name.startswith("log") for _, name in found), found)

    def test_tabs(self):
        found = self.mistakes(GOOD + "log\n\tlevel = notice\n")
        self.assertIn(11, [line for line, _ in found])
        self.assertTrue(self.mistakes(GOOD + "log\n    level =\tnotice\n"))

    def test_comment_in_place_of_a_value(self):
        for path in ("cluster/n", "node/name", "log/level", "node/zone"):
            text, line = self.with_value(path, "# note")
            self.assertIn((line, path), self.mistakes(text))

    def test_wildcards_with_advertise(self):
        advertise = "advertise\n    client = tcp://127.0.0.1:7101\n    peer = tcp://127.0.0.1:7102\n" \
                    "    gossip = tcp://127.0.0.1:7103\nsecurity\n    trusted = yes\n"
        wild = GOOD.replace("127.0.0.1", "0.0.0.0")
        self.accepts(wild + advertise)
        self.assertEqual({name for _, name in self.mistakes(wild + "security\n    trusted = yes\n")},
                         {"listen/client", "listen/peer", "listen/gossip"})
        self.assertTrue(self.mistakes(GOOD.replace("127.0.0.1", "*") + advertise))

    def test_public_addresses_are_for_the_trusting(self):
        public = GOOD.replace("127.0.0.1", "8.8.8.8")
        self.assertEqual({name for _, name in self.mistakes(public)}, {"listen/client", "listen/peer", "listen/gossip"})
        self.accepts(public + "security\n    trusted = yes\n")

    def test_quorums_above_n(self):
        for r, w, bad in ((2, 1, ["cluster/r"]), (1, 2, ["cluster/w"]), (2, 2, ["cluster/r", "cluster/w"])):
            found = self.mistakes(GOOD + "    n = 1\n    r = %d\n    w = %d\n" % (r, w))
            self.assertEqual(sorted(name for _, name in found), bad)

    def test_all_mistakes_at_once(self):
        text = GOOD + "    n = 9\n    colour = red\n    partitions = 100\nstore\n    durability = always\n" \
            "\tsync = 5\n    page = # note\nlog\n    level = loud\nlog\n    level = info\nnonsense\n    x = 1\n" \
            "request\n    timeout = 0\nlimits\n    value = 1TB\n    siblings = many\n"
        found = self.mistakes(text)
        for name, line in (("cluster/n", 10), ("cluster/colour", 11), ("cluster/partitions", 12),
                           ("store/durability", 14), ("store/page", 16), ("log/level", 18), ("request/timeout", 24),
                           ("limits/value", 26), ("limits/siblings", 27)):
            self.assertIn((line, name), found)
        self.assertIn(15, [line for line, _ in found])  # the tab
        self.assertTrue(any(name.startswith("nonsense") for _, name in found), found)

    def test_syntax(self):
        """What is no ZPL is said with its line, together with the mistakes around it."""
        for line in ("    just words", "   level = notice", "    = 5", "    level notice", "    level = \"notice"):
            with self.subTest(line):
                found = self.mistakes(GOOD + "    n = 9\nlog\n%s\n" % line)
                self.assertIn(12, [number for number, _ in found])
                self.assertIn((10, "cluster/n"), found)

    def test_hostile_files(self):
        for text in ("\0" * 1000, "\xff" * 1000, "a" * 100_000, "a = " + "b" * 100_000, "[\n{\n", "=\n" * 1000,
                     GOOD + "log\n    level = " + "x" * 100_000 + "\n"):
            status, _ = self.check(text)
            self.assertEqual(status, 1, text[:20])

    def test_no_file(self):
        for path in (os.path.join(self.folder, "none.conf"), self.folder):
            status, output, errors = harness.run("--check", "--config", path)
            self.assertNotEqual(status, 0)
            self.assertGreater(len((output + errors).split()), 3, "a sentence")

    def test_wrong_usage(self):
        with open(self.file, "w") as file:
            file.write(GOOD)
        for arguments in ([], ["--check"], ["--config"], ["--config", self.file, "--colour"], ["--set", "cluster/n=3"],
                          ["--check", "--config", self.file, "more"], ["--check", "--config", self.file, "--set"]):
            with self.subTest(str(arguments)):
                status, output, errors = harness.run(*arguments)
                self.assertGreater(status, 0)
                self.assertGreater(len((output + errors).split()), 3, "a sentence")


if __name__ == "__main__":
    harness.main()
