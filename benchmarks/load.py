#!/usr/bin/env python3
"""Questions about a running SMTP server that smtp-source does not ask. Linux, Python 3, no packages.

  idle     how much memory does a connection cost that said EHLO and then nothing?
  slow     how much of their rate do good clients (smtp-source, kept connections) keep beside clients that send
           a byte every few seconds?
  latency  how long after the final dot does 250 come, next to a force of as many bytes on the same disk?

  load.py idle    HOST:PORT --pid PID [--count 5000]
  load.py slow    HOST:PORT --to user@example.org [--count 5000] [--every 3] [--messages 20000]
  load.py latency HOST:PORT --to user@example.org --directory SPOOL_DISK [--messages 2000]

Connections come from 127.0.2.1 to 127.0.2.100, so HOST is a loopback address. The server must allow --count
connections and 20 more, and both sides need as many open files (ulimit -n).
"""
import argparse
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time

SOURCES = 100
MESSAGE = b"".join(b"x" * 70 + b"\r\n" for _ in range(57))


def connect(address, i):
    s = socket.socket()
    s.bind(("127.0.2.%d" % (1 + i % SOURCES), 0))
    s.settimeout(10)
    s.connect(address)
    return s


def reply(s):
    got = b""
    while not re.search(rb"^\d\d\d [^\n]*\n\Z", got, re.M):
        part = s.recv(4096)
        if not part:
            sys.exit("the server closed the connection after: %r" % got)
        got += part
    if got[:1] not in b"23":
        sys.exit("reply: %r (expected: 2yz or 3yz)" % got)


def greet(address, count):
    """Opens connections up to the answer to EHLO."""
    sockets = []
    for i in range(count):
        s = connect(address, i)
        reply(s)
        s.sendall(b"EHLO client.test\r\n")
        reply(s)
        sockets.append(s)
    return sockets


def pss_kib(pid):
    return int(re.search(r"^Pss:\s+(\d+)", open("/proc/%d/smaps_rollup" % pid).read(), re.M).group(1))


def settled_pss(pid):
    """The least of a few looks: a collector or compiler at work goes away."""
    looks = []
    for _ in range(5):
        time.sleep(1)
        looks.append(pss_kib(pid))
    return min(looks)


def idle(a):
    # a few come and go, so that what is made once is not counted
    for s in greet(a.server, 20):
        s.close()
    subprocess.run(["jcmd", str(a.pid), "GC.run"], stdout=subprocess.DEVNULL, check=False)
    before = settled_pss(a.pid)
    sockets = greet(a.server, a.count)
    unswept = settled_pss(a.pid)
    subprocess.run(["jcmd", str(a.pid), "GC.run"], stdout=subprocess.DEVNULL, check=False)
    after = settled_pss(a.pid)
    print("%d idle sessions: %.1f KiB of process memory (PSS) each, %.1f KiB after a collection; %d MiB before"
          % (len(sockets), (unswept - before) / a.count, (after - before) / a.count, before / 1024))


def rate(a):
    start = time.perf_counter()
    subprocess.run(["smtp-source", "-N", "-d", "-s", "20", "-l", "4096", "-m", str(a.messages), "-f",
                    "sender@sender.test", "-t", a.to, "inet:%s:%d" % a.server], check=True)
    return a.messages / (time.perf_counter() - start)


class Slow:
    """Sends a command, a byte at a time, and looks at no reply; a connection that ends is opened again."""

    LINE = b"NOOP " + b"x" * 500 + b"\r\n"

    def __init__(self, address, count, every):
        self.address, self.every = address, every
        self.sockets = greet(address, count)
        for s in self.sockets:
            s.setblocking(False)
        self.sent = [i * 7 % 400 for i in range(count)]
        self.cut = 0

    def run(self, done):
        count, next_one, start = len(self.sockets), 0, time.monotonic()
        while not done():
            due = int((time.monotonic() - start) / self.every * count)
            while next_one < due:
                i = next_one % count
                next_one += 1
                at = self.sent[i] % len(self.LINE)
                self.sent[i] += 1
                try:
                    self.sockets[i].send(self.LINE[at:at + 1])
                except OSError:
                    self.cut += 1
                    self.sockets[i] = greet(self.address, 1)[0]
                    self.sockets[i].setblocking(False)
            time.sleep(0.005)


def slow(a):
    rate(a)  # warms the server up
    rates = {"alone": [], "beside": []}
    for _ in range(3):
        rates["alone"].append(rate(a))
        herd = Slow(a.server, a.count, a.every)
        child = os.fork()
        if child == 0:
            end = os.getppid()
            herd.run(lambda: os.getppid() != end)
            os._exit(0)
        time.sleep(1)
        rates["beside"].append(rate(a))
        os.kill(child, 9)
        os.waitpid(child, 0)
        for s in herd.sockets:
            s.close()
        time.sleep(1)
    alone, beside = (statistics.median(rates[k]) for k in ("alone", "beside"))
    print("good clients: %.0f/s alone %s, %.0f/s beside %d slow ones %s: they keep %.0f%%"
          % (alone, [round(x) for x in rates["alone"]], beside, a.count, [round(x) for x in rates["beside"]],
             100 * beside / alone))


def latency(a):
    s = greet(a.server, 1)[0]
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ends, forces = [], []
    with tempfile.NamedTemporaryFile(dir=a.directory) as f:
        os.write(f.fileno(), bytes(1 << 20))
        os.fsync(f.fileno())
        for i in range(a.messages):
            for line in (b"MAIL FROM:<sender@sender.test>\r\n", b"RCPT TO:<%s>\r\n" % a.to.encode(), b"DATA\r\n"):
                s.sendall(line)
                reply(s)
            s.sendall(MESSAGE)
            start = time.perf_counter()
            s.sendall(b".\r\n")
            reply(s)
            ends.append(time.perf_counter() - start)
            start = time.perf_counter()
            os.pwrite(f.fileno(), MESSAGE, i % 200 * 4608)
            os.fdatasync(f.fileno())
            forces.append(time.perf_counter() - start)
    half = a.messages // 2  # the first half warms the server up
    ends, forces = sorted(ends[half:]), sorted(forces[half:])
    p50, p99 = (lambda x: 1e6 * x[len(x) // 2]), (lambda x: 1e6 * x[len(x) * 99 // 100])
    print("final dot to 250: p50 %.0f us, p99 %.0f us; write and force alone: p50 %.0f us, p99 %.0f us; %.2f forces"
          % (p50(ends), p99(ends), p50(forces), p99(forces), p50(ends) / p50(forces)))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("question", choices=["idle", "slow", "latency"])
    p.add_argument("server", help="HOST:PORT")
    p.add_argument("--pid", type=int, help="the server's process")
    p.add_argument("--count", type=int, default=5000, help="idle or slow connections")
    p.add_argument("--every", type=float, default=3, help="seconds from byte to byte of a slow client")
    p.add_argument("--messages", type=int)
    p.add_argument("--to", default="user@example.test", help="a recipient that the server takes")
    p.add_argument("--directory", default=".", help="where to force, on the spool's disk")
    a = p.parse_args()
    host, _, port = a.server.rpartition(":")
    a.server = (host, int(port))
    a.messages = a.messages or (2000 if a.question == "latency" else 20000)
    if a.question == "idle" and not a.pid:
        p.error("idle: --pid is needed")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    {"idle": idle, "slow": slow, "latency": latency}[a.question](a)


if __name__ == "__main__":
    main()
