#!/usr/bin/env python3
"""Writes `capture.pcap` of every case beside it, the same bytes each time. No package is needed.

Addresses are those of RFC 5737 and 3849; checksums are right, so that other tools agree.
"""
import struct
from ipaddress import ip_address
from pathlib import Path

SYN, ACK, FIN, RST, PSH = 2, 16, 1, 4, 8
A, B = "192.0.2.1", "198.51.100.7"
A6, B6 = "2001:db8::1", "2001:db8::7"
MACS = bytes(5) + b"\x01" + bytes(5) + b"\x02"


def summed(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(src, dst, proto, payload, ident=1, more=0, offset=0):
    s, d = ip_address(src), ip_address(dst)
    if s.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), proto, 64) + s.packed + d.packed + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), ident, more << 13 | offset // 8, 64,
                       proto, 0) + s.packed + d.packed
    return head[:10] + struct.pack("!H", summed(head)) + head[12:] + payload


def with_sum(src, dst, proto, segment, at):
    s, d = ip_address(src).packed, ip_address(dst).packed
    pseudo = s + d + struct.pack("!IHBB", len(segment), 0, 0, proto)
    return segment[:at] + struct.pack("!H", summed(pseudo + segment) or 0xFFFF) + segment[at + 2:]


def udp_part(src, sport, dst, dport, data):
    part = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    return with_sum(src, dst, 17, part, 6)


def udp(src, sport, dst, dport, data):
    return ip(src, dst, 17, udp_part(src, sport, dst, dport, data))


def tcp(src, sport, dst, dport, flags, seq, ack=0, data=b""):
    part = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 64240, 0, 0) + data
    return ip(src, dst, 6, with_sum(src, dst, 6, part, 16))


def eth(packet, tag=None):
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
    return MACS + (b"" if tag is None else struct.pack("!HH", 0x8100, tag)) + kind + packet


class Talk:
    """A TCP connection whose sides remember their sequence numbers."""

    def __init__(self, a=A, b=B, sport=40000, dport=80):
        self.ends = {"a": [a, sport, 1000], "b": [b, dport, 5000]}
        self.packets = []

    def say(self, who, flags, data=b"", move=True):
        (src, sport, seq), (dst, dport, ack) = (self.ends[who], self.ends["b" if who == "a" else "a"])
        has_ack = flags & ACK
        self.packets.append(tcp(src, sport, dst, dport, flags, seq, ack if has_ack else 0, data))
        if move:
            self.ends[who][2] += len(data) + (1 if flags & (SYN | FIN) else 0)
        return self

    def open(self):
        return self.say("a", SYN).say("b", SYN | ACK).say("a", ACK)

    def close(self):
        return self.say("a", FIN | ACK).say("b", FIN | ACK).say("a", ACK)


GET = b"GET /a HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: case/1\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
QUERY = b"\x00\x07\x01\x00\x00\x01" + bytes(6) + b"\x03www\x07example\x03org\x00\x00\x01\x00\x01"
ANSWER = (b"\x00\x07\x81\x80\x00\x01\x00\x01" + bytes(4) + QUERY[12:] +
          b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + ip_address(B).packed)


def http(**ends):
    return Talk(**ends).open().say("a", PSH | ACK, GET).say("b", PSH | ACK, OK).close().packets


def half_close():
    talk = Talk().open().say("a", PSH | ACK, GET).say("a", FIN | ACK)
    return talk.say("b", ACK).say("b", PSH | ACK, OK).say("a", ACK).packets


def retransmission():
    talk = Talk().open().say("a", PSH | ACK, GET, move=False).say("a", PSH | ACK, GET)
    return talk.say("b", PSH | ACK, OK, move=False).say("b", PSH | ACK, OK).close().packets


def fragmented():
    part = udp_part(A, 1000, B, 2000, bytes(range(48)))
    return [ip(A, B, 17, part[at:at + 24], 7, int(at + 24 < len(part)), at)
            for at in range(0, len(part), 24)] + [udp(B, 2000, A, 1000, b"got it")]


def vxlan(packet):
    inner = b"\x08\x00\x00\x00\x00\x00\x2a\x00" + eth(packet)
    return udp("203.0.113.1", 50000, "203.0.113.2", 4789, inner)


def smtp():
    talk = Talk(dport=25).open().say("b", PSH | ACK, b"220 mail.example ESMTP\r\n")
    for asked, said in [(b"EHLO case.example\r\n", b"250 mail.example\r\n"),
                        (b"QUIT\r\n", b"221 bye\r\n")]:
        talk.say("a", PSH | ACK, asked).say("b", PSH | ACK, said)
    return talk.close().packets


def ftp():
    talk = Talk(dport=21).open().say("b", PSH | ACK, b"220 ready\r\n")
    for asked, said in [(b"USER anna\r\n", b"331 password\r\n"), (b"PASS no\r\n", b"530 no\r\n")]:
        talk.say("a", PSH | ACK, asked).say("b", PSH | ACK, said)
    return talk.close().packets


CASES = {
    "http": ("HTTP/1.1 in clear, closed by both sides: SF, history with both FINs", http(), {}),
    "ipv6-http": ("The same over IPv6", http(a=A6, b=B6), {}),
    "vlan": ("The same behind a VLAN tag, which is part of the flow", http(), {"tag": 42}),
    "smtp": ("A mail server that speaks first", smtp(), {}),
    "ftp": ("A refused log-in over FTP", ftp(), {}),
    "dns": ("One question, one answer, and one question nobody answers",
            [udp(A, 5300, B, 53, QUERY), udp(B, 53, A, 5300, ANSWER), udp(A, 5301, B, 53, QUERY)], {}),
    "syn-scan": ("Five ports: silent, refused, open and reset by the scanner",
                 [p for port in (21, 23) for p in [tcp(A, 41000, B, port, SYN, 7)]] +
                 [p for port in (25, 110) for p in [tcp(A, 41000, B, port, SYN, 7),
                  tcp(B, port, A, 41000, RST | ACK, 0, 8)]] +
                 [tcp(A, 41000, B, 80, SYN, 7), tcp(B, 80, A, 41000, SYN | ACK, 9, 8),
                  tcp(A, 41000, B, 80, RST, 8)], {}),
    "reset": ("A server that resets after the request: RSTR",
              Talk().open().say("a", PSH | ACK, GET).say("b", RST | ACK).packets, {}),
    "half-close": ("A client that ends its side and is answered all the same: S2", half_close(), {}),
    "retransmission": ("Every payload twice: bytes count once, packets twice", retransmission(), {}),
    "fragmented": ("A datagram in three fragments, and an answer", fragmented(), {}),
    "gre": ("HTTP in GRE: the tunnel and what is in it",
            [ip("203.0.113.1", "203.0.113.2", 47, b"\x00\x00\x08\x00" + p) for p in http()], {}),
    "vxlan": ("HTTP in VXLAN: the tunnel and what is in it", [vxlan(p) for p in http()], {}),
}

for name, (what, packets, options) in CASES.items():
    folder = Path(__file__).parent / name
    folder.mkdir(exist_ok=True)
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    for number, packet in enumerate(packets):
        frame = eth(packet, **options)
        data += struct.pack("<IIII", 1780000000, number * 10000, len(frame), len(frame)) + frame
    (folder / "capture.pcap").write_bytes(data)
    (folder / "README.md").write_text(
        f"# {name}\n\n{what}.\n\nOurs: written by `../recipe.py`. MIT OR Apache-2.0.\n")
