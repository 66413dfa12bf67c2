#!/usr/bin/env python3
"""Shows by strace that no 250 for mail data leaves before the force that covers the message's bytes.

  force-before-250.py [--jar FILE] [--messages 300] [--clients 10] [--keep]
  force-before-250.py --trace FILE

Runs the reference server under «strace -f», has clients send it messages of 1 kB to 300 kB, and follows each through the
trace: the last octets of its mail data in a write to a segment of the spool; a force (fdatasync, fsync) of that
segment that begins after that write has ended and that succeeds; the write of «250 2.0.0 Queued as ID» to the client's
socket, which must begin after that force has ended. Then it doctors its own trace (forces left out, a force that fails,
a reply moved before its force, a force of another file) and demands that each is caught.

--trace only checks a trace that an earlier run kept. Needs Linux, Python 3.8, Java 17 and strace (apt-get install strace).
Everything is on 127.0.0.1 and in a directory of its own that goes at the end, unless --keep.

Exit code: 0 each 250 stands behind its force; 1 one does not, its line is shown; 2 wrong use, or something is missing.
"""
import argparse
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

CALLS = "write,writev,pwrite64,pwritev,sendto,sendmsg,fdatasync,fsync,sync_file_range,msync"
LINE = re.compile(r"^(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$", re.S)
FILE = re.compile(r"^\d+<([^>]*)>")
RESULT = re.compile(r"= (-?\d+)[^=]*$")
QUEUED = re.compile(r"Queued as ([0-9A-Za-z-]+)")
STITCH = 200


def fail(text):
    print("force-before-250.py: " + text, file=sys.stderr)
    sys.exit(2)


def events(lines):
    """Yields (line number at the begin, at the end, call, arguments, result) in the order of the ends."""
    begun = {}
    for number, line in enumerate(lines):
        match = LINE.match(line.rstrip("\n"))
        if not match:
            continue
        pid, resumed, call, rest = match.groups()
        if resumed:
            begin, arguments = begun.pop(pid, (number, ""))
            rest = arguments + rest
            call = resumed
        elif rest.endswith("<unfinished ...>"):
            begun[pid] = (number, rest[: -len("<unfinished ...>")])
            continue
        else:
            begin = number
        result = RESULT.search(rest)
        yield begin, number, call, rest, int(result.group(1)) if result else -1


class Check:
    """Follows messages through a trace. A message is known by its identity, which our Received field holds."""

    def __init__(self):
        self.written = {}  # token or identity -> (segment, line at which its write ended)
        self.forces = {}  # segment -> [(begin, end)]
        self.replies = []  # (begin, identity)
        self.tails = {}  # segment -> the last octets written, where a token may begin

    def take(self, lines):
        pending = []
        for begin, end, call, arguments, result in events(lines):
            path = FILE.match(arguments)
            name = os.path.basename(path.group(1)) if path else ""
            if call in ("fdatasync", "fsync"):
                if result == 0:
                    self.forces.setdefault(name, []).append((begin, end))
            elif name.startswith("segment-"):
                if result > 0:
                    self.write(name, end, arguments)
            elif call in ("write", "writev", "sendto", "sendmsg"):
                pending.extend((begin, identity) for identity in QUEUED.findall(arguments))
        self.replies = pending

    def write(self, name, end, arguments):
        text = self.tails.get(name, "") + arguments.partition('"')[2].rpartition('"')[0]
        self.tails[name] = text[-STITCH:]
        for match in re.finditer(r"\bid ([0-9a-v]{12})|end-of-message-\d{6}", text):
            self.written.setdefault(match.group(1) or match.group(0), (name, end))  # compaction writes it again

    def faults(self, token_of):
        """Yields (line, what is wrong) for each reply that is not behind a force of its message."""
        for begin, identity in self.replies:
            for what in (identity, token_of.get(identity, identity)):
                at = self.written.get(what)
                if at is None:
                    yield begin, "%s: %s was never written to a segment" % (identity, what)
                    break
                segment, written = at
                if not any(written < b and e < begin for b, e in self.forces.get(segment, ())):
                    yield begin, "%s: no force of %s between the write of %s (line %d) and the 250" % (
                        identity, segment, what, written + 1)
                    break


def verdict(lines, token_of):
    check = Check()
    check.take(lines)
    return check, list(check.faults(token_of))


def doctored(lines, check, seed):
    """Yields (what was done, lines): each must be caught."""
    force = re.compile(r"(fdatasync|fsync)(\(| resumed)")
    yield "every force left out", [line for line in lines if not force.search(line)]
    yield "every force fails", [
        re.sub(r"= 0$", "= -1 EIO (Input/output error)", line) if force.search(line) else line for line in lines]
    yield "forces of another file", [
        re.sub(r"(segment-\d+)", "other", line) if "sync(" in line else line for line in lines]
    rng = random.Random(seed)
    begin, identity = rng.choice(check.replies)
    written = check.written[identity][1]
    moved = list(lines)
    # the reply, as one whole line, right behind the write of its message
    moved[begin] = ""
    moved.insert(written + 1, '1 write(9<socket:[1]>, "250 2.0.0 Queued as %s\\r\\n", 40) = 40\n' % identity)
    yield "the 250 of %s right behind its write" % identity, moved


class Client(threading.Thread):
    """One session that sends its messages one after the other and notes who was given which identity."""

    def __init__(self, port, tokens):
        super().__init__(daemon=True)
        self.port, self.tokens, self.given, self.fault = port, tokens, {}, None

    def run(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 120) as s:
                lines = s.makefile("rb")
                self.expect(lines, b"220")
                self.say(s, lines, "EHLO client.test", b"250")
                for token in self.tokens:
                    self.say(s, lines, "MAIL FROM:<sender@sender.test>", b"250")
                    self.say(s, lines, "RCPT TO:<user@example.org>", b"250")
                    self.say(s, lines, "DATA", b"354")
                    size = (1, 1, 1, 1, 1, 4, 4, 20, 140, 300)[token % 10]
                    body = (b"x" * 70 + b"\r\n") * (size * 14)
                    s.sendall(b"Subject: test\r\n\r\n" + body + b"end-of-message-%06d\r\n.\r\n" % token)
                    reply = self.expect(lines, b"250")
                    self.given[QUEUED.search(reply.decode()).group(1)] = "end-of-message-%06d" % token
                self.say(s, lines, "QUIT", b"221")
        except (OSError, AttributeError, ValueError) as e:
            self.fault = repr(e)

    def say(self, s, lines, text, code):
        s.sendall(text.encode() + b"\r\n")
        self.expect(lines, code)

    @staticmethod
    def expect(lines, code):
        line = lines.readline()
        while line[3:4] == b"-":
            line = lines.readline()
        if not line.startswith(code):
            raise ValueError("reply %r (expected: %s)" % (line, code.decode()))
        return line


def run(a, home):
    trace = os.path.join(home, "trace")
    config = os.path.join(home, "server.yaml")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with open(config, "w") as f:
            f.write("hostname: mx2.example.net\nlisten: [\"127.0.0.1:0\"]\nspool: %s\n"
                    "domains: {example.org: {primary: \"127.0.0.1:%d\"}}\n"
                    % (os.path.join(home, "spool"), nobody.getsockname()[1]))
        command = ["strace", "-f", "-y", "-s", "1000000", "-e", "trace=" + CALLS, "-e", "signal=none", "-o", trace]
        java = ["java", *a.java, "-jar", a.jar] if not a.java else ["java", *a.java]
        server = subprocess.Popen(command + java + ["serve", "--config", config], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, start_new_session=True)
        given = {}
        try:
            port = None
            said = []
            for line in server.stdout:
                said.append(line)
                if line.startswith("listening on "):
                    port = int(line.rsplit(":", 1)[1])
                    break
            if port is None:
                fail("the server did not start; it said: " + "".join(said[-20:]))
            threading.Thread(target=lambda: [None for _ in server.stdout], daemon=True).start()
            clients = [Client(port, range(i, a.messages, a.clients)) for i in range(a.clients)]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
                if client.fault:
                    fail("client: " + client.fault)
                given.update(client.given)
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
    with open(os.path.join(home, "given"), "w") as f:
        f.writelines("%s %s\n" % one for one in given.items())
    return trace, given


def judge(trace, given):
    with open(trace, errors="replace") as f:
        lines = f.readlines()
    check, faults = verdict(lines, given)
    if given and set(given) != {identity for _, identity in check.replies}:
        fail("the trace does not show each 250 that clients got")
    if not check.replies:
        fail("no 250 for mail data in the trace")
    for line, what in faults:
        print("line %d: %s\n  %s" % (line + 1, what, lines[line].rstrip()[:200]))
    if faults:
        return 1
    forces = sum(len(all_) for name, all_ in check.forces.items() if name.startswith("segment-"))
    print("messages: %d\nforces of segments: %d\n250 before its force: 0" % (len(check.replies), forces))
    for what, changed in doctored(lines, check, 1):
        caught = len(verdict(changed, given)[1])
        print("doctored, %s: %d caught" % (what, caught))
        if not caught:
            return 1
    return 0


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jar", default=os.path.join(here, "..", "target", "backupmx-server.jar"))
    parser.add_argument("--java", action="append", default=[], help="arguments that name the server, in place of --jar")
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--trace")
    parser.add_argument("--keep", action="store_true")
    a = parser.parse_args()
    if a.trace:
        given = {}
        try:
            with open(os.path.join(os.path.dirname(a.trace), "given")) as f:
                given = dict(line.split() for line in f)
        except FileNotFoundError:
            print("no file «given» beside the trace: only the first octets of each message are followed")
        sys.exit(judge(a.trace, given))
    if not shutil.which("strace"):
        fail("no strace (expected: apt-get install strace)")
    if not a.java and not os.path.exists(a.jar):
        fail("%s: no such file (expected: mvn -DskipTests package first)" % os.path.normpath(a.jar))
    home = tempfile.mkdtemp(prefix="force-before-250-")
    try:
        sys.exit(judge(*run(a, home)))
    finally:
        if a.keep:
            print("kept: " + home)
        else:
            shutil.rmtree(home)


if __name__ == "__main__":
    main()
