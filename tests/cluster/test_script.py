#!/usr/bin/python3
"""test_script.py - tools/cluster starts, stops and kills the nodes of a folder, and config/three and config/five are such folders.

The sample files run as they are but for their address, which is one that only this process uses.
Environment: CARTWHEEL names the node's program, `cartwheel` stands beside it; CARTWHEEL_SOURCE the sources.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import harness
from harness import wait_for

SOURCE = os.environ.get("CARTWHEEL_SOURCE") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
SCRIPT = os.path.join(SOURCE, "tools", "cluster")
RUN_SECONDS = 150
DONE, FAILED, USAGE = range(3)


def running(folder):
    """Process ids of the nodes whose configurations are in a folder."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/cmdline" % entry, "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if any(word.startswith(os.fsencode(folder) + b"/") and word.endswith(b".cfg") for word in words):
                found.append(int(entry))
    return found


class Script(harness.Case):
    options = None

    def setUp(self):
        super().setUp()
        self.parent = tempfile.mkdtemp(prefix="cartwheel-")
        self.addCleanup(shutil.rmtree, self.parent)

    def sample(self, name):
        """A copy of config/NAME on an address of this process."""
        folder = os.path.join(self.parent, name)
        os.mkdir(folder)
        for source in sorted(glob.glob(os.path.join(SOURCE, "config", name, "*.cfg"))):
            with open(source) as file:
                text = file.read().replace("127.0.0.1", harness.address())
            with open(os.path.join(folder, os.path.basename(source)), "w") as file:
                file.write(text)
        self.addCleanup(self.end, folder)
        return folder

    def one(self):
        """A folder with one node that is a cluster of its own."""
        folder = os.path.join(self.parent, "one")
        os.mkdir(folder)
        client, peer, gossip = harness.free_endpoints(3)
        self.write(folder, "node1", client=client, peer=peer, gossip=gossip)
        self.addCleanup(self.end, folder)
        return folder

    def write(self, folder, node, client, peer, gossip, n=1):
        with open(os.path.join(folder, node + ".cfg"), "w") as file:
            file.write(harness.config_text({
                "node/name": node, "node/data": "store/" + node, "listen/client": client, "listen/peer": peer,
                "listen/gossip": gossip, "cluster/name": "script", "cluster/partitions": 4, "cluster/n": n}))

    def end(self, folder):
        self.run_script("stop", folder)
        self.assertEqual(running(folder), [], "stop left something running")

    def run_script(self, *arguments, status=None, **environment):
        done = subprocess.run([SCRIPT, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=RUN_SECONDS, text=True,
                              env={**os.environ, "CARTWHEELD": harness.program(), **environment})
        if status is not None:
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def test_life(self):
        folder = self.one()
        self.run_script("status", folder, status=FAILED)
        self.run_script("start", folder, status=DONE)
        first = running(folder)
        self.assertEqual(len(first), 1)
        done = self.run_script("status", folder, status=DONE)
        self.assertIn("node1 runs, process %d" % first[0], done.stdout)
        self.assertIn("healthy: ", done.stdout)
        self.run_script("start", folder, status=DONE)
        self.assertEqual(running(folder), first, "what runs is left alone")
        self.run_script("kill", folder, status=DONE)
        self.assertEqual(running(folder), [])
        self.run_script("status", folder, status=FAILED)
        self.run_script("restart", folder, status=DONE)
        second = running(folder)
        self.assertEqual(len(second), 1)
        self.run_script("restart", folder, "node1", status=DONE)
        self.assertNotEqual(running(folder), second)
        self.run_script("stop", folder, status=DONE)
        self.assertEqual(running(folder), [])
        self.run_script("stop", folder, status=DONE)

    def test_a_node_that_fails_shows_its_log(self):
        folder = self.one()
        self.write(folder, "node2", *harness.free_endpoints(3), n=8)
        done = self.run_script("start", folder, status=FAILED)
        self.assertIn("node2 has ended", done.stderr)
        self.assertIn("cluster/n", done.stderr, "the end of its log")
        self.assertEqual(running(folder), [], "what was started is stopped again")

    def test_a_node_that_is_never_ready(self):
        folder = self.one()
        client, peer, gossip = harness.free_endpoints(3)
        self.write(folder, "node1", client, peer, gossip)
        with open(os.path.join(folder, "node1.cfg"), "a") as file:
            file.write('    seeds = "%s %s"\n    join = manual\n' % (harness.free_endpoints(1)[0], gossip))
        done = self.run_script("start", folder, status=FAILED, CLUSTER_SECONDS="2")
        self.assertIn("node1 is not ready within 2 s", done.stderr)
        self.assertEqual(running(folder), [])

    def test_the_number_of_somebody_else(self):
        folder = self.one()
        other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE,
                                 preexec_fn=harness._follow_parent)
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        self.addCleanup(other.stdin.close)
        os.mkdir(os.path.join(folder, "run"))
        for since in ("1", ""):
            with open(os.path.join(folder, "run", "node1.pid"), "w") as file:
                file.write("%d %s\n" % (other.pid, since))
            for command in ("kill", "stop"):
                self.run_script(command, folder, status=DONE)
                self.assertIsNone(other.poll())

    def test_odd_names_and_values(self):
        self.parent = os.path.join(self.parent, "a folder's [*]")
        os.mkdir(self.parent)
        folder = self.one()
        file = os.path.join(folder, "node1.cfg")
        with open(file) as source:
            text = source.read().replace('store/node1', 'my data/of "1"/node1')
        text = re.sub(r"data = (.*)", lambda found: "data   =   '%s'  # 'quoted'" % found[1].strip("\"'"), text)
        text = re.sub(r"client = (.*)", lambda found: "client=%s # bare" % found[1].strip("\"'"), text)
        with open(file, "w") as target:
            target.write(text)
        os.rename(file, os.path.join(folder, "node 1.cfg"))
        self.run_script("start", folder + "/", status=DONE)
        self.assertTrue(os.path.isdir(os.path.join(folder, 'my data/of "1"/node1')))
        self.assertIn("healthy: ", self.run_script("status", folder, "node 1", status=DONE).stdout)
        self.run_script("stop", folder, status=DONE)
        self.assertEqual(running(folder), [])

    def test_two_starts_at_once(self):
        folder = self.one()
        environment = {**os.environ, "CARTWHEELD": harness.program()}
        starts = [subprocess.Popen([SCRIPT, "start", folder], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env=environment) for _ in range(4)]
        self.assertEqual([start.wait(RUN_SECONDS) for start in starts], [DONE] * 4)
        self.assertEqual(len(running(folder)), 1)

    def test_a_start_that_cannot_note_the_process(self):
        folder = self.one()
        os.makedirs(os.path.join(folder, "run", "node1.pid"))
        done = self.run_script("start", folder, status=FAILED)
        self.assertIn("node1.pid cannot be written", done.stderr)
        wait_for(lambda: running(folder) == [], "the end of a process that nobody could find again")
        os.rmdir(os.path.join(folder, "run", "node1.pid"))

    def test_usage(self):
        folder = self.one()
        for arguments in ((), ("start",), ("frob", folder), ("start", folder, "node2"), ("start", folder + "/none"),
                          ("start", self.parent)):
            self.assertNotEqual(self.run_script(*arguments, status=USAGE).stderr, "")
        self.assertIn("Usage", self.run_script("--help", status=DONE).stdout)
        done = self.run_script("start", folder, status=FAILED, CARTWHEELD="/nowhere/cartwheeld")
        self.assertIn("CARTWHEELD", done.stderr)

    def check_samples(self, name, number):
        folder = self.sample(name)
        files = sorted(os.listdir(folder))
        self.assertEqual(files, ["node%d.cfg" % (i + 1) for i in range(number)])
        for file in files:
            self.assertEqual(harness.run("--check", "--config", os.path.join(folder, file)), (0, "", ""))
        return folder

    def test_three(self):
        folder = self.check_samples("three", 3)
        self.run_script("start", folder, status=DONE)
        self.assertEqual(len(running(folder)), 3)
        out = self.run_script("status", folder, status=DONE).stdout
        self.assertRegex(out, r"healthy: cluster three, 3 of 3 nodes reachable")
        for node, zone in (("node1", "rack-a"), ("node2", "rack-b"), ("node3", "rack-c")):
            self.assertRegex(out, r"\n%s +up +yes +%s +1 +256 " % (node, zone))
        self.run_script("kill", folder, "node2", status=DONE)
        wait_for(lambda: "degraded: " in self.run_script("status", folder, status=FAILED).stdout, "the loss of node2")
        self.run_script("start", folder, status=DONE)
        self.assertIn("healthy: ", self.run_script("status", folder, status=DONE).stdout)
        self.run_script("stop", folder, status=DONE)
        self.assertEqual(running(folder), [])

    def test_five(self):
        folder = self.check_samples("five", 5)
        self.run_script("start", folder, status=DONE)
        out = self.run_script("status", folder, status=DONE).stdout
        self.assertRegex(out, r"healthy: cluster five, 5 of 5 nodes reachable")
        slots = [int(line.split()[5]) for line in out.splitlines() if line.startswith("node") and " up " in line]
        self.assertEqual(sorted(slots), [153, 153, 154, 154, 154], "evenly, for each node has a zone of its own")


if __name__ == "__main__":
    if not os.access(os.path.join(os.path.dirname(harness.program()), "cartwheel"), os.X_OK):
        sys.exit("test_script.py: there is no cartwheel beside " + harness.program())
    harness.main()
