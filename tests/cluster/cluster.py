"""cluster.py - several nodes as one cluster, for black-box tests.

A Cluster makes the configurations of its nodes, starts them in any order, and waits by what the nodes say themselves
until they are one cluster. A ClusterCase is a test case whose tests share one.
"""
import random
import time

import harness
from harness import Client, Node, NoReply, free_endpoints, wait_for

READY_SECONDS = 45
DRAIN_SECONDS = 60
WINDOW = 100  # requests in flight of a bulk reader
DATA_OPS = ("get", "put", "delete", "keys")


def seeds_first(cluster, node):
    """The first node founds at once, since it knows nobody else; the others ask it."""
    return cluster.nodes[0].gossip


def seeds_all(cluster, node):
    """All have one list, and the first of it founds."""
    return " ".join(one.gossip for one in cluster.nodes)


def seeds_own_first(cluster, node):
    """Each would found."""
    return " ".join([node.gossip] + [one.gossip for one in cluster.nodes if one is not node])


def ask(node, seconds=1.0, **fields):
    """The reply of a node, or None where it says nothing. Each call has a connection of its own."""
    client = Client(node.client_endpoint)
    try:
        return client.request(fields, timeout=seconds)
    except NoReply:
        return None
    finally:
        client.close()


class Cluster:
    """`number` nodes, node1 to nodeN; `network` puts each on a host of its own. Other keyword arguments are those of
    Node. As a context manager all nodes that run must end with 0 at the end of the block."""

    def __init__(self, number=3, seeds=seeds_first, network=None, start=True, order=None, settings=None, prefix="node",
                 **options):
        defaults = {"n": min(3, number), "r": min(2, number), "w": min(2, number), "durability": "periodic"}
        self.options = {**defaults, **options}
        self.extra = settings or {}
        self.seeds = seeds
        self.network = network
        self.prefix = prefix
        self.nodes = []
        ports = free_endpoints(4 * number) if network is None else None
        for index in range(number):
            self.add(ports[4 * index:4 * index + 4] if ports else None)
        self.set_seeds()
        if start:
            try:
                self.start(order)
            except BaseException:
                self.close()
                raise

    def add(self, endpoints=None, name=None, **options):
        """One more node, not started and without seeds."""
        index = len(self.nodes)
        host = self.network.hosts[index] if self.network else None
        if host is not None:
            endpoints = ["tcp://%s:%d" % (host.address, port) for port in (7101, 7102, 7103, 7104)]
        merged = {**self.options, **options}
        merged["settings"] = {**self.extra, **options.get("settings", {})}
        node = Node(name=name or "%s%d" % (self.prefix, index + 1), start=False,
                    endpoints=endpoints or free_endpoints(4), host=host, **merged)
        self.nodes.append(node)
        return node

    def set_seeds(self, seeds=None):
        self.seeds = seeds or self.seeds
        for node in self.nodes:
            node.settings["cluster/seeds"] = self.seeds(self, node)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self.stop()
        finally:
            self.close()

    def __getitem__(self, index):
        return self.nodes[index]

    def live(self):
        return [node for node in self.nodes if node.alive()]

    def start(self, order=None):
        """Starts the nodes in this order of indexes, and waits until they are one cluster."""
        chosen = [self.nodes[index] for index in (order if order is not None else range(len(self.nodes)))]
        for node in chosen:
            node.launch()
        return self.wait_ready(chosen)

    def trouble(self, nodes, members=None):
        """Why these nodes are not one cluster of all members, or None. `members`: names, if not those of all nodes."""
        names = set(members or [node.name for node in self.nodes])
        live = {node.name for node in nodes}
        versions = set()
        for node in nodes:
            assert node.alive(), "%s ended\n%s" % (node.name, node.story())
            status = ask(node, op="status", timeout=1000)
            if status is None or status["status"] != "ok":
                return "%s answers %r" % (node.name, status and status["status"])
            found = {member["name"]: member for member in status["members"]}
            if set(found) != names:
                return "%s knows %s" % (node.name, sorted(found))
            for name, member in sorted(found.items()):
                if member["state"] != "up" or member["reachable"] is not (name in live):
                    return "%s says that %s is %s, reachable %s" % (
                        node.name, name, member["state"], member["reachable"])
            if not status["ready"]:
                return "%s is not ready" % node.name
            versions.add(status["version"])
        return None if len(versions) == 1 else "versions differ: %s" % sorted(versions)

    def wait_ready(self, nodes=None, seconds=READY_SECONDS, members=None):
        """Waits until those that run say of all members what is so: who is up, who is reachable, one ring version."""
        limit = time.monotonic() + seconds
        while True:
            why = self.trouble(nodes or self.live(), members)
            if why is None:
                return self
            assert time.monotonic() < limit, "no cluster within %d s: %s\n%s" % (seconds, why, self.story())
            time.sleep(0.05)

    def wait_down(self, node, by=None, seconds=15):
        """Waits until the others call a member unreachable."""
        for other in by or [one for one in self.live() if one is not node]:
            wait_for(lambda: self.reach(other).get(node.name) is False,
                     "%s to miss %s" % (other.name, node.name), seconds)

    def reach(self, node):
        """Of each member whether this node reaches it; nothing where the node is silent."""
        status = ask(node, op="status")
        return {member["name"]: member["reachable"] for member in status["members"]} if status else {}

    def kill(self, nodes=None):
        """SIGKILL to all of them before any is waited for."""
        chosen = [node for node in nodes or self.nodes if node.alive()]
        for node in chosen:
            node.process.kill()
        for node in chosen:
            node.process.wait()

    def stop(self, nodes=None):
        """SIGTERM to all of those that run; each must end with 0."""
        chosen = [node for node in nodes or self.nodes if node.alive()]
        for node in chosen:
            node.resume()
            node.process.terminate()
        for node in chosen:
            node.check_end()

    def close(self):
        for node in self.nodes:
            node.close()

    def story(self):
        return "".join(node.story() for node in self.nodes)

    # ---- what the replicas hold ----

    def hints(self, nodes=None):
        """Hints that the nodes hold, or None where one does not say."""
        replies = [ask(node, op="status") for node in nodes or self.live()]
        return None if None in replies else sum(reply["hints"] for reply in replies)

    def wait_drained(self, seconds=DRAIN_SECONDS):
        """Waits until no node holds a hint."""
        try:
            wait_for(lambda: self.hints() == 0, "hints to be delivered", seconds)
        except AssertionError:
            raise AssertionError("%s hints are left\n%s" % (self.hints(), self.story())) from None

    def bulk(self, node, requests):
        """Many requests to one node, a window of them in flight. Yields (request, reply) as the replies come."""
        client = Client(node.client_endpoint)
        flights, requests, number = {}, iter(requests), 0
        try:
            while True:
                while len(flights) < WINDOW:
                    request = next(requests, None)
                    if request is None:
                        break
                    number += 1
                    flights[number] = request
                    client.send({**request, "id": number})
                if not flights:
                    return
                reply = harness.check_reply(client.receive(), None)
                yield flights.pop(reply["id"]), reply
        finally:
            client.close()

    def unequal(self, keys, node=None):
        """The keys whose owners do not all hold the same state, or for which a hint is left, with what they hold."""
        found = {}
        for request, reply in self.bulk(node or self.live()[0], ({"op": "inspect", "key": key} for key in keys)):
            replicas = reply.get("replicas", [])
            owners = [replica for replica in replicas if replica["role"] == "owner"]
            if reply["status"] != "ok" or len(replicas) != len(owners) or len({one["digest"] for one in owners}) != 1 \
                    or len(owners) != min(self.options["n"], len(self.nodes)) or owners[0]["digest"] is None:
                found[request["key"]] = reply
        return found

    def wait_equal(self, keys, seconds=30):
        """Waits until the owners of each key have equal digests."""
        left = list(keys)
        limit = time.monotonic() + seconds
        while left:
            found = self.unequal(left)
            left = list(found)
            assert not left or time.monotonic() < limit, "%d keys differ, among them %r: %r\n%s" % (
                len(left), left[0], found[left[0]], self.story())
        harness.count["checks"] += 1


class ClusterCase(harness.Case):
    """Tests that share one cluster, made with `shape` (None: none). `self.clients` has one client for each node, and
    `self.client` is the first."""
    options = None
    shape = None
    cluster = None

    @classmethod
    def setUpClass(cls):
        if cls.shape is not None:
            cls.cluster = Cluster(**cls.shape)

    @classmethod
    def tearDownClass(cls):
        cluster, cls.cluster = cls.cluster, None
        if cluster is not None:
            try:
                cluster.stop()
            finally:
                cluster.close()

    def setUp(self):
        self.rng = random.Random(self.id())
        if self.cluster is not None:
            self.clients = [self.client_of(node) for node in self.cluster.nodes]
            self.client = self.clients[0]

    def tearDown(self):
        if self.cluster is not None:
            for node in self.cluster.nodes:
                self.assertTrue(node.alive(), "%s ended" % node.name)

    def shared(self):
        return self.cluster.nodes if self.cluster is not None else []

    def client_of(self, node):
        client = Client(node.client_endpoint)
        self.addCleanup(client.close)
        return client

    def new_cluster(self, *arguments, **options):
        """A cluster of this test alone."""
        cluster = Cluster(*arguments, start=False, **options)
        self.addCleanup(cluster.close)
        return cluster

    def on(self, index):
        """From here on `put`, `get` and the rest go to this node of the shared cluster."""
        self.client = self.clients[index]
        return self
