"""network.py - hosts of a small network on this machine, for tests that cut its wires.

A Host is a network namespace without a name, kept by a process that only waits; a bridge joins them with the namespace
that the test process itself went into. So nothing of this machine's own network is touched, and when the test process
ends all is gone. What one host sends to another is cut by giving it a wrong hardware address for it: the packets leave,
and nobody takes them; the other direction goes on. Needs root, or leave to make a user namespace, and iproute2.
"""
import ctypes
import os
import shutil
import signal
import subprocess

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
NOBODY = "02:00:00:00:00:01"  # a hardware address that no host has
HUB = "10.77.0.254"

libc = ctypes.CDLL(None, use_errno=True)


def _unshare(flags):
    if libc.unshare(flags) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def _follow_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _ip(*words, prepare=None):
    done = subprocess.run(["ip", *words], stdin=subprocess.DEVNULL, capture_output=True, preexec_fn=prepare)
    if done.returncode != 0:
        raise OSError("ip %s: %s" % (" ".join(words), done.stderr.decode("utf-8", "replace").strip()))


def enter():
    """Moves this process into a network of its own, with a bridge. To be called before any thread is made, since a
    thread keeps the network that it began in. Returns None, or why it is not possible."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if shutil.which("ip") is None:
        return "there is no `ip` (iproute2)"
    user, group = os.getuid(), os.getgid()
    try:
        try:
            _unshare(CLONE_NEWNET)
        except PermissionError:
            _unshare(CLONE_NEWUSER | CLONE_NEWNET)
            for name, text in (("setgroups", "deny"), ("uid_map", "0 %d 1" % user), ("gid_map", "0 %d 1" % group)):
                with open("/proc/self/" + name, "w") as file:
                    file.write(text)
    except OSError as error:
        return "no network namespace can be made (%s): be root" % error
    try:
        _ip("link", "set", "lo", "up")
        _ip("link", "add", "hub", "type", "bridge")
        _ip("addr", "add", HUB + "/24", "dev", "hub")
        _ip("link", "set", "hub", "up")
        Network(1).close()  # that hosts can be made is part of the answer
    except OSError as error:
        return "no network can be made: %s" % error
    return None


class Host:
    """One host: its own interfaces, routes and ports."""

    def __init__(self, number):
        self.address = "10.77.0.%d" % number
        self.link = "host%d" % number

        def prepare():
            _follow_parent()
            _unshare(CLONE_NEWNET)
        self.keeper = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, preexec_fn=prepare)
        self.space = os.open("/proc/%d/ns/net" % self.keeper.pid, os.O_RDONLY | os.O_CLOEXEC)
        _ip("link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", str(self.keeper.pid))
        _ip("link", "set", self.link, "master", "hub", "up")
        self.ip("addr", "add", self.address + "/24", "dev", "eth0")
        self.ip("link", "set", "eth0", "up")
        self.ip("link", "set", "lo", "up")

    def enter(self):
        """In a child, before exec: it runs on this host."""
        if libc.setns(self.space, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def ip(self, *words):
        _ip(*words, prepare=self.enter)

    def close(self):
        _ip("link", "delete", self.link)
        os.close(self.space)
        self.keeper.stdin.close()
        self.keeper.wait()


class Network:
    """`number` hosts that reach each other and the test process."""

    def __init__(self, number):
        self.hosts = [Host(index + 1) for index in range(number)]
        self.cuts = set()

    def cut(self, source, target):
        """From here on nothing that the one host sends arrives at the other."""
        source.ip("neigh", "replace", target.address, "lladdr", NOBODY, "nud", "permanent", "dev", "eth0")
        self.cuts.add((source, target))

    def split(self, *groups):
        """Cuts all wires between hosts of different groups, in both directions."""
        for one in groups:
            for other in groups:
                if one is not other:
                    for source in one:
                        for target in other:
                            self.cut(source, target)

    def heal(self):
        for source, target in self.cuts:
            source.ip("neigh", "delete", target.address, "dev", "eth0")
        self.cuts.clear()

    def close(self):
        for host in self.hosts:
            host.close()
        self.hosts = []
