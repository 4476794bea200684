# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 by hand: frames as bytes, HPACK literals, and a TLS connection that says whatever it is told to.

A library would refuse to send most of what the attacks need, so there is none. Names are those of RFC 9113 and RFC 7541.
"""
import select
import socket
import ssl
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, PADDED, WITH_PRIORITY, ACK = 1, 4, 8, 32, 1
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_STREAMS, INITIAL_WINDOW, MAX_FRAME = 1, 2, 3, 4, 5
FRAME_MAX = 16384


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """`length` may lie."""
    return struct.pack(">I", len(payload) if length is None else length)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", name, value) for name, value in pairs))


def window_update(stream, by):
    return frame(WINDOW_UPDATE, stream=stream, payload=struct.pack(">I", by))


def priority(stream, parent, weight=15, exclusive=False):
    return frame(PRIORITY, stream=stream, payload=struct.pack(">IB", parent | (1 << 31 if exclusive else 0), weight))


def reset(stream, code=8):
    return frame(RST_STREAM, stream=stream, payload=struct.pack(">I", code))


def integer(value, prefix_bits, first=0):
    """RFC 7541 §5.1."""
    most = (1 << prefix_bits) - 1
    if value < most:
        return bytes([first | value])
    out = bytearray([first | most])
    value -= most
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def string(value, length=None):
    return integer(len(value) if length is None else length, 7) + value


def indexed(index):
    return integer(index, 7, 0x80)


def literal(name, value, keep=False):
    """A header by its own name; `keep` puts it into the dynamic table."""
    return (b"\x40" if keep else b"\x00") + string(name) + string(value)


def call_headers(path, token=None, *more):
    """The header block of a gRPC call: POST, https, the path, an authority."""
    block = indexed(3) + indexed(7) + integer(4, 4) + string(path) + integer(1, 4) + string(b"localhost")
    block += literal(b"content-type", b"application/grpc") + literal(b"te", b"trailers")
    if token:
        block += literal(b"authorization", b"Bearer " + token)
    return block + b"".join(more)


def message(body=b"", length=None, flag=0):
    """gRPC's prefix and what stands behind it."""
    return struct.pack(">BI", flag, len(body) if length is None else length) + body


def call(stream, path, token=None, body=b""):
    """A whole unary call."""
    return (frame(HEADERS, END_HEADERS, stream, call_headers(path, token)) +
            frame(DATA, END_STREAM, stream, message(body)))


class Gone(Exception):
    """The other side ended the connection, or takes nothing more: for an attacker that is a defence at work."""


class Link:
    """One connection from an address of the attacker's own; `hello` is what it says first (None: not even TLS)."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])

    def __init__(self, target, hello=PREFACE + settings(), tls=True, timeout_s=2.0):
        try:
            self.socket = socket.create_connection(target.address, timeout_s, source_address=(target.source, 0))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls:
                self.socket = self.context.wrap_socket(self.socket)
        except (OSError, ValueError) as error:
            raise Gone(str(error)) from error
        self.next_stream, self.received = 1, b""
        if tls and hello:
            self.send(hello)

    def stream(self):
        """A new stream's number."""
        self.next_stream += 2
        return self.next_stream - 2

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (OSError, ValueError) as error:
            self.close()
            raise Gone(str(error)) from error

    def drain(self, keep=False):
        """Read what is there, and forget it; `keep` leaves it in self.received."""
        try:
            self.socket.setblocking(False)
            while True:
                data = self.socket.recv(65536)
                if not data:
                    raise Gone("closed")
                if keep:
                    self.received += data
        except (ssl.SSLWantReadError, BlockingIOError):
            self.socket.settimeout(2.0)
        except (OSError, ValueError) as error:
            self.close()
            raise Gone(str(error)) from error

    def frames(self):
        """The whole frames received since: (kind, flags, stream, payload)."""
        self.drain(keep=True)
        out = []
        while len(self.received) >= 9:
            length = int.from_bytes(self.received[:3], "big")
            if len(self.received) < 9 + length:
                break
            kind, flags, stream = struct.unpack(">BBI", self.received[3:9])
            out.append((kind, flags, stream, self.received[9:9 + length]))
            self.received = self.received[9 + length:]
        return out

    def wait(self, seconds):
        """Until there is something to read."""
        return self.socket.pending() > 0 or bool(select.select([self.socket], [], [], seconds)[0])

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass
