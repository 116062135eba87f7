"""Strangers who listen first and then throw: noise, and what they heard with a few bits changed.

Both run in a thread of one machine (Host.thread), so that they see its wire and speak from it.
"""

import contextlib
import random
import socket
import ssl
import struct
import time

EVERYTHING = 3  # ETH_P_ALL: only so is what leaves the machine heard as well
ETHERTYPE_IP = 0x0800
TCP, UDP = 6, 17


class Heard:
    """What passed a machine's wire: datagrams by their two ends, and the bytes each TCP client sent."""

    def __init__(self):
        self.datagrams = {}  # (source, target): [payload], each end an (address, port)
        self.streams = {}    # (client, server): [payload]

    def listen(self, seconds, most=300):
        with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(EVERYTHING)) as wire:
            wire.settimeout(0.1)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                with contextlib.suppress(TimeoutError):
                    packet, about = wire.recvfrom(65535)
                    if about[1] == ETHERTYPE_IP:
                        self._take(packet, most)

    def _take(self, packet, most):
        header = (packet[0] & 15) * 4
        packet, inside = packet[: struct.unpack("!H", packet[2:4])[0]], packet[9]
        if inside not in (TCP, UDP) or len(packet) < header + 8:
            return
        ports = struct.unpack("!HH", packet[header:header + 4])
        ends = tuple(
            (socket.inet_ntoa(packet[at:at + 4]), port) for at, port in zip((12, 16), ports))
        body = packet[header + (8 if inside == UDP else (packet[header + 12] >> 4) * 4):]
        kept = (self.datagrams if inside == UDP else self.streams).setdefault(ends, [])
        if body and len(kept) < most:
            kept.append(body)

    def to(self, target):
        return [body for ends, all in self.datagrams.items() if ends[1] == target for body in all]

    def said_to(self, server):
        """Whole conversations that clients began with the server."""
        return [all for ends, all in self.streams.items() if ends[1] == server and all]


def mutated(dice, valid):
    """A few bits or bytes of it changed, cut off, doubled or filled up; now and then nothing at all."""
    out = bytearray(valid)
    for _ in range(dice.randrange(4)):
        what, at = dice.randrange(5), dice.randrange(len(out)) if out else 0
        if what == 0 and out:
            out[at] ^= 1 << dice.randrange(8)
        elif what == 1 and out:
            out[at] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))
        elif what == 2:
            del out[at:]
        elif what == 3:
            out[at:at] = out[at:at + dice.randrange(64)]
        else:
            out += dice.randbytes(dice.randrange(200))
    return bytes(out)


def throw_datagrams(target, valid, seconds, seed, source=None, per_second=1500):
    """Half noise, half mutations, to a UDP port. `source`: the (address, port) written as sender."""
    dice, throws = random.Random(seed), 0
    kind = (socket.SOCK_RAW, socket.IPPROTO_RAW) if source else (socket.SOCK_DGRAM, 0)
    with socket.socket(socket.AF_INET, *kind) as out:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            body = mutated(dice, dice.choice(valid)) if valid and throws % 2 else dice.randbytes(
                dice.choice((0, 1, 20, 32, 62, 92, 148, dice.randrange(1400))))
            with contextlib.suppress(OSError):  # too long for one datagram
                out.sendto(_framed(source, target, body) if source else body, target)
            throws += 1
            time.sleep(1 / per_second)
    return throws


def _framed(source, target, body):
    udp = struct.pack("!HHHH", source[1], target[1], 8 + len(body), 0)  # no checksum: allowed in IPv4
    return struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 28 + len(body), 0, 0, 64, UDP, 0, socket.inet_aton(source[0]),
        socket.inet_aton(target[0])) + udp + body


def throw_streams(where, valid, seconds, seed, tls=False):
    """Connections that begin well or not at all: to a (host, port) or to the path of a unix socket.

    `valid` holds conversations, each a list of what a client said in turn; with `tls` they are said
    inside, and every other connection breaks the TLS itself.
    """
    dice, throws = random.Random(seed), 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    family = socket.AF_INET if isinstance(where, tuple) else socket.AF_UNIX
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket(family, socket.SOCK_STREAM) as raw, contextlib.suppress(OSError, ValueError):
            raw.settimeout(0.2)
            raw.connect(where)
            noise = not valid or throws % 3 == 0
            if tls and throws % 2:
                raw.sendall(mutated(dice, _client_hello(context)))
                stream = raw
            else:
                stream = context.wrap_socket(raw) if tls else raw
            for body in [dice.randbytes(dice.randrange(3000))] if noise else dice.choice(valid):
                stream.sendall(body if dice.random() < 0.5 else mutated(dice, body))
                if dice.random() < 0.3:
                    stream.settimeout(0.02)
                    stream.recv(10000)
        throws += 1
    return throws


def hold_streams(target, beginnings, seconds):
    """Connections that begin and then say no more. Returns how many the other side has ended since."""
    with contextlib.ExitStack() as held:
        streams = [held.enter_context(socket.create_connection(target, 5)) for _ in range(60)]
        for at, stream in enumerate(streams):
            stream.sendall(beginnings[at % len(beginnings)])
        time.sleep(seconds)
        ended = 0
        for stream in streams:
            stream.settimeout(0.01)
            with contextlib.suppress(TimeoutError):
                try:
                    while stream.recv(10000):
                        pass
                    ended += 1
                except ConnectionError:
                    ended += 1
        return ended


def _client_hello(context):
    out = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out).do_handshake()
    return out.read()
