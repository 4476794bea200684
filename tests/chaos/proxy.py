# SPDX-License-Identifier: Apache-2.0
"""A bad network between phones and server: a proxy that passes bytes on, and now and then does not.

    proxy = FaultProxy(target, seed)      # target: ("host", port) or the path of a unix socket
    proxy.start()                         # proxy.port: 127.0.0.1, TCP
    proxy.set_faults(True) … proxy.set_faults(False)
    proxy.close()                         # proxy.counts: what was injected, by kind

It knows nothing of gRPC and nothing of TLS: it sees connections and bytes. While faults are on, a connection may have one of
these, at a byte that is drawn beforehand; each counts when it happens, not when it is drawn:

  loss         from here on bytes of both sides are swallowed, or the connection is cut at once (a reset)
  truncate     the first part of what was just sent arrives, then the connection ends: the middle of a frame
  half-open    one side is closed and the other left waiting, or one direction falls silent for good
  delay        what was sent waits, and what comes behind it
  duplicate    everything the phone has sent on this connection is played to the server again, on a connection of its own;
               it counts when the server answered calls of it (inside TLS it cannot: then it never counts)

and besides, every few seconds, swizzle-clog: a random subset of all connections stops, one after the other, and goes on in
another random order (the pattern of FoundationDB's simulator); each connection that stops counts.
"""
import asyncio
import random
import socket
import struct
import threading
from collections import Counter

KINDS = ("loss", "duplicate", "delay", "truncate", "half-open", "swizzle-clog")
ODDS = (("loss", 24), ("duplicate", 22), ("delay", 18), ("truncate", 16), ("half-open", 12))  # of 100; the others go well
FAULT_BYTES_MAX = 9_000   # where in a connection a fault may strike, most often near its begin
CHUNK = 16_384
RECORD_MAX = 4 << 20      # what is kept of a connection, to be played again
HELD_S_MAX = 2.5          # how long a silence lasts


def reset(writer):
    """As when the other side has lost its state: RST and not FIN."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Fault:
    """What will happen to a connection, and where."""

    def __init__(self, chance, passed=0):
        draw, self.kind = chance.randrange(100), None
        for kind, odds in ODDS:
            if draw < odds and not self.kind:
                self.kind = kind
            draw -= odds
        self.upwards = chance.random() < 0.6
        self.at_byte = passed + 1 + int(FAULT_BYTES_MAX * chance.random() ** 3)
        self.keep = chance.random()            # of the chunk that is cut
        self.variant = chance.randrange(3)
        self.seconds = 0.05 + (HELD_S_MAX - 0.05) * chance.random() ** 2

    def strikes(self, upwards, passed, size):
        return self.kind is not None and self.upwards == upwards and passed < self.at_byte <= passed + size


class Link:
    """One connection of a phone and the one behind it."""

    def __init__(self, proxy, phone, server):
        self.proxy, self.phone, self.server = proxy, phone, server  # (reader, writer) each
        self.fault = Fault(proxy.chance) if proxy.faults_on else None
        self.sent, self.over, self.half, self.may_pass = bytearray(), False, False, asyncio.Event()
        self.silent = {True: False, False: False}
        self.may_pass.set()

    async def run(self):
        up = asyncio.create_task(self.pump(self.phone[0], self.server[1], True))
        down = asyncio.create_task(self.pump(self.server[0], self.phone[1], False))
        try:
            await asyncio.wait({up, down}, return_when=asyncio.ALL_COMPLETED)
        finally:
            for task in (up, down):
                task.cancel()
            self.end()

    def end(self):
        self.over = True
        for _, writer in (self.phone, self.server):
            writer.close()

    async def pump(self, reader, writer, upwards):
        passed = 0
        try:
            while not self.over:
                data = await reader.read(CHUNK)
                if not data:
                    break
                await self.may_pass.wait()
                if self.silent[upwards]:
                    continue
                if self.fault and self.fault.strikes(upwards, passed, len(data)):
                    if await self.strike(data, writer, upwards):
                        return
                    self.fault = Fault(self.proxy.chance, passed + len(data)) if self.proxy.faults_on else None
                passed += len(data)
                if upwards and len(self.sent) < RECORD_MAX:
                    self.sent += data
                writer.write(data)
                await writer.drain()
            if not self.half and not writer.is_closing() and writer.can_write_eof():
                writer.write_eof()
        except (ConnectionError, OSError, RuntimeError):
            pass
        finally:
            if upwards and not self.half or self.over:
                self.end()

    # ---- each kind; true: nothing more passes this way ----

    async def strike(self, data, writer, upwards):
        fault, self.fault = self.fault, None
        return await getattr(self, fault.kind.replace("-", "_"))(fault, data, writer, upwards)

    async def loss(self, fault, _data, _writer, _upwards):
        self.proxy.counts["loss"] += 1
        if fault.variant:  # swallowed for a while, as a phone that left its cell; then somebody notices
            self.silent = {True: True, False: True}
            await asyncio.sleep(fault.seconds)
        self.over = True
        reset(self.phone[1])
        reset(self.server[1])
        return True

    async def truncate(self, fault, data, writer, _upwards):
        self.proxy.counts["truncate"] += 1
        writer.write(data[:int(len(data) * fault.keep)])
        await writer.drain()
        if fault.variant == 0:
            reset(self.phone[1])
            reset(self.server[1])
        self.end()
        return True

    async def half_open(self, fault, data, writer, upwards):
        self.proxy.counts["half-open"] += 1
        self.half = True          # no end of one side reaches the other
        if fault.variant == 0:    # the server sees the end, the phone waits
            self.server[1].close()
        elif fault.variant == 1:  # the phone sees the end, the server waits
            writer.write(data)
            self.phone[1].close()
        else:                     # nobody sees anything
            self.silent[upwards] = True
        await asyncio.sleep(2 * fault.seconds)
        self.end()
        return True

    async def delay(self, fault, _data, _writer, _upwards):
        self.proxy.counts["delay"] += 1
        await asyncio.sleep(fault.seconds / 2)
        return False

    async def duplicate(self, fault, data, _writer, upwards):
        again = bytes(self.sent) + (data if upwards else b"")
        asyncio.get_running_loop().create_task(self.proxy.play(again, fault.seconds if fault.variant else 0))
        return False


class FaultProxy:
    def __init__(self, target, seed, tls=False):
        self.target, self.chance, self.tls = target, random.Random(f"proxy {seed}"), tls
        self.counts, self.connections = Counter(), 0
        self.faults_on, self.links, self.recorded = False, set(), []
        self.loop, self.port = asyncio.new_event_loop(), None
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.main, daemon=True)

    def start(self):
        self.thread.start()
        if not self.ready.wait(10):
            raise RuntimeError("the proxy does not listen")

    def set_faults(self, on):
        self.faults_on = on
        if not on:  # what was clogged goes on; faults that were drawn are forgotten
            self.loop.call_soon_threadsafe(self.heal)

    def close(self):
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(10)

    def faults(self):
        return {kind: self.counts[kind] for kind in KINDS}

    # ---- in its own thread ----

    def main(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.listen())
        try:
            self.loop.run_forever()
        finally:
            self.server.close()
            tasks = asyncio.all_tasks(self.loop)
            for task in tasks:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self.loop.close()

    async def listen(self):
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", 0, backlog=512)
        self.port = self.server.sockets[0].getsockname()[1]
        self.loop.create_task(self.swizzle())
        self.ready.set()

    async def connect(self):
        if isinstance(self.target, tuple):
            return await asyncio.open_connection(*self.target)
        return await asyncio.open_unix_connection(self.target)

    async def accept(self, reader, writer):
        self.connections += 1
        try:
            server = await self.connect()
        except OSError:  # nobody is there: the phone is told so
            reset(writer)
            return
        link = Link(self, (reader, writer), server)
        self.links.add(link)
        try:
            await link.run()
        finally:
            self.links.discard(link)
            if len(self.recorded) < 64 and len(link.sent) > 1000:
                self.recorded.append(bytes(link.sent))

    def heal(self):
        for link in self.links:
            link.fault = None
            link.may_pass.set()

    async def swizzle(self):
        """A subset stops one by one, and goes on one by one in another order."""
        while True:
            await asyncio.sleep(1 + 2 * self.chance.random())
            if not self.faults_on or not self.links:
                continue
            links = [link for link in self.links if not link.over]
            chosen = self.chance.sample(links, k=max(1, len(links) // 3)) if links else []
            for link in chosen:
                link.may_pass.clear()
                self.counts["swizzle-clog"] += 1
                await asyncio.sleep(0.02 + 0.1 * self.chance.random())
            await asyncio.sleep(HELD_S_MAX / 2 * self.chance.random())
            for link in self.chance.sample(chosen, k=len(chosen)):
                await asyncio.sleep(0.02 + 0.1 * self.chance.random())
                link.may_pass.set()

    async def play(self, data, after_s=0.0, wait_s=1.0, count=True):
        """What a phone has sent, once more. @return bytes that the server answered"""
        if after_s:
            await asyncio.sleep(after_s)
        answered, writer = 0, None
        try:
            reader, writer = await self.connect()
            writer.write(data)
            await writer.drain()
            while True:
                got = await asyncio.wait_for(reader.read(CHUNK), wait_s)
                if not got:
                    break
                answered += len(got)
        except (OSError, asyncio.TimeoutError):
            pass
        finally:
            if writer:
                writer.close()
        if count and not self.tls and answered > 150:  # more than the preface: it answered calls
            self.counts["duplicate"] += 1
        return answered

    def storm(self, n, seed):
        """Connections that were seen before, n of them, each cut somewhere: what a process must survive without growing."""
        async def all_of_them():
            chance = random.Random(f"storm {seed}")
            for _ in range(0, n, 32):
                pieces = [chance.choice(self.recorded) for _ in range(32)]
                await asyncio.gather(*(self.play(p[:chance.randrange(1, len(p) + 1)], wait_s=0.1, count=False) for p in pieces))
        if self.recorded:
            asyncio.run_coroutine_threadsafe(all_of_them(), self.loop).result(300)
        return bool(self.recorded)
