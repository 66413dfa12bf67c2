#!/usr/bin/python3
"""Stops and starts Postfix as the primary of a reference server in monitoring mode, and measures what senders see.

outage.py [--beat SECONDS]... JAR    JAR is backupmx-server.jar; --beat is probe.down, 1 and 60 unless given

Needs Linux, root, Java 17 and Postfix, which it does not install. Postfix has configuration, queue and mail of its own, on
a port of 127.0.0.1. For each beat there are two outages:

idle    nothing happens for 61 s, Postfix is stopped, one sender offers one recipient
load    a second domain of the same primary (mode: always) gets 20 messages a second through the server, Postfix is stopped,
        a sender offers a recipient every 0.5 s; refused are those before the first that was accepted

After each, Postfix is started again; "drains after" is the time from its first answer to a connection to the first message
that it took from the server's queue, and "lost" how many of the messages that were answered with 250 it did not take.

Exit code: 0 if the first recipient was accepted when idle, no sender was refused for longer than 10 s under load, the queue
drained within the beat and 10 % and 2 s, and nothing was lost; 1 if not; 2 if something is missing.
"""

import argparse
import contextlib
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from smuggling import Postfix, until


class Server:
    def __init__(self, jar, work, primary, beat):
        work.mkdir()
        self.log = work / "server.log"
        (work / "server.yaml").write_text(f"""hostname: mx2.example.net
listen: ["127.0.0.1:0"]
spool: {work}/spool
probe: {{up: 8m, down: {beat}s}}
domains:
  watched.test: {{primary: "127.0.0.1:{primary}", mode: monitoring}}
  always.test: {{primary: "127.0.0.1:{primary}", mode: always}}
""")
        with open(self.log, "wb") as out:
            command = ["java", "-jar", jar, "serve", "--config", work / "server.yaml"]
            self.process = subprocess.Popen(command, stdout=out, stderr=out)
        until("the server's start", lambda: b"listening on " in self.log.read_bytes() or self.process.poll() is not None)
        if self.process.poll() is not None:
            sys.exit("outage.py: " + self.log.read_text())
        self.port = int(self.log.read_text().split("listening on ")[1].split()[0].rsplit(":", 1)[1])

    def count(self, what):
        return self.log.read_text().count(what)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def offer(port, sender, recipient):
    """One message; returns the code of the last reply that counts: of RCPT if it is refused, else of the mail data."""
    with socket.create_connection(("127.0.0.1", port), 60) as s:
        replies = s.makefile("rb")

        def say(text):
            if text:
                s.sendall(text.encode() + b"\r\n")
            while True:
                line = replies.readline()
                if line[3:4] != b"-":
                    return line[:3].decode()

        say("")
        say("EHLO client.test")
        say(f"MAIL FROM:<{sender}>")
        code = say(f"RCPT TO:<{recipient}>")
        if code == "250":
            say("DATA")
            code = say(f"From: <{sender}>\r\nSubject: x\r\n\r\nx\r\n.")
        with contextlib.suppress(OSError):
            say("QUIT")
        return code


class Load(threading.Thread):
    """Twenty messages a second to the domain that is always accepted."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.accepted, self.ends = port, 0, threading.Event()

    def run(self):
        while not self.ends.wait(0.05):
            self.accepted += offer(self.port, "load@sender.test", "someone@always.test") == "250"


def outage(server, postfix, beat, under_load):
    refused = offer(server.port, "before@first.test", "someone@watched.test")
    before = postfix.taken()[0]
    accepted = 0
    load = Load(server.port)
    if under_load:
        load.start()
        until("the load's first message", lambda: postfix.taken()[0] > before)
    else:
        time.sleep(61)
    postfix.stop()
    stopped = time.monotonic()
    tries = 0
    while True:
        tries += 1
        asked = time.monotonic()
        if offer(server.port, f"after{tries}@sender{tries}.test", "someone@watched.test") == "250":
            accepted += 1
            break
        time.sleep(0.5)
    took, answer = asked - stopped, time.monotonic() - asked
    load.ends.set()
    if under_load:
        load.join()
    accepted += load.accepted
    time.sleep(65)  # DOWN for certain, and past the confirming probes
    queued = server.count("message accepted") - server.count("recipient relayed")
    relayed = server.count("recipient relayed")
    postfix.start()
    back = time.monotonic()
    until("the drain", lambda: server.count("recipient relayed") > relayed)
    drains = time.monotonic() - back
    until("the end of the drain", lambda: server.count("recipient relayed") >= server.count("message accepted"))
    until("what Postfix takes", lambda: postfix.taken()[0] - before >= accepted)
    lost = accepted - (postfix.taken()[0] - before)
    print(
        f"beat {beat:3} s  {'load' if under_load else 'idle'}  before: {refused}  refused after the stop: {tries - 1}, the last"
        f" {took:.1f} s after it  answer in {answer:.2f} s  queued {queued}  drains after {drains:.2f} s  lost {lost}",
        flush=True,
    )
    until("UP again", lambda: offer(server.port, f"again{time.time()}@x.test", "someone@watched.test") == "451")
    good = refused == "451" and (took <= 10 if under_load else tries == 1)
    return good and drains <= beat * 1.1 + 2 and lost == 0


def run(jar, beats):
    work = pathlib.Path(tempfile.mkdtemp(prefix="backupmx-outage.", dir="/tmp"))
    work.chmod(0o755)
    good = True
    with contextlib.ExitStack() as ends:
        ends.callback(shutil.rmtree, work)
        postfix = Postfix(work / "postfix")
        ends.callback(postfix.stop)
        print("Postfix", Postfix.version())
        for beat in beats:
            server = Server(jar, work / f"server{beat}", postfix.port, beat)
            with contextlib.ExitStack() as end:
                end.callback(server.stop)
                until("UP", lambda: offer(server.port, f"up{time.time()}@x.test", "someone@watched.test") == "451")
                for under_load in (False, True):
                    good &= outage(server, postfix, beat, under_load)
    print("as it should be" if good else "NOT as it should be")
    return 0 if good else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beat", type=int, action="append")
    parser.add_argument("jar", type=pathlib.Path)
    arguments = parser.parse_args()
    missing = [what for what in ("postfix", "java") if not shutil.which(what)]
    if not arguments.jar.is_file():
        missing.append(str(arguments.jar))
    if missing:
        print("outage.py: missing: " + ", ".join(missing), file=sys.stderr)
        return 2
    return run(arguments.jar.resolve(), arguments.beat or [1, 60])


if __name__ == "__main__":
    sys.exit(main())
