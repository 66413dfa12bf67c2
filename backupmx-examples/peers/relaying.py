#!/usr/bin/python3
"""Relays kept mail to Debian's Postfix and Exim as primaries, on good days and bad ones, and says how each day ended.

relaying.py [--only SCENARIO]... [--messages N] [--exim FILE] [--keep] JAR    JAR is backupmx-server.jar

Needs Linux, root, Java 17, openssl and Postfix, which it does not install. Exim is the one in PATH or FILE (an unpacked one
will do); without either it is fetched by apt-get and unpacked, not installed. Both have configuration, queue and mail of their
own, on ports of 127.0.0.1.

drain     N messages (2,000) are kept while the primary is down; once it is up each arrives once, octet for octet below our
          Received field. Postfix, Exim
restart   the same, and the primary is killed (SIGKILL) when a quarter has arrived, and started again 3 s later: nothing is lost,
          a duplicate is one whose 250 we never heard, or one that the primary made itself. Postfix, Exim
map       1,000 are kept, and Postfix comes back with an empty map of recipients: nothing fails, at most 8 are refused before the
          breaker opens; the map returns, and all arrive without an operator. Takes more than 10 min
greylist  Postfix greylists by a policy server: those who are told 20 s are tried again after them, those who are told nothing
          after 5 min (the retry schedule says 1 h), others are not held up, and the primary stays UP. Takes more than 5 min
size      message_size_limit is 100,000, ours is 60 MB: what is larger is refused by 552 5.3.4 when it is offered, nothing
          bounces. Postfix, Exim
tls       Postfix with a self-signed certificate, and one without TLS, under each TLS policy: what must be encrypted, or known,
          is, or waits with a reason; a policy server hears of each recipient whether it came encrypted

map and greylist run beside the others, as they mostly wait. --only may be given several times; --keep leaves the directory
with all logs. Prints a table in Markdown.

Exit code: 0 if all passed; 1 if not; 2 if something is missing.
"""

import argparse
import collections
import contextlib
import datetime
import os
import pathlib
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

import smuggling
from smuggling import Exim, EximProgram, Postfix, listens

smuggling.SECONDS = 180
INTERRUPTED = threading.Event()
OURS = "mx2.example.net"
REVERSE = "anna@sender.test"
BODY = "Grüße aus Köln\r\n.\r\n..two dots\r\n.one dot\r\nblanks at the end \t \r\n\r\n" + "x" * 900 + "\r\nlast line\r\n"


class Failure(Exception):
    """A scenario did not end as it should."""


def wait(what, condition, seconds=180):
    deadline = time.monotonic() + seconds
    while not condition():
        if INTERRUPTED.is_set():
            raise Failure(f"{what}: interrupted")
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def expect(condition, text):
    if not condition:
        raise Failure(text)


class Server:
    """The reference server with the given domains (a dict of YAML values) and further lines of configuration."""

    def __init__(self, context, domains, more="probe: {up: 8m, down: 1s}\n"):
        work = context.directory("server")
        self.log = work / "server.log"
        lines = "".join(f"  {name}: {value}\n" for name, value in domains.items())
        config = f'hostname: {OURS}\nlisten: ["127.0.0.1:0"]\nspool: {work}/spool\n{more}domains:\n{lines}'
        (work / "server.yaml").write_text(config)
        with open(self.log, "wb") as out:
            command = ["java", "-jar", context.jar, "serve", "--config", work / "server.yaml"]
            self.process = subprocess.Popen(command, stdout=out, stderr=out)
        context.ends.callback(self.stop)
        wait("the server's start", lambda: "listening on " in self.text() or self.process.poll() is not None)
        expect(self.process.poll() is None, self.text().strip())
        self.port = int(self.text().split("listening on ")[1].split()[0].rsplit(":", 1)[1])

    def text(self):
        return self.log.read_text(errors="replace")

    def events(self, what):
        """Each line of that event as a dict of its values; "at" is its time."""
        found = []
        for line in self.text().splitlines(keepends=True):
            head = re.match(r"(\S+Z) \S+ +" + re.escape(what) + "( |$)", line)
            if head and line.endswith("\n"):
                event = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', line))
                found.append(event | {"at": instant(head[1])})
        return found

    def count(self, what):
        return len(self.events(what))

    def given_up(self):
        """Lines that say that mail was not delivered, or that somebody was told so."""
        words = ("recipient failed", "recipient expired", "message held as dead letter, nobody told")
        return sum(self.count(word) for word in words)

    def is_up(self):
        changes = self.events("primary changed")
        return bool(changes) and changes[-1]["to"] == "UP"

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def message(number, recipient, size=0):
    head = (
        f"From: {REVERSE}\r\nTo: {recipient}\r\nSubject: {number}\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n"
        f"Message-ID: <{number}@sender.test>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    text = (head + BODY).encode("iso-8859-1")
    return text + (b"y" * 70 + b"\r\n") * max(0, (size - len(text)) // 72)


class Client:
    """One SMTP session; EHLO is said."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.replies = self.socket.makefile("rb")
        self.reply()
        self.say("EHLO client.test")

    def reply(self):
        while True:
            line = self.replies.readline()
            expect(line, "the server closed the connection of a client")
            if line[3:4] != b"-":
                return line.decode().strip()

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def send(self, recipient, data, parameters=""):
        """Returns the last reply that counts: the first refusal, else that to the mail data."""
        for line, good in ((f"MAIL FROM:<{REVERSE}>{parameters}", "250"), (f"RCPT TO:<{recipient}>", "250"), ("DATA", "354")):
            reply = self.say(line)
            if not reply.startswith(good):
                self.say("RSET")
                return reply
        self.socket.sendall(re.sub(rb"(?m)^\.", b"..", data) + b".\r\n")
        return self.reply()

    def close(self):
        with contextlib.suppress(OSError, Failure):
            self.say("QUIT")
        self.socket.close()


def keep(server, recipients):
    """Gives the server a message for each recipient, by four clients at a time; returns number: octets of all."""
    sent = {str(i): (recipient, message(i, recipient)) for i, recipient in enumerate(recipients, 1)}
    numbers, refused = collections.deque(sent), []

    def client():
        session = Client(server.port)
        with contextlib.suppress(IndexError):
            while True:
                recipient, data = sent[numbers.popleft()]
                reply = session.send(recipient, data)
                if not reply.startswith("250"):
                    refused.append(reply)
        session.close()

    clients = [threading.Thread(target=client) for _ in range(4)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    expect(not refused and not numbers, f"{len(refused)} of {len(sent)} were refused at intake: {refused[:1]}")
    return {number: data for number, (_, data) in sent.items()}


class Mail:
    """The maildir of a primary, each file read once."""

    def __init__(self, primary):
        self.new = primary.work / "mail" / ("all/new" if primary.name == "Postfix" else "new")
        self.seen = {}

    def read(self):
        """(number, the primary's queue identity, octets below our Received field) of each file."""
        if self.new.is_dir():
            for file in self.new.iterdir():
                if file.name not in self.seen:
                    self.seen[file.name] = self.one(file.read_bytes())
        return list(self.seen.values())

    @staticmethod
    def one(data):
        fields = [(m.start(), m.end(), m[0]) for m in re.finditer(rb"Received:.*?\n(?![ \t])", data, re.S)]
        ours = next((end for _, end, field in fields if b"by " + OURS.encode() in field), 0)
        below = data[ours:].replace(b"\r\n", b"\n")
        number = re.search(rb"^Message-ID: <(\d+)@sender\.test>", below, re.M)
        queue = re.search(rb"\bid\s+(\S+?);?\s", fields[0][2]) if fields else None
        tls = bool(fields) and re.search(rb"using (TLS\S+)", fields[0][2])
        return number[1].decode() if number else "?", queue[1].decode() if queue else "?", below, tls[1].decode() if tls else ""

    def differ(self, sent):
        return [number for number, _, below, _ in self.read() if sent.get(number, b"").replace(b"\r\n", b"\n") != below]


def kill(primary):
    """SIGKILL to all of it at once; both have a process group of their own."""
    if primary.name == "Exim":
        os.killpg(primary.daemon.pid, signal.SIGKILL)
        primary.daemon.wait()
    else:
        os.killpg(int((primary.work / "queue/pid/master.pid").read_text()), signal.SIGKILL)
        (primary.work / "maillog").chmod(0o666)  # postsuper, which puts the queue in order, logs as Postfix's user
    wait("the end of the primary", lambda: not listens(primary.port))


def holds(primary):
    """How many whole messages it has in its own queue."""
    if primary.name == "Exim":
        # one without data was delivered, and its process killed while it tidied up: Exim leaves it there for good
        headers = (primary.work / "spool/input").rglob("*-H")
        return sum(1 for file in headers if file.with_name(file.name[:-1] + "D").exists())
    count = 0
    for queue in ("incoming", "active", "deferred"):
        for file in (primary.work / "queue" / queue).rglob("*"):
            with contextlib.suppress(FileNotFoundError):
                count += file.is_file() and bool(file.stat().st_mode & 0o100)  # Postfix marks whole ones executable
    return count


def recipients(context, domain):
    return [f"r{i}@{domain}" for i in range(1, context.messages + 1)]


def drain(context, kind):
    primary = context.primary(kind)
    primary.stop()
    wait("the primary's end", lambda: not listens(primary.port))
    server = Server(context, {"drain.test": f'{{primary: "127.0.0.1:{primary.port}"}}'})
    sent = keep(server, recipients(context, "drain.test"))
    expect(server.count("recipient relayed") == 0, "something was relayed to a primary that is down")
    primary.start()
    began = time.monotonic()
    wait("the drain", lambda: server.count("recipient relayed") >= len(sent), 300)
    took = time.monotonic() - began
    mail = Mail(primary)
    wait("the primary's own delivery", lambda: len(mail.read()) >= len(sent) and not holds(primary), 300)
    changed, arrived = mail.differ(sent), collections.Counter(number for number, *_ in mail.read())
    expect(not changed, f"{len(changed)} differ, such as {changed[:1]}")
    expect(set(arrived) == set(sent), f"{len(set(sent) - set(arrived))} did not arrive")
    expect(max(arrived.values()) == 1, f"{sum(arrived.values()) - len(arrived)} arrived twice")
    expect(server.given_up() == 0, f"{server.given_up()} failed")
    return f"{len(sent):,} of {len(sent):,} once, octet for octet, in {took:.1f} s"


def restart(context, kind):
    primary = context.primary(kind)
    primary.stop()
    wait("the primary's end", lambda: not listens(primary.port))
    server = Server(context, {"restart.test": f'{{primary: "127.0.0.1:{primary.port}"}}'})
    sent = keep(server, recipients(context, "restart.test"))
    primary.start()
    wait("a quarter of the drain", lambda: server.text().count(" recipient relayed ") >= len(sent) // 4, 300)
    kill(primary)
    at_kill = server.count("recipient relayed")
    expect(at_kill < len(sent), "the drain was over before the primary was killed; take more --messages")
    time.sleep(3)
    primary.start()
    began = time.time()
    wait("the drain", lambda: server.count("recipient relayed") >= len(sent), 60)
    relayed = server.events("recipient relayed")
    first = max(event["at"] for event in relayed if event["attempt"] == "1") - began
    took = max(event["at"] for event in relayed) - began
    mail = Mail(primary)
    wait("the primary's own delivery", lambda: len({m[0] for m in mail.read()}) >= len(sent) and not holds(primary), 300)
    by_number = collections.defaultdict(list)
    for number, queue, _, _ in mail.read():
        by_number[number].append(queue)
    lost, changed = set(sent) - set(by_number), mail.differ(sent)
    doubtful = {event["rcpt"] for event in server.events("recipient deferred")}
    again = [n for n, queues in by_number.items() if len(set(queues)) > 1]
    own = sum(len(queues) - len(set(queues)) for queues in by_number.values())
    unexplained = [n for n in again if f"r{n}@restart.test" not in doubtful]
    expect(not lost, f"{len(lost)} of {len(sent)} lost")
    expect(not changed, f"{len(changed)} differ, such as {changed[:1]}")
    expect(not unexplained, f"{len(unexplained)} came twice although we had heard 250")
    expect(server.given_up() == 0, f"{server.given_up()} failed")
    return (
        f"killed after {at_kill:,} of {len(sent):,}; lost 0; relayed twice {len(again)} (no 250 heard),"
        f" doubled by the primary {own}; after its return the queue took {first:.1f} s,"
        f" the {len(doubtful)} that were under way when it was killed {took:.1f} s"
    )


def refused(server):
    """How many recipients the primary has refused for good and was not believed."""
    return sum(" 550 5.1.1 " in event["reply"] for event in server.events("recipient deferred"))


def empty_map(context, kind):
    primary = context.primary(kind, "virtual_mailbox_maps = texthash:{work}/recipients\n", {"recipients": "@map.test all/\n"})
    primary.stop()
    wait("the primary's end", lambda: not listens(primary.port))
    server = Server(context, {"map.test": f'{{primary: "127.0.0.1:{primary.port}"}}'})
    sent = keep(server, [f"r{i}@map.test" for i in range(1, 1001)])
    table = primary.work / "recipients"
    table.write_text("")
    primary.start()
    opened = "primary refuses too much and is not believed, mail kept"
    wait("the breaker", lambda: server.count(opened) > 0, 120)
    time.sleep(30)
    expect(server.given_up() == 0, f"{server.given_up()} failed while the map was empty")
    expect(server.count("recipient relayed") == 0, "something was relayed while the map was empty")
    before = refused(server)
    expect(0 < before <= 8, f"{before} were refused before the breaker was open")
    table.write_text("@map.test all/\n")
    primary._postfix("reload")
    back = time.monotonic()
    wait("the next canary", lambda: server.count("primary is believed again") > 0, 700)
    canary = time.monotonic() - back
    wait("the drain", lambda: server.count("recipient relayed") >= len(sent), 300)
    mail = Mail(primary)
    wait("the primary's own delivery", lambda: len(mail.read()) >= len(sent) and not holds(primary), 300)
    expect(server.given_up() == 0, f"{server.given_up()} failed")
    expect({m[0] for m in mail.read()} == set(sent) and len(mail.read()) == len(sent), "not each arrived once")
    return (
        f"refused before the breaker was open: {before}, in all {refused(server)}; bounces 0, dead letters 0;"
        f" believed {canary:.0f} s after the map's return, all {len(sent):,} arrived {time.monotonic() - back:.0f} s after it"
    )


class Policy(socketserver.ThreadingTCPServer):
    """A policy server as Postfix's check_policy_service asks it; answer is given the attributes and returns the action."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, context, answer):
        self.answer = answer
        super().__init__(("127.0.0.1", 0), PolicySession)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        context.ends.callback(self.server_close)
        context.ends.callback(self.shutdown)
        self.setting = (
            "smtpd_recipient_restrictions = reject_unauth_destination,"
            f" check_policy_service inet:127.0.0.1:{self.server_address[1]}\n"
        )


class PolicySession(socketserver.StreamRequestHandler):
    def handle(self):
        attributes = {}
        for line in self.rfile:
            name, equals, value = line.decode(errors="replace").strip().partition("=")
            if equals:
                attributes[name] = value
            else:
                self.wfile.write(f"action={self.server.answer(attributes)}\n\n".encode())
                attributes = {}


def greylist(context, kind):
    told, first, tries = 20, {}, collections.Counter()

    def answer(attributes):
        recipient = attributes.get("recipient", "")
        if not recipient.startswith(("told", "untold")):
            return "DUNNO"
        triplet = attributes["client_address"], attributes["sender"], recipient
        tries[recipient] += 1
        if time.monotonic() - first.setdefault(triplet, time.monotonic()) >= told:
            return "DUNNO"
        wait_for = f", please try again in {told} seconds" if recipient.startswith("told") else ""
        return f"450 4.7.1 Greylisted{wait_for}"

    primary = context.primary(kind, Policy(context, answer).setting)
    primary.stop()
    wait("the primary's end", lambda: not listens(primary.port))
    more = "probe: {up: 8m, down: 1s}\nretry: 1h\n"
    server = Server(context, {"grey.test": f'{{primary: "127.0.0.1:{primary.port}"}}'}, more)
    names = [f"{'told' if i % 3 == 1 else 'untold' if i % 30 == 2 else 'open'}{i}@grey.test" for i in range(300)]
    sent = keep(server, names)
    primary.start()
    began = time.time()

    def relayed(prefix):
        return [e["at"] for e in server.events("recipient relayed") if e["rcpt"].startswith(prefix)]

    def deferred(prefix):
        return {
            e["rcpt"]: instant(e["nextAttempt"]) - e["at"]
            for e in server.events("recipient deferred")
            if e["rcpt"].startswith(prefix) and "reylist" in e["reply"]
        }

    count = {prefix: sum(name.startswith(prefix) for name in names) for prefix in ("open", "told", "untold")}
    wait("those who are not greylisted", lambda: len(relayed("open")) >= count["open"], 120)
    opened = max(relayed("open")) - began
    wait("the deferral of all others", lambda: len(deferred("told")) + len(deferred("untold")) >= len(names) - count["open"], 120)
    changes = [change for change in server.events("primary changed") if change["at"] > min(relayed("open"))]
    bad = [change["to"] for change in changes if change["to"] != "UP"]
    expect(not bad, f"the primary was taken for {bad[0] if bad else ''}")
    late = {prefix: (min(d.values()), max(d.values())) for prefix in ("told", "untold") if (d := deferred(prefix))}
    expect(told - 2 <= late["told"][0] and late["told"][1] <= told * 1.5, f"told {told} s, next attempt after {late['told']} s")
    expect(270 <= late["untold"][0] and late["untold"][1] <= 330, f"told nothing, next attempt after {late['untold']} s")
    wait("those who were told 20 s", lambda: len(relayed("told")) >= count["told"], 120)
    told_took = max(relayed("told")) - began
    wait("those who were told nothing", lambda: len(relayed("untold")) >= count["untold"], 400)
    expect(len(relayed("")) == len(sent) and server.given_up() == 0, "not each was relayed once")
    most = max(tries.values())
    expect(most <= 2, f"a greylisted recipient was tried {most} times")
    return (
        f"{count['open']} others within {opened:.1f} s; {count['told']} told 20 s: all within {told_took:.1f} s;"
        f" {count['untold']} told nothing: all within {max(relayed('untold')) - began:.0f} s; two attempts each, primary UP"
    )


def size(context, kind):
    primary = context.primary(kind, {"Postfix": "message_size_limit = 100000\n", "Exim": "message_size_limit = 100000\n"}[kind])
    server = Server(context, {"size.test": f'{{primary: "127.0.0.1:{primary.port}"}}'})
    wait("the first probe", server.is_up)
    client = Client(server.port)
    context.ends.callback(client.close)
    large = message(1, "bob@size.test", 150_000)
    declared = client.send("bob@size.test", large, f" SIZE={len(large)}")
    silent = client.send("bob@size.test", large)
    expect(declared.startswith("552 5.3.4"), f"150,000 octets, declared, got {declared}")
    expect(silent.startswith("552 5.3.4"), f"150,000 octets, not declared, got {silent}")
    fits = message(2, "bob@size.test", 97_500)
    reply = client.send("bob@size.test", fits, f" SIZE={len(fits)}")
    expect(reply.startswith("250"), f"{len(fits):,} octets got {reply}")
    wait("the message that fits", lambda: server.count("recipient relayed") == 1)
    mail = Mail(primary)
    wait("its arrival", lambda: len(mail.read()) == 1)
    expect(not mail.differ({"2": fits}), "the message that fits was changed")
    expect(server.given_up() == 0 and server.count("message accepted") == 1, "something was bounced")
    return f"150,000 octets: `{declared}` at RCPT, and `{silent[:9]}` at the end of data; {len(fits):,} octets relayed; bounces 0"


def tls(context, kind):
    heard = collections.defaultdict(set)

    def answer(attributes):
        heard[attributes.get("recipient", "").lower()].add(attributes.get("encryption_protocol", ""))
        return "DUNNO"

    policy = Policy(context, answer)
    where = context.directory("certificate")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=primary.test"]
    command += ["-addext", "subjectAltName=DNS:primary.test", "-keyout", where / "key.pem", "-out", where / "cert.pem"]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    command = ["openssl", "x509", "-in", where / "cert.pem", "-noout", "-fingerprint", "-sha256"]
    right = subprocess.check_output(command, text=True).strip().split("=")[1]
    settings = (
        f"smtpd_tls_cert_file = {where}/cert.pem\nsmtpd_tls_key_file = {where}/key.pem\nsmtpd_tls_security_level = may\n"
        "smtpd_tls_received_header = yes\nsmtpd_tls_loglevel = 1\n"
    )
    secure = context.primary(kind, settings + policy.setting)
    clear = context.primary(kind, "smtpd_tls_security_level = none\n" + policy.setting)
    known = f"tls: verify, tls-names: primary.test, tls-authorities: {where}/cert.pem"
    # policy of the domain, primary, and whether its mail goes by TLS, in clear text, or waits
    cases = {
        "none.test": ("tls: none", secure, "clear"),
        "may.test": ("tls: may", secure, "TLS"),
        "encrypt.test": ("tls: encrypt", secure, "TLS"),
        "verify.test": ("tls: verify, tls-names: primary.test", secure, "waits"),
        "known.test": (known, secure, "TLS"),
        "othername.test": (known.replace("primary.test", "other.test"), secure, "waits"),
        "right.test": (f'tls: fingerprint, tls-fingerprints: "{right}"', secure, "TLS"),
        "wrong.test": (f'tls: fingerprint, tls-fingerprints: "{"00:" * 31}00"', secure, "waits"),
        "may-clear.test": ("tls: may", clear, "clear"),
        "encrypt-clear.test": ("tls: encrypt", clear, "waits"),
        "verify-clear.test": (known, clear, "waits"),
        "right-clear.test": (f'tls: fingerprint, tls-fingerprints: "{right}"', clear, "waits"),
    }
    domains = {
        name: f'{{primary: "127.0.0.1:{primary.port}", relay: {{{relay}}}}}' for name, (relay, primary, _) in cases.items()
    }
    server = Server(context, domains, "probe: {up: 8m, down: 5s}\nretry: 10s\n")
    keep(server, [f"bob@{name}" for name in cases])
    goes = [name for name, case in cases.items() if case[2] != "waits"]

    def reasons():
        return {event["rcpt"].split("@")[1]: event["reply"] for event in server.events("recipient deferred")}

    wait("what is to be relayed", lambda: server.count("recipient relayed") >= len(goes))
    wait("the reasons of the others", lambda: set(reasons()) >= set(cases) - set(goes))
    time.sleep(25)  # two more attempts of what waits, and probes
    relayed = {event["rcpt"].split("@")[1] for event in server.events("recipient relayed")}
    expect(relayed == set(goes), f"relayed: {sorted(relayed)}")
    wait("the primaries' own delivery", lambda: len(Mail(secure).read()) + len(Mail(clear).read()) >= len(goes))
    numbers = {str(i): name for i, name in enumerate(cases, 1)}
    protocol = {numbers[number]: used for primary in (secure, clear) for number, _, _, used in Mail(primary).read()}
    for name, (_, _, way) in cases.items():
        clear_text = "" in heard[f"bob@{name}"] | heard[f"postmaster@{name}"]
        expect(way == "clear" or not clear_text, f"{name}: a recipient was said in clear text")
        if way == "waits":
            expect(name not in protocol, f"{name} arrived")
            expect(" 4.7.5" in reasons()[name], f"{name} waits without a reason of TLS: {reasons()[name]}")
            context.notes.append(f"{name[:-5]}: {reasons()[name]}")
        else:
            expect((way == "TLS") == protocol[name].startswith("TLS"), f"{name} came by {protocol[name] or 'clear text'}")
    expect(server.given_up() == 0, f"{server.given_up()} failed")
    used = sorted({value for value in protocol.values() if value})
    return (
        f"{sum(case[2] == 'TLS' for case in cases.values())} policies by {', '.join(used)}, 2 in clear text as wanted, "
        f"{len(cases) - len(goes)} wait with 4.7.5 and were never said in clear text"
    )


SCENARIOS = {
    "drain": (drain, ("Postfix", "Exim")),
    "restart": (restart, ("Postfix", "Exim")),
    "map": (empty_map, ("Postfix",)),
    "greylist": (greylist, ("Postfix",)),
    "size": (size, ("Postfix", "Exim")),
    "tls": (tls, ("Postfix",)),
}
LONG = ("map", "greylist")


class Context:
    """What one scenario with one primary starts, in a directory of its own."""

    starting = threading.Lock()  # free ports are found and taken by one at a time

    def __init__(self, work, jar, exim, messages):
        self.work, self.jar, self.exim, self.messages = work, jar, exim, messages
        self.ends, self.notes, self.made = contextlib.ExitStack(), [], 0
        work.mkdir()

    def directory(self, name):
        self.made += 1
        directory = self.work / f"{name}{self.made}"
        directory.mkdir()
        return directory

    def primary(self, kind, settings="", files=None):
        self.made += 1
        work = self.work / f"{kind.lower()}{self.made}"
        with self.starting:
            if kind == "Exim":
                primary = Exim(self.exim, work, settings=settings)
            else:
                primary = Postfix(work, settings=settings.replace("{work}", str(work)))
                for name, text in (files or {}).items():
                    (work / name).write_text(text)
        self.ends.callback(self.end, primary)
        return primary

    @staticmethod
    def end(primary):
        if primary.name == "Postfix":
            primary.stop()
        elif primary.daemon.poll() is None:
            primary.stop()


def unpack_exim(directory):
    """Exim and the libraries that it wants, fetched and unpacked; returns the program."""
    said = subprocess.check_output(["apt-cache", "depends", "exim4-daemon-light"], text=True)
    packages = ["exim4-base", "exim4-daemon-light"] + re.findall(r"^ *Depends: (lib\S+)", said, re.M)
    (directory / "debs").mkdir(parents=True)
    subprocess.run(
        ["apt-get", "download", *packages], cwd=directory / "debs", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for package in (directory / "debs").glob("*.deb"):
        subprocess.run(["dpkg", "-x", package, directory / "root"], check=True)
    return directory / "root/usr/sbin/exim4"


def attempt(name, kind, context, results):
    began = time.monotonic()
    with context.ends:
        try:
            text, passed = SCENARIOS[name][0](context, kind), True
        except (Failure, SystemExit, OSError, subprocess.SubprocessError) as e:
            text, passed = str(e) or type(e).__name__, False
    results[name, kind] = (passed, text, time.monotonic() - began, context.notes)
    print(f"{name} {kind}: {'passed' if passed else 'FAILED'}: {text}", flush=True)


def run(options):
    work = pathlib.Path(tempfile.mkdtemp(prefix="backupmx-relaying.", dir="/tmp"))
    work.chmod(0o755)
    chosen = [name for name in SCENARIOS if not options.only or name in options.only]
    exim, results, beside = None, {}, []
    with contextlib.ExitStack() as ends:
        if not options.keep:
            ends.callback(shutil.rmtree, work, ignore_errors=True)
        ends.callback(lambda: [thread.join() for thread in beside])
        ends.callback(INTERRUPTED.set)  # by now nothing runs, or we were interrupted
        print("Postfix", Postfix.version(), flush=True)
        if any("Exim" in SCENARIOS[name][1] for name in chosen):
            exim = EximProgram(options.exim or unpack_exim(work / "exim"), work / "program")
            print("Exim", exim.version, flush=True)
        for name in sorted(chosen, key=lambda name: name not in LONG):
            for kind in SCENARIOS[name][1]:
                context = Context(work / f"{name}-{kind.lower()}", options.jar, exim, options.messages)
                if name in LONG:
                    beside.append(threading.Thread(target=attempt, args=(name, kind, context, results)))
                    beside[-1].start()
                else:
                    attempt(name, kind, context, results)
        for thread in beside:
            thread.join()
    print("\n| scenario | primary | result | what was seen | took |\n|---|---|---|---|---|")
    for name in chosen:
        for kind in SCENARIOS[name][1]:
            passed, text, took, _ = results.get((name, kind), (False, "did not end", 0, []))
            print(f"| {name} | {kind} | {'passed' if passed else '**failed**'} | {text.replace('|', '/')} | {took:.0f} s |")
    for _, _, _, notes in results.values():
        print("".join(f"\n- {note}" for note in notes), end="\n" if notes else "")
    if options.keep:
        print("logs:", work)
    expected = sum(len(SCENARIOS[name][1]) for name in chosen)
    return 0 if sum(result[0] for result in results.values()) == expected else 1


def main():
    parser = argparse.ArgumentParser(
        usage="relaying.py [--only SCENARIO]... [--messages N] [--exim FILE] [--keep] JAR",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", action="append", choices=list(SCENARIOS), help="that scenario, not all")
    parser.add_argument("--messages", type=int, default=2000, help="how many for drain and restart (2000)")
    parser.add_argument("--exim", type=pathlib.Path, default=shutil.which("exim4") or shutil.which("exim"), help="Exim's program")
    parser.add_argument("--keep", action="store_true", help="leave the directory with logs, queues and mail")
    parser.add_argument("jar", type=pathlib.Path, metavar="JAR")
    options = parser.parse_args()
    missing = [what for what in ("postfix", "java", "openssl", "unshare", "dpkg") if not shutil.which(what)]
    if not options.jar.is_file():
        missing.append(str(options.jar))
    if os.geteuid() != 0:
        missing.append("root")
    if missing:
        print("relaying.py: missing: " + ", ".join(missing), file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options.jar = options.jar.resolve()
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
