"""hostile.py - tables of requests that no client should send, each with what the contract says of it.

An Attack is the bytes of one request body, the statuses that may answer it, the field that the message must name
(None: none is promised), and the id that the reply repeats (None: it may or may not; ABSENT: it must not).
"""
import collections
import random

import msgpack

from harness import ABSENT, STATUSES, Raw, pack, pack_map

Attack = collections.namedtuple("Attack", "name body statuses field identity")
Target = collections.namedtuple("Target", "key context foreign value_bytes partitions")
"""What attacks aim at: a key, a context of it, one of another key, limits/value, cluster/partitions."""

ID = 7
KEY_BYTES = 1024
BAD = frozenset(("bad_request",))
ANY = STATUSES
NAN = float("nan")

WRONG = {
    "nil": None, "true": True, "int": 7, "negative": -1, "huge": 2 ** 64 - 1, "least": -2 ** 63, "float": 1.5,
    "whole float": 1.0, "NaN": NAN, "infinity": float("inf"), "single float": Raw(b"\xca\x3f\x80\x00\x00"),
    "str": "text", "invalid str": Raw(b"\xa2\xff\xfe"), "bin": b"bytes", "array": [], "full array": [1, "a", b"b"],
    "map": {}, "full map": {"a": 1}, "ext": msgpack.ExtType(5, b"abcd"), "timestamp": Raw(b"\xd6\xff" + bytes(4)),
    "deep": [[[[[[]]]]]],
}
TEXTS = {"str", "invalid str", "bin"}
INTS = {"int"}
RIGHT = {
    "op": {"str", "invalid str"}, "id": {"int", "negative", "huge", "least", "str", "invalid str", "bin"},
    "timeout": INTS, "key": TEXTS, "value": TEXTS, "context": {"bin"}, "floor": {"bin"}, "put_id": set(),
    "r": set(), "w": set(), "strict": {"true"}, "explain": {"true"}, "partition": INTS, "after": {"bin"},
    "limit": INTS,
}
OPTIONAL = {
    "ping": (), "get": ("r", "strict", "floor", "explain"), "put": ("context", "w", "strict", "put_id", "explain"),
    "delete": ("w", "strict", "put_id", "explain"), "keys": ("after", "limit"), "inspect": (), "ring": (),
    "status": (), "stats": (),
}


def bases(target):
    """Of each op the fields that it must have, all right."""
    return {"ping": {}, "get": {"key": target.key}, "put": {"key": target.key, "value": b"v"},
            "delete": {"key": target.key, "context": target.context}, "keys": {"partition": 0},
            "inspect": {"key": target.key}, "ring": {}, "status": {}, "stats": {}}


def full_put(target):
    """A put with every field it may have, the ints wide."""
    return pack_map([
        ("op", "put"), ("id", b"identity"), ("timeout", Raw(b"\xcf" + (20000).to_bytes(8, "big"))),
        ("key", target.key), ("value", b"value"), ("context", target.context), ("w", Raw(b"\xd3" + bytes(7) + b"\1")),
        ("strict", True), ("put_id", bytes(range(16))), ("explain", False)])


def not_messagepack(target):
    yield Attack("empty body", b"", BAD, None, None)
    for byte in range(256):
        yield Attack("one byte %02x" % byte, bytes([byte]), BAD, None, None)
    for name, body in (("HTTP", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ("JSON", b'{"op": "ping"}'),
                       ("zeros", bytes(1000)), ("ones", b"\xff" * 1000), ("reserved", b"\xc1" * 100)):
        yield Attack(name, body, BAD, None, None)
    rng = random.Random(1)
    for size in (2, 3, 5, 10, 100, 1000, 10000, 60000):
        body = b"\xc1" + rng.randbytes(size)
        yield Attack("%d random bytes" % size, body, BAD, None, None)
    ping = pack({"op": "ping", "id": ID})
    for tail in (b"\0", b"\xc0", b"\xc1", b"\x80", ping, bytes(1000)):
        yield Attack("ping and %d bytes behind" % len(tail), ping + tail, BAD, None, None)
    for value in (None, True, 5, -5, 1.5, "op", b"op", [], ["op", "ping"], [{"op": "ping"}]):
        yield Attack("no map but %r" % (value,), pack(value), BAD, None, None)


def cut_short(target):
    for name, body in (("put", full_put(target)), ("get", pack({"op": "get", "key": target.key, "r": 1})),
                       ("keys", pack({"op": "keys", "partition": 1, "limit": 1000})),
                       ("ping", pack({"op": "ping", "id": "x" * 64}))):
        for size in range(len(body)):
            yield Attack("%s cut at %d" % (name, size), body[:size], BAD, None, None)


def nested(target):
    for depth in (8, 9, 10, 31, 32, 33, 64, 100, 1000, 60000):
        arrays = Raw(b"\x91" * (depth - 1) + b"\x90")
        maps = Raw(b"\x81\xa1a" * (depth - 1) + b"\x80")
        unclosed = Raw(b"\x91" * depth)
        for name, value in (("arrays", arrays), ("maps", maps), ("unclosed arrays", unclosed)):
            yield Attack("%d %s" % (depth, name), bytes(value), BAD, None, None)
            yield Attack("%d %s in an unknown field" % (depth, name),
                         pack_map([("op", "ping"), ("x", value)]), BAD, None, None)
            yield Attack("%d %s as key" % (depth, name), pack_map([("op", "get"), ("key", value)]), BAD, None, None)
            yield Attack("%d %s as id" % (depth, name), pack_map([("op", "ping"), ("id", value)]), BAD, None, None)
            yield Attack("%d %s as a name" % (depth, name), pack_map([("op", "ping"), (value, 1)]), BAD, None, None)


GIANT_KINDS = {"str8": 0xd9, "str16": 0xda, "str32": 0xdb, "bin8": 0xc4, "bin16": 0xc5, "bin32": 0xc6,
               "array16": 0xdc, "array32": 0xdd, "map16": 0xde, "map32": 0xdf, "ext8": 0xc7, "ext16": 0xc8,
               "ext32": 0xc9}


def giant_lengths(target):
    for kind, code in GIANT_KINDS.items():
        bits = int(kind.lstrip("abcdefghijklmnopqrstuvwxyz"))
        top = 2 ** bits
        for length in sorted({top - 1, top - 2, top // 2, top // 2 + 1, top // 16, 200}):
            value = Raw(bytes([code]) + length.to_bytes(bits // 8, "big") + b"\1\2\3")
            what = "%s of %d" % (kind, length)
            yield Attack(what, bytes(value), BAD, None, None)
            yield Attack(what + " as key", pack_map([("op", "get"), ("key", value)]), BAD, None, None)
            yield Attack(what + " as value", pack_map([("op", "put"), ("key", b"k"), ("value", value)]), BAD, None,
                         None)
            yield Attack(what + " as id", pack_map([("op", "ping"), ("id", value)]), BAD, None, None)
            yield Attack(what + " as a name", pack_map([("op", "ping"), (value, 1)]), BAD, None, None)
    for code in (0xd4, 0xd5, 0xd6, 0xd7, 0xd8):
        yield Attack("fixext %02x cut short" % code, pack_map([("op", "get"), ("key", Raw([code, 1]))]), BAD, None,
                     None)
    many = 1_000_000
    nils = Raw(b"\xdd" + many.to_bytes(4, "big") + b"\xc0" * many)
    pairs = Raw(b"\xdf" + (many // 2).to_bytes(4, "big") + b"\xc0" * many)
    yield Attack("a million nils", bytes(nils), BAD, None, None)
    yield Attack("half a million pairs of nils", bytes(pairs), BAD, None, None)
    yield Attack("a million nils as value", pack_map([("op", "put"), ("key", b"k"), ("value", nils)]), BAD, None, None)
    yield Attack("a million nested arrays", b"\x91" * many, BAD, None, None)
    yield Attack("half a million empty names", b"\xdf" + (many // 2).to_bytes(4, "big") + b"\xa0\x01" * (many // 2),
                 BAD, None, None)


def wrong_types(target):
    """Each field of each op with each wrong type, between right fields, the id before or behind."""
    for op, base in bases(target).items():
        for field in ("op", "id", "timeout", *base, *OPTIONAL[op]):
            for kind, value in WRONG.items():
                if kind in RIGHT[field]:
                    continue
                pairs = [("op", op)] + list({**base, field: value}.items())
                pairs = [pair for pair in pairs if pair[0] != field] + [(field, value)]
                if field != "id":
                    pairs.insert(0 if len(kind) % 2 else len(pairs), ("id", ID))
                yield Attack("%s with %s of %s" % (op, field, kind), pack_map(pairs), BAD, field,
                             ABSENT if field == "id" else ID)


def fields(target):
    """Missing, foreign, unknown and doubled fields, and strange names."""
    names = {name for op in OPTIONAL for name in OPTIONAL[op]} | {"key", "value", "partition", "context"}
    samples = {"key": target.key, "value": b"v", "context": target.context, "floor": target.context, "r": 1, "w": 1,
               "strict": True, "explain": True, "put_id": bytes(16), "partition": 0, "after": b"", "limit": 10}
    for op, base in bases(target).items():
        for field in base:
            body = pack({"op": op, "id": ID, **{name: value for name, value in base.items() if name != field}})
            yield Attack("%s without %s" % (op, field), body, BAD, field, ID)
        for field in sorted(names - set(base) - set(OPTIONAL[op])):
            yield Attack("%s with the foreign field %s" % (op, field),
                         pack({"op": op, "id": ID, **base, field: samples[field]}), BAD, field, ID)
        for field in ("colour", "Key", "OP", "status", "key ", "_"):
            yield Attack("%s with the unknown field %s" % (op, field),
                         pack({"op": op, **base, field: 1, "id": ID}), BAD, field, ID)
        for field, value in (("op", op), ("timeout", 1000), *base.items(),
                             *((name, samples[name]) for name in OPTIONAL[op])):
            others = [(name, other) for name, other in {"op": op, **base}.items() if name != field]
            yield Attack("%s with %s twice" % (op, field),
                         pack_map([(field, value), *others, ("id", ID), (field, value)]), BAD, None, ID)
        yield Attack("%s with two ids" % op, pack_map([("op", op), ("id", 1), *base.items(), ("id", 1)]), BAD, None,
                     None)
        for name, text in (("empty", ""), ("64 KB", "n" * 65536), ("NUL", "\0"), ("op and NUL", "op\0"),
                           ("newline", "a\nb"), ("format", "%s%n%1000000d"), ("256 bytes", "k" * 256),
                           ("1 MB", "n" * 1_000_000)):
            yield Attack("%s with a name: %s" % (op, name), pack_map([("op", op), *base.items(), (text, 1),
                                                                      ("id", ID)]), BAD, None, None)
        for name in (Raw(b"\xa2\xff\xfe"), Raw(b"\xa3k\xc3y"), Raw(pack(b"key")), 1, None, NAN, [], {}):
            yield Attack("%s with the name %r" % (op, name),
                         pack_map([("op", op), *base.items(), (Raw(pack(name)), 1), ("id", ID)]), BAD, None, None)
    for text in ("", "none", "GET", "get\0", "x" * 256, "x" * 65536, "x" * 1_000_000, "%s%n", "pin", "pingg"):
        yield Attack("op %.20r" % text, pack({"op": text, "id": ID}), BAD, None, ID)
    for text in (b"\xff", b"pin\xe7", b"\xed\xa0\x80"):
        yield Attack("op of invalid UTF-8 %r" % text,
                     pack_map([("op", Raw(bytes([0xa0 + len(text)]) + text)), ("id", ID)]), BAD, None, ID)
    yield Attack("an empty map", b"\x80", BAD, "op", ABSENT)
    yield Attack("no op", pack({"id": ID, "key": b"k"}), BAD, None, ID)


def sizes(target):
    """One past each limit, and far past."""
    for op, base in bases(target).items():
        if "key" in base:
            for size in (KEY_BYTES + 1, 2 * KEY_BYTES, 65535, 65536, target.value_bytes * 2):
                body = pack({"op": op, **base, "key": bytes(size), "id": ID})
                yield Attack("%s of a key of %d" % (op, size), body, {"too_large"}, None, ID)
            for key in (b"", ""):
                yield Attack("%s of the empty key" % op, pack({"op": op, **base, "key": key, "id": ID}), BAD, "key", ID)
        for identity in ("x" * 65, b"x" * 65, "x" * 65536):
            yield Attack("%s with an id of %d" % (op, len(identity)), pack({"op": op, **base, "id": identity}), BAD,
                         "id", ABSENT)
        for timeout in (0, 20001, -1, 2 ** 31, 2 ** 32 + 1, 2 ** 63, 2 ** 64 - 1):
            yield Attack("%s with timeout %d" % (op, timeout), pack({"op": op, **base, "timeout": timeout, "id": ID}),
                         BAD, "timeout", ID)
    for size in (target.value_bytes + 1, target.value_bytes * 2, target.value_bytes + 1_000_000):
        yield Attack("a value of %d" % size, pack({"op": "put", "key": target.key, "value": bytes(size), "id": ID}),
                     {"too_large"}, None, ID)
    for op, field in (("get", "r"), ("put", "w"), ("delete", "w")):
        for number in (0, -1, 2, 8, 256, 257, 2 ** 16 + 1, 2 ** 32 + 1, 2 ** 63 + 1, 2 ** 64 - 1):
            yield Attack("%s with %s = %d" % (op, field, number),
                         pack({"op": op, **bases(target)[op], field: number, "id": ID}), BAD, field, ID)
    for number in (-1, target.partitions, 65535, 65536, 2 ** 32, 2 ** 64 - 1):
        yield Attack("partition %d" % number, pack({"op": "keys", "partition": number, "id": ID}), BAD, "partition", ID)
    for number in (0, -1, 10001, 65537, 2 ** 32 + 1, 2 ** 64 - 1):
        yield Attack("limit %d" % number, pack({"op": "keys", "partition": 0, "limit": number, "id": ID}), BAD, "limit",
                     ID)
    for size in (0, 1, 15, 17, 32, 65536):
        for op in ("put", "delete"):
            yield Attack("%s with a put_id of %d" % (op, size),
                         pack({"op": op, **bases(target)[op], "put_id": bytes(size), "id": ID}), BAD, "put_id", ID)
    for after in (b"x", bytes(8), b"\xff" * 100, bytes(2000), bytes(100_000)):
        yield Attack("after of %d strange bytes" % len(after),
                     pack({"op": "keys", "partition": 0, "after": after, "id": ID}), {"ok", "bad_request"}, None, ID)


def contexts(target):
    """Damaged contexts, and those of another key, wherever a context goes."""
    context = target.context
    damaged = {"foreign": target.foreign, "ones": b"\xff" * len(context), "zeros": bytes(len(context)),
               "doubled": context * 2, "100 KB": bytes(100_000), "a giant": b"\xdd\xff\xff\xff\xff",
               "behind": context + b"\0", "a nest": b"\x91" * 5000}
    damaged.update({"cut at %d" % size: context[:size] for size in range(1, len(context))})
    for at in range(len(context)):
        flipped = bytes([context[at] ^ 1 << at % 8])
        damaged["flipped at %d" % at] = context[:at] + flipped + context[at + 1:]
    rng = random.Random(2)
    damaged.update({"random %d" % size: rng.randbytes(size) for size in (1, 8, 16, 24, 32, 64, 1000)})
    for name, bad in damaged.items():
        for op, field in (("put", "context"), ("delete", "context"), ("get", "floor")):
            yield Attack("%s with a context %s" % (op, name),
                         pack({"op": op, **bases(target)[op], field: bad, "id": ID}), {"bad_context"}, None, ID)


def mutations(target, number=600):
    """Right requests with a few bytes changed, cut out or put in: any status will do, a crash will not."""
    rng = random.Random(3)
    seeds = [full_put(target)] + [pack({"op": op, **base, "id": ID}) for op, base in bases(target).items()]
    for count in range(number):
        body = bytearray(rng.choice(seeds))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(body))
            kind = rng.random()
            if kind < 0.6:
                body[at] = rng.randrange(256)
            elif kind < 0.8:
                del body[at:at + rng.randint(1, 4)]
            else:
                body[at:at] = rng.randbytes(rng.randint(1, 4))
            body = body or bytearray(b"\x80")
        yield Attack("mutation %d" % count, bytes(body), ANY, None, None)


TABLES = (not_messagepack, cut_short, nested, giant_lengths, wrong_types, fields, sizes, contexts, mutations)
