"""Makes the seeds `apps*/dialogue` of the application protocols: hand-written dialogues.

Run in this folder: `python3 apps_recipe.py`. Names and addresses are those of documentation. The
form of a dialogue is told in `tests/it/fuzz/apps.rs`.
"""

import base64
import pathlib
import struct


def p16(part):
    return struct.pack(">H", len(part)) + part


def p24(part):
    return struct.pack(">I", len(part))[1:] + part


def ext(kind, body):
    return struct.pack(">H", kind) + p16(body)


def client_hello(name=b"www.example.com"):
    extensions = (
        ext(0x0A0A, b"") + ext(0, p16(b"\0" + p16(name))) + ext(10, p16(b"\x0a\x0a\0\x1d\0\x17"))
        + ext(11, b"\1\0") + ext(13, p16(b"\4\3\x08\4")) + ext(16, p16(b"\2h2\x08http/1.1"))
        + ext(43, b"\4\3\4\3\3")
    )
    body = b"\3\3" + bytes(32) + b"\0" + p16(b"\x13\1\x13\2\xc0\x2f") + b"\1\0" + p16(extensions)
    return b"\1" + p24(body)


def server_hello():
    body = b"\3\3" + bytes(32) + b"\0" + b"\xc0\x2f\0" + p16(ext(16, p16(b"\2h2")))
    return b"\2" + p24(body)


def der(tag, body):
    size = bytes([len(body)]) if len(body) < 128 else b"\x82" + struct.pack(">H", len(body))
    return bytes([tag]) + size + body


def certificate():
    name = der(0x30, der(0x31, der(0x30, der(6, b"\x55\4\3") + der(12, b"www.example.com"))))
    validity = der(0x30, der(23, b"260101000000Z") + der(23, b"270101000000Z"))
    tbs = der(0x30, der(2, b"\5") + der(0x30, b"") + name + validity + name + der(0x30, b""))
    return b"\x0b" + p24(p24(p24(der(0x30, tbs + der(0x30, b"") + der(3, b"\0")))))


def record(kind, body):
    return bytes([kind]) + b"\3\3" + p16(body)


TLS = [
    (0, record(22, client_hello())),
    (1, record(22, server_hello() + certificate()) + record(21, b"\1\0")),
    (0, record(20, b"\1") + record(23, bytes(40))), (1, record(20, b"\1") + record(23, bytes(40))),
]


def lines(*pairs):
    return [(side, text.encode() + b"\r\n") for side, text in pairs]


def b64(text):
    return base64.b64encode(text).decode()


def dns(flags, question, answers=b"", count=0):
    return struct.pack(">HHHHHH", 7, flags, 1, count, 0, 0) + question + answers


QUESTION = b"\3www\7example\3com\0\0\1\0\1"
ANSWER = b"\xc0\x0c\0\5\0\1\0\0\0\x3c" + p16(b"\4host\xc0\x10") + (
    b"\xc0\x2d\0\1\0\1\0\0\0\x3c" + p16(bytes([192, 0, 2, 1])))


def ssh_packet(kind, body):
    payload = bytes([kind]) + body
    pad = 8 - (len(payload) + 5) % 8 + 4
    return struct.pack(">IB", len(payload) + pad + 1, pad) + payload + bytes(pad)


def name_lists():
    lists = [b"curve25519-sha256", b"ssh-ed25519"] + [b"aes128-ctr"] * 2 + [b"hmac-sha2-256"] * 2
    lists += [b"none"] * 2 + [b""] * 2
    return bytes(16) + b"".join(struct.pack(">I", len(x)) + x for x in lists) + bytes(5)


SSH = [
    (0, b"SSH-2.0-OpenSSH_9.9\r\n"), (1, b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    (0, ssh_packet(20, name_lists())), (1, ssh_packet(20, name_lists())),
    (1, ssh_packet(31, struct.pack(">I", 51) + bytes(51)) + ssh_packet(21, b"")),
    (0, ssh_packet(21, b"") + bytes(44)), (1, bytes(44)), (0, bytes(60)), (1, bytes(52)),
    (0, bytes(84)), (1, bytes(52)), (0, bytes(84)), (1, bytes(28)),
]


def mysql_packet(number, body):
    return struct.pack("<I", len(body))[:3] + bytes([number]) + body


def pg(kind, body):
    return kind + struct.pack(">I", len(body) + 4) + body


def ldap(number, operation, body):
    return der(0x30, der(2, bytes([number])) + der(operation, body))


BIND = ldap(1, 0x60, der(2, b"\3") + der(4, b"cn=admin,dc=example,dc=org") + der(0x80, b"secret"))
BOUND = ldap(1, 0x61, der(10, b"\x31") + der(4, b"") + der(4, b""))


def snmp(operation):
    return der(0x30, der(2, b"\1") + der(4, b"public") + der(operation, der(2, b"\1") + der(2, b"\0")))


def dhcp(kind):
    head = bytes([1 if kind in (1, 3) else 2, 1, 6, 0]) + bytes([1, 2, 3, 4]) + bytes(8)
    head += bytes([192, 0, 2, 50]) + bytes(8) + bytes([2, 0, 0, 0, 0, 9]) + bytes(202)
    options = bytes([53, 1, kind, 12, 4]) + b"desk" + bytes([50, 4, 192, 0, 2, 50, 255])
    return head + b"\x63\x82\x53\x63" + options


def ntlm_setup():
    user = "guest".encode("utf-16-le")
    field = struct.pack("<HHI", len(user), len(user), 64)
    return b"NTLMSSP\0\3\0\0\0" + bytes(16) + field * 3 + bytes(12) + user


def smb2(command, status, body):
    head = b"\xfeSMB" + struct.pack("<HHIH", 64, 0, status, command) + bytes(50)
    return struct.pack(">I", len(head + body)) + head + body


MAIL = lines(
    (1, "220 mail.example.org ESMTP"), (0, "EHLO desk.example.com"), (1, "250-mail.example.org"),
    (1, "250 AUTH PLAIN LOGIN"), (0, "AUTH PLAIN " + b64(b"\0user\0secret")), (1, "535 no"),
    (0, "AUTH LOGIN"), (1, "334 VXNlcm5hbWU6"), (0, b64(b"user")), (1, "334 UGFzc3dvcmQ6"),
    (0, b64(b"secret")), (1, "235 yes"), (0, "MAIL FROM:<a@example.com>"), (1, "250 ok"),
    (0, "RCPT TO:<b@example.org>"), (1, "250 ok"), (0, "DATA"), (1, "354 go"),
    (0, "Subject: hello\r\n\r\ntext\r\n."), (1, "250 queued"), (0, "STARTTLS"), (1, "220 go"),
) + TLS

SEEDS = {
    "ssl": TLS,
    "http": lines(
        (0, "GET /a?b=1 HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: test/1\r\n"
            "Authorization: Basic " + b64(b"user:secret") + "\r\n"),
        (1, "HTTP/1.1 401 No\r\nContent-Length: 4\r\n\r\nno"),
        (0, "POST http://www.example.com/c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\nabc\r\n0\r\n"),
        (1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\n"),
        (0, "CONNECT www.example.com:443 HTTP/1.1\r\n"), (1, "HTTP/1.1 200 OK\r\n"),
    ) + TLS,
    "dns": [(0, dns(0x0100, QUESTION)), (1, dns(0x8180, QUESTION, ANSWER, 2))],
    "quic": [(0, b"\xc0\0\0\0\1\x08" + bytes(8) + b"\0\0\x44\xb0" + bytes(1_200))],
    "ssh": SSH,
    "smtp": MAIL,
    "ftp": lines(
        (1, "220-hello"), (1, "220 ready"), (0, "USER guest"), (1, "331 password"),
        (0, "PASS secret"), (1, "530 no"), (0, "USER guest"), (1, "331 password"),
        (0, "PASS other"), (1, "230 yes"), (0, "PASV"), (1, "227 (192,0,2,1,4,5)"),
        (0, "RETR file.txt"), (1, "150 here"), (1, "226 done"), (0, "AUTH TLS"), (1, "234 go"),
    ) + TLS,
    "socks": [
        (0, b"\5\1\2"), (1, b"\5\2"), (0, b"\1\4user\6secret"), (1, b"\1\0"),
        (0, b"\5\1\0\3\x0fwww.example.com\1\xbb"), (1, b"\5\0\0\1\xc0\0\2\1\1\xbb"),
    ] + TLS,
    "pop3": lines(
        (1, "+OK hello"), (0, "USER user"), (1, "+OK"), (0, "PASS secret"), (1, "-ERR no"),
        (0, "AUTH PLAIN"), (1, "+ "), (0, b64(b"\0user\0secret")), (1, "+OK"), (0, "STLS"),
        (1, "+OK go"),
    ) + TLS,
    "imap": lines(
        (1, "* OK hello"), (0, 'a1 LOGIN user "se\\"cret"'), (1, "a1 NO"), (0, "a2 LOGIN {4}"),
        (1, "+ go"), (0, 'user {6}'), (1, "+ go"), (0, "secret"), (1, "a2 OK"),
        (0, "a3 AUTHENTICATE PLAIN"), (1, "+ "), (0, b64(b"\0user\0secret")), (1, "a3 OK"),
        (0, "a4 STARTTLS"), (1, "a4 OK go"),
    ) + TLS,
    "irc": lines(
        (0, "PASS secret"), (0, "NICK guest"), (0, "USER guest 0 * :A guest"),
        (1, ":irc.example.net 001 guest :Welcome"), (0, "JOIN #test"), (0, "STARTTLS"),
        (1, ":irc.example.net 670 guest :go"),
    ) + TLS,
    "telnet": [
        (1, b"\xff\xfd\x18\xff\xfb\1"), (0, b"\xff\xfa\x18\0xterm\xff\xf0"), (1, b"desk login: "),
        (0, b"root\r\n"), (1, b"Password: "), (0, b"secret\r\n"), (1, b"Login incorrect\r\nlogin: "),
        (0, b"root\r\n"), (1, b"Password: "), (0, b"other\r\n"), (1, b"Welcome\r\n# "),
    ],
    "mysql": [
        (1, mysql_packet(0, b"\x0a8.0.36\0" + bytes(40))),
        (0, mysql_packet(1, b"\5\0" + bytes(30) + b"user\0" + bytes(21))),
        (1, mysql_packet(2, b"\xff\x15\4#28000no")),
    ],
    "postgresql": [
        (0, struct.pack(">II", 8, 80877103)), (1, b"N"),
        (0, struct.pack(">II", 37, 196608) + b"user\0user\0database\0shop\0\0\0\0\0\0"),
        (1, pg(b"R", struct.pack(">I", 3))), (0, pg(b"p", b"secret\0")),
        (1, pg(b"E", b"SFATAL\0C28P01\0Mno\0\0")),
    ],
    "redis": [
        (0, b"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n"), (1, b"-WRONGPASS no\r\n"),
        (0, b"*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$3\r\ndir\r\n$4\r\n/tmp\r\n"), (1, b"+OK\r\n"),
        (0, b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n"), (1, b"$3\r\nabc\r\n"),
    ],
    "ldap_tcp": [(0, BIND), (1, BOUND)],
    "ldap_udp": [(0, BIND), (1, BOUND)],
    "snmp": [(0, snmp(0xA0)), (1, snmp(0xA2))],
    "dhcp": [(0, dhcp(1)), (1, dhcp(2)), (0, dhcp(3)), (1, dhcp(5))],
    "rdp": [
        (0, b"\3\0\0\x2a\x25\xe0\0\0\0\0\0Cookie: mstshash=user\r\n\1\0\x08\0\1\0\0\0"),
        (1, b"\3\0\0\x13\x0e\xd0\0\0\0\0\0\2\0\x08\0\1\0\0\0"),
    ] + TLS,
    "xmpp": [
        (0, b"<?xml version='1.0'?><stream:stream to='example.com' xmlns='jabber:client'>"),
        (1, b"<stream:stream from='example.com'><stream:features/>"), (0, b"<starttls/>"),
        (1, b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
    ] + TLS,
    "smb": [
        (0, smb2(0, 0, b"")), (1, smb2(0, 0, b"")), (0, smb2(1, 0, ntlm_setup())),
        (1, smb2(1, 0xC000006D, b"")),
    ],
}


def dialogue(pieces):
    return b"".join(bytes([side]) + p16(piece) for side, piece in pieces)


# A bit of the length that is reserved, once a parser that waited for nothing.
pathlib.Path("apps_smb").mkdir(exist_ok=True)
ODD = [(0, b"\0\2\0\0\xfeSMB" + bytes(8))]
pathlib.Path("apps_smb", "reserved-length").write_bytes(dialogue(ODD))

for service, pieces in SEEDS.items():
    for folder, name in [(f"apps_{service}", "dialogue"), ("apps", service)]:
        pathlib.Path(folder).mkdir(exist_ok=True)
        pathlib.Path(folder, name).write_bytes(dialogue(pieces))
