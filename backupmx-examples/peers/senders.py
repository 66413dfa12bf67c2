"""The parts of senders.sh that bash cannot do: the recording primary, the messages, the smtplib peer, the comparison.

senders.py record DIR            listens on a free loopback port, prints it, stores what it gets as DIR/N.env and DIR/N.eml
senders.py address KIND reverse|forward   prints that path of the messages of KIND
senders.py message KIND PEER     prints the message that PEER sends as KIND
senders.py send KIND PEER SERVER [CAFILE]   sends it by smtplib; SERVER is host:port
senders.py check KIND PEER DIR   says on one line how it arrived; exit code 0 if octet for octet
"""

import asyncio
import pathlib
import re
import smtplib
import ssl
import sys
import time

# kind: reverse-path, forward-path, the protocol that our Received field must name (RFC 3848, RFC 6531)
KINDS = {
    "plain": ("anna@sender.test", "bob@plain.test", "ESMTP"),
    "starttls": ("anna@sender.test", "bob@starttls.test", "ESMTPS"),
    "smtputf8": ("jörg@sender.test", "bjørn@smtputf8.test", "UTF8SMTP"),
}
ARRIVAL_SECONDS = 60


def message(kind, peer):
    reverse, forward, _ = KINDS[kind]
    head = (
        f"From: {reverse}\r\nTo: {forward}\r\nSubject: {kind} from {peer}\r\n"
        f"Date: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{kind}.{peer}@sender.test>\r\nMIME-Version: 1.0\r\n"
    )
    if kind == "smtputf8":
        head += "X-Greeting: Grüße aus Köln\r\n"
    charset = "utf-8" if kind == "smtputf8" else "iso-8859-1"
    head += f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n"
    body = "Grüße aus Köln\r\n.\r\n..two dots\r\n.one dot\r\nblanks at the end \t \r\n\r\n" + "x" * 900 + "\r\nlast line\r\n"
    return head.encode() + b"\r\n" + body.encode(charset)


async def record(directory):
    count = 0

    async def session(reader, writer):
        nonlocal count

        async def say(text):
            writer.write(text.encode() + b"\r\n")
            await writer.drain()

        await say("220 primary.test ESMTP")
        envelope = []
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                await say("250-primary.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 99999999")
            elif verb == b"DATA":
                await say("354 go")
                data = b""
                while (part := await reader.readline()) != b".\r\n":
                    if not part:
                        return
                    data += part[1:] if part.startswith(b".") else part
                count += 1
                (directory / f"{count}.env").write_bytes(b"".join(envelope))
                part = directory / f"{count}.part"
                part.write_bytes(data)
                part.rename(directory / f"{count}.eml")
                await say("250 2.0.0 recorded")
            elif verb == b"QUIT":
                await say("221 bye")
                break
            else:
                if verb in (b"MAIL", b"RSET"):
                    envelope = []
                if verb in (b"MAIL", b"RCPT"):
                    envelope.append(line)
                await say("250 ok")
        writer.close()

    server = await asyncio.start_server(session, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def send(kind, peer, server, cafile=None):
    """MAIL, RCPT and DATA as smtplib has them; the bytes of the message are sent as they are."""
    reverse, forward, _ = KINDS[kind]
    host, port = server.rsplit(":", 1)
    with smtplib.SMTP(host, int(port), local_hostname="client.sender.test", timeout=30) as smtp:
        smtp.ehlo()
        if cafile:
            smtp.starttls(context=ssl.create_default_context(cafile=cafile))
        options = ["BODY=8BITMIME"] + (["SMTPUTF8"] if kind == "smtputf8" else [])
        smtp.sendmail(reverse, [forward], message(kind, peer), mail_options=options)


def fields(head):
    """Names of header fields, first to last; None if a line is no part of one."""
    names = []
    for line in head.split(b"\r\n")[:-1]:
        if line[:1] in (b" ", b"\t") and names:
            continue
        name = re.match(rb"([!-9;-~]+):", line)
        if not name:
            return None
        names.append(name[1].decode())
    return names


def check(kind, peer, directory):
    reverse, forward, protocol = KINDS[kind]
    wanted = f"\r\nMessage-ID: <{kind}.{peer}@sender.test>\r\n".encode()
    deadline = time.monotonic() + ARRIVAL_SECONDS
    while not (found := [f for f in directory.glob("*.eml") if wanted.lower() in f.read_bytes().lower()]):
        if time.monotonic() > deadline:
            return False, f"nothing arrived within {ARRIVAL_SECONDS} s"
        time.sleep(0.1)
    if len(found) > 1:
        return False, f"arrived {len(found)} times"
    envelope = found[0].with_suffix(".env").read_bytes()
    if f"<{reverse}>".encode() not in envelope or f"TO:<{forward}>".encode() not in envelope:
        return False, f"envelope is {envelope!r}"
    if (b" SMTPUTF8" in envelope) != (kind == "smtputf8"):
        return False, f"envelope is {envelope!r}"
    data = found[0].read_bytes()
    ours = re.match(rb"Received: .*?\r\n(?![ \t])", data, re.S)
    said = ours and re.search(rb"by mx2\.example\.net with (\S+)", ours[0])
    if not said:
        return False, "our Received field is not on top"
    if said[1].decode() != protocol:
        return False, f"came by {said[1].decode()}, expected {protocol}"
    rest, sent = data[ours.end() :], message(kind, peer)
    if not rest.endswith(sent):
        return False, "changed: " + difference(rest, sent)
    added = fields(rest[: -len(sent)]) if rest != sent else []
    if added is None:
        return False, "something that is no header field stands above the message"
    return True, "exact" + (f", below its {' and '.join(added)}" if added else "")


def difference(rest, sent):
    """What the first differing line is, read from the end, so that fields on top do not matter."""
    for came, went in zip(reversed(rest.split(b"\r\n")), reversed(sent.split(b"\r\n"))):
        if came != went:
            return f"{came[:60]!r} for {went[:60]!r}"
    return f"{len(rest)} octets for {len(sent)}"


def main(verb, *args):
    if verb == "record":
        asyncio.run(record(pathlib.Path(args[0])))
    elif verb == "message":
        sys.stdout.buffer.write(message(*args))
    elif verb == "address":
        print(KINDS[args[0]][{"reverse": 0, "forward": 1}[args[1]]])
    elif verb == "send":
        send(*args)
    elif verb == "check":
        good, text = check(args[0], args[1], pathlib.Path(args[2]))
        print(text)
        return 0 if good else 1
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
