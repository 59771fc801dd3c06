#!/usr/bin/python3
"""test_versions.py - what docs/protocol.md says of versions: contexts, siblings, deletes, put_id, limits on siblings.
The random test follows explicit histories: it knows of each context which writes its holder has seen, and of each key
which writes nobody who had seen them replaced.
"""
import os
import random

import harness

VALUE_BYTES = 64 * 1024
SIBLINGS = 100


class Shared(harness.Case):
    options = {"value": "64KB"}


class Contexts(Shared):
    def test_blind_puts_are_siblings(self):
        key = self.new_key()
        for number in range(10):
            self.put(key, b"%d" % number)
        self.expect_values(key, *(b"%d" % number for number in range(10)))

    def test_get_of_nothing(self):
        reply = self.get(self.new_key())
        self.assertEqual((reply["status"], reply["values"]), ("not_found", []))

    def test_put_replaces_what_its_context_covers(self):
        key = self.new_key()
        first = self.put(key, b"first")
        self.put(key, b"second")
        self.put(key, b"replaces first", context=first)
        both = self.expect_values(key, b"second", b"replaces first")
        self.put(key, b"third")
        self.put(key, b"merged", context=both)
        self.expect_values(key, b"third", b"merged")

    def test_context_of_a_get_covers_all(self):
        key = self.new_key()
        for _ in range(3):
            for number in range(5):
                self.put(key, b"%d" % number)
            self.put(key, b"one", context=self.get(key)["context"])
            self.expect_values(key, b"one")

    def test_chain_of_puts_leaves_one_value(self):
        key = self.new_key()
        context = b""
        for number in range(50):
            context = self.put(key, b"%d" % number, context=context)
        self.expect_values(key, b"49")

    def test_chain_never_removes_anothers_sibling(self):
        key = self.new_key()
        mine, theirs = b"", b""
        for number in range(20):
            mine = self.put(key, b"mine first %d" % number, context=mine)
            mine = self.put(key, b"mine %d" % number, context=mine)  # knows of nothing since but itself
            if number:
                self.expect_values(key, b"mine %d" % number, b"theirs %d" % (number - 1))
            theirs = self.put(key, b"theirs %d" % number, context=theirs)
            self.expect_values(key, b"mine %d" % number, b"theirs %d" % number)
        context = self.delete(key, mine)
        self.expect_values(key, b"theirs 19")
        self.put(key, b"back", context=context)
        self.expect_values(key, b"back", b"theirs 19")

    def test_old_context_leaves_newer_versions(self):
        key = self.new_key()
        old = self.put(key, b"a")
        new = self.put(key, b"b", context=old)
        self.put(key, b"c", context=old)
        self.expect_values(key, b"b", b"c")
        self.put(key, b"d", context=new)
        self.expect_values(key, b"c", b"d")

    def test_context_of_not_found_may_be_put(self):
        key = self.new_key()
        self.put(key, b"v", context=self.get(key)["context"])
        self.expect_values(key, b"v")
        self.delete(key, self.get(key)["context"])
        gone = self.get(key)
        self.assertEqual(gone["status"], "not_found")
        self.put(key, b"again", context=gone["context"])
        self.expect_values(key, b"again")

    def test_empty_context_covers_nothing(self):
        key = self.new_key()
        self.put(key, b"a", context=b"")
        self.put(key, b"b", context=b"")
        self.delete(key, b"")
        self.expect_values(key, b"a", b"b")

    def test_equal_values_are_shown_once(self):
        key = self.new_key()
        one = self.put(key, b"same")
        self.put(key, b"same")
        self.put(key, b"other")
        self.expect_values(key, b"same", b"other")
        self.put(key, b"instead of one", context=one)
        context = self.expect_values(key, b"same", b"other", b"instead of one")
        self.delete(key, context)
        self.expect_values(key)

    def test_contexts_of_another_key(self):
        key, other = self.new_key("a"), self.new_key("b")
        foreign = [self.put(other, b"v"), self.get(other)["context"]]
        foreign.append(self.delete(other, foreign[0]))
        self.put(key, b"v")
        for context in filter(None, foreign):
            self.refused("bad_context", {"op": "put", "key": key, "value": b"x", "context": context})
            self.refused("bad_context", {"op": "delete", "key": key, "context": context})
            self.refused("bad_context", {"op": "get", "key": key, "floor": context})
        self.expect_values(key, b"v")

    def test_damaged_contexts(self):
        key = self.new_key()
        self.put(key, b"a")
        self.put(key, b"b")
        context = self.put(key, b"c")
        damaged = [context[:size] for size in range(1, len(context))]
        damaged += [context + b"\0", context + context, b"\0" + context, bytes(len(context)), b"\xff" * 1000]
        for at in range(len(context)):
            for flip in (0x01, 0x80, 0xff):
                damaged.append(context[:at] + bytes([context[at] ^ flip]) + context[at + 1:])
        for bad in damaged:
            self.refused("bad_context", {"op": "put", "key": key, "value": b"x", "context": bad})
            self.refused("bad_context", {"op": "delete", "key": key, "context": bad})
            self.refused("bad_context", {"op": "get", "key": key, "floor": bad})
        self.expect_values(key, b"a", b"b", b"c")


class Deletes(Shared):
    def test_delete(self):
        key = self.new_key()
        context = self.put(key, b"v")
        reply = self.ok("delete", key=key, context=context)
        self.assertEqual(reply["acks"], 1)
        self.expect_values(key)
        self.ok("delete", key=key, context=context)
        self.expect_values(key)
        self.put(key, b"new")
        self.ok("delete", key=key, context=context)  # late once more: it never saw the new one
        self.expect_values(key, b"new")

    def test_stale_delete_leaves_the_other_item(self):
        key = self.new_key()
        mine = self.put(key, b"mine")
        self.put(key, b"other")
        self.delete(key, mine)
        self.expect_values(key, b"other")

    def test_delete_of_nothing(self):
        key = self.new_key()
        self.delete(key, b"")
        self.delete(key, self.get(key)["context"])
        self.expect_values(key)

    def test_context_of_a_delete(self):
        key = self.new_key()
        context = self.put(key, b"a")
        self.put(key, b"b")
        context = self.delete(key, context)  # has not seen b
        self.put(key, b"c", context=context)
        self.expect_values(key, b"b", b"c")
        context = self.delete(key, self.get(key)["context"])
        self.put(key, b"d", context=context)
        self.expect_values(key, b"d")

    def test_deleted_keys_take_blind_puts(self):
        key = self.new_key()
        for number in range(10):
            context = self.put(key, b"%d" % number)
            self.expect_values(key, b"%d" % number)
            self.delete(key, context)
            self.expect_values(key)


class PutIds(Shared):
    def test_retry_makes_no_second_version(self):
        key, put_id = self.new_key(), os.urandom(16)
        for _ in range(5):
            self.put(key, b"v", put_id=put_id)
        self.assertEqual(self.ok("inspect", key=key)["replicas"][0]["values"], 1)
        self.expect_values(key, b"v")

    def test_retry_with_another_value(self):
        key, put_id = self.new_key(), os.urandom(16)
        self.put(key, b"first", put_id=put_id)
        self.put(key, b"second", put_id=put_id)
        self.expect_values(key, b"first")

    def test_retry_beside_siblings(self):
        key, put_id = self.new_key(), os.urandom(16)
        before = self.put(key, b"a")
        self.put(key, b"mine", context=before, put_id=put_id)
        self.put(key, b"theirs")
        context = self.put(key, b"mine", context=before, put_id=put_id)
        self.expect_values(key, b"mine", b"theirs")
        self.put(key, b"next", context=context)  # the retry's context covers its version, and not theirs
        self.expect_values(key, b"next", b"theirs")

    def test_retry_with_a_context_that_covers_it(self):
        key, put_id = self.new_key(), os.urandom(16)
        context = self.put(key, b"v", put_id=put_id)
        self.put(key, b"w", context=context, put_id=put_id)
        self.expect_values(key, b"v")

    def test_once_replaced_a_put_id_is_free(self):
        key, put_id = self.new_key(), os.urandom(16)
        context = self.put(key, b"v", put_id=put_id)
        self.put(key, b"w", context=context)
        self.put(key, b"late", put_id=put_id)
        self.expect_values(key, b"w", b"late")

    def test_same_put_id_on_another_key(self):
        put_id = os.urandom(16)
        keys = [self.new_key("a"), self.new_key("b")]
        for key in keys:
            self.put(key, key, put_id=put_id)
        for key in keys:
            self.expect_values(key, key)

    def test_put_id_on_a_delete(self):
        key, put_id = self.new_key(), os.urandom(16)
        context = self.put(key, b"v", put_id=put_id)
        self.delete(key, context, put_id=put_id)
        self.delete(key, context, put_id=put_id)
        self.expect_values(key)

    def test_zero_put_id_is_one_too(self):
        key = self.new_key()
        self.put(key, b"a", put_id=bytes(16))
        self.put(key, b"b", put_id=bytes(16))
        self.expect_values(key, b"a")


class Limits(Shared):
    def test_siblings_by_count(self):
        key = self.new_key()
        last, put_id = b"", os.urandom(16)
        first = self.put(key, b"0", put_id=put_id)
        for number in range(1, SIBLINGS):
            last = self.put(key, b"%d" % number)
        for _ in range(2):
            self.refused("too_many_siblings", {"op": "put", "key": key, "value": b"one more"})
        self.refused("too_many_siblings", {"op": "put", "key": key, "value": b"one more", "context": b""})
        every = [b"%d" % number for number in range(SIBLINGS)]
        self.expect_values(key, *every)
        self.put(key, b"retry", put_id=put_id)  # adds nothing
        self.put(key, b"one for one", context=last)
        context = self.expect_values(key, *every[:-1], b"one for one")
        self.delete(key, first)
        self.put(key, b"room for one")
        self.refused("too_many_siblings", {"op": "put", "key": key, "value": b"one more"})
        self.put(key, b"merged", context=context)
        self.expect_values(key, b"merged", b"room for one")

    def test_siblings_by_size(self):
        key = self.new_key()
        contexts = [self.put(key, bytes([number]) * VALUE_BYTES) for number in range(4)]
        for value in (b"x", bytes(VALUE_BYTES)):
            self.refused("too_many_siblings", {"op": "put", "key": key, "value": value})
        self.put(key, b"less", context=contexts[0])
        merged = self.expect_values(key, b"less", *(bytes([number]) * VALUE_BYTES for number in (1, 2, 3)))
        self.put(key, b"merged", context=merged)
        self.expect_values(key, b"merged")


class Floors(Shared):
    def test_floor_that_is_covered(self):
        key = self.new_key()
        empty = self.get(key)["context"]
        old = self.put(key, b"a")
        new = self.put(key, b"b", context=old)
        current = self.get(key)["context"]
        for floor in (b"", empty, old, new, current):
            reply = self.get(key, floor=floor)
            self.assertEqual(reply["values"], [b"b"])
            self.assertIs(reply.get("stale", False), False)
        self.delete(key, current)
        reply = self.get(key, floor=current)
        self.assertEqual((reply["status"], reply.get("stale", False)), ("not_found", False))

    def test_floor_of_the_lost(self):
        """A node of the memory engine forgets at a restart: then a floor is newer than all there is."""
        with harness.Node(engine="memory", settings={"store/engine": "memory"}) as node:
            key = self.new_key()
            floor = node.client.op("put", key=key, value=b"v")["context"]
            node.kill()
            node.start()
            reply = node.client.op("get", key=key, floor=floor)
            self.assertEqual((reply["status"], reply.get("stale")), ("not_found", True))
            node.client.op("put", key=key, value=b"w")
            reply = node.client.op("get", key=key, floor=floor)
            self.assertEqual((reply["status"], reply.get("stale"), reply["values"]), ("ok", True, [b"w"]))
            node.client.op("put", key=key, value=b"x", context=floor)
            reply = node.client.op("get", key=key, floor=floor)
            self.assertEqual((reply.get("stale", False), sorted(reply["values"])), (False, [b"w", b"x"]))


class History:
    """What one key must hold: live writes, and of each context in a client's hands the writes that it has seen."""

    def __init__(self):
        self.live = {}  # write -> value
        self.put_ids = {}  # put_id -> (write, context, seen), while the write lives
        self.contexts = [(b"", frozenset())]

    def drop(self, seen):
        for write in seen & set(self.live):
            del self.live[write]
        self.put_ids = {put_id: made for put_id, made in self.put_ids.items() if made[0] in self.live}


class Histories(Shared):
    STEPS = 1500

    def step(self, rng, key, history, write):
        context, seen = rng.choice(history.contexts)
        kind = rng.random()
        if kind < 0.5:
            value, fields, again = b"%d" % write, {}, None
            if rng.random() < 0.5:
                fields["put_id"] = rng.randbytes(16)
            if history.put_ids and rng.random() < 0.2:  # a retry: the same put_id and context
                fields["put_id"], (again, context, seen) = rng.choice(list(history.put_ids.items()))
            reply = self.put(key, value, context=context, **fields)
            if again is None:
                history.drop(seen)
                history.live[write] = value
                if fields:
                    history.put_ids[fields["put_id"]] = write, context, seen
            history.contexts.append((reply, seen | {write if again is None else again}))
        elif kind < 0.65:
            reply = self.delete(key, context)
            history.drop(seen)
            history.contexts.append((reply, seen))
        else:
            reply = self.expect_values(key, *history.live.values())
            history.contexts.append((reply, frozenset(history.live) | seen))
        if len(history.contexts) > 6:
            history.contexts.pop(rng.randrange(len(history.contexts)))

    def test_random_histories(self):
        seed = int(os.environ.get("SEED", random.randrange(10 ** 9)))
        print("histories: SEED=%d" % seed)
        rng = random.Random(seed)
        keys = {self.new_key(str(number)): History() for number in range(6)}
        for write in range(self.STEPS):
            key = rng.choice(list(keys))
            self.step(rng, key, keys[key], write)
        for key, history in keys.items():
            self.expect_values(key, *history.live.values())


class LastWriteWins(harness.Case):
    options = None

    def test_last_write_wins(self):
        node = harness.Node(settings={"conflict/policy": "last-write-wins"}, start=False)
        self.addCleanup(node.close)
        node.launch()
        harness.wait_for(lambda: not node.alive() or "policy" in node.errors() or self.answers(node), "a start")
        if not node.alive():
            self.assertIn("conflict/policy", node.errors())
            self.skipTest("this version refuses conflict/policy = last-write-wins")
        node.wait_ready()
        self.node, self.client = node, node.client
        key = self.new_key()
        for number in range(5):
            context = self.put(key, b"%d" % number)
            self.expect_values(key, b"%d" % number)
        self.put(key, b"over", context=context)
        context = self.expect_values(key, b"over")
        self.delete(key, context)
        self.expect_values(key)
        self.put(key, b"after")
        self.expect_values(key, b"after")
        node.stop()
        self.node = None

    @staticmethod
    def answers(node):
        client = harness.Client(node.client_endpoint)
        try:
            return client.request({"op": "ping"}, timeout=0.5)
        except harness.NoReply:
            return None
        finally:
            client.close()


if __name__ == "__main__":
    harness.main()
