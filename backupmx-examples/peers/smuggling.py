#!/usr/bin/python3
"""Sends what might smuggle a second message through a reference server, Postfix and Exim, and counts what each takes.

smuggling.py [--exim FILE] JAR    JAR is backupmx-server.jar; FILE is Exim, if it is not in PATH as exim4 or exim

Needs Linux, root, Java 17, and Postfix or Exim: it installs neither, and leaves out what is not there. An Exim that was
only unpacked from its package will do (senders.sh --install exim unpacks one).

Each message holds a dot between two of eight line ends (CRLF, LF, CR, CR CR LF, LF CR, CRLF NUL, NUL CRLF, LF LF), then the
commands and the text of a second message; once directly behind the first header field, once behind another that ends with
CRLF, since Exim learns from the first line which line ends to expect. Postfix and Exim have configuration, queue and mail
of their own, on ports of 127.0.0.1. Both have their defaults, but Exim takes commands that come too soon
(smtp_enforce_sync): it would drop the smuggler's connection, whatever it took for the end of mail data.

The messages go to the server and on to each of both; to each of both, the server, and each of both; to each alone, to see
what it does by itself; and to a server that refuses bare line ends, and on. "250" is how many messages the client heard a
250 for.

Exit code: 0 if each took what the client heard a 250 for, no more and no less, and the server nothing that was smuggled
into it; 1 if not; 2 if something is missing.
"""

import argparse
import contextlib
import grp
import os
import pathlib
import platform
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ENDS = [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\0", b"\0\r\n", b"\n\n"]
FIELDS = [b"Subject: one", b"From: one@sender.test\r\nSubject: one"]
VARIANTS = [
    (fields + a, b) for fields in FIELDS for a in ENDS for b in ENDS if not (a.endswith(b"\r\n") and b.startswith(b"\r\n"))
]
SECONDS = 120
MASTER = """127.0.0.1:{port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
virtual unix - n n - - virtual
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
error unix - - n - - error
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
scache unix - - n - 1 scache
"""

EXIM = """exim_path = {binary}
spool_directory = {work}/spool
log_file_path = {work}/log/%slog
primary_hostname = exim.test
local_interfaces = 127.0.0.1
keep_environment = LD_LIBRARY_PATH
host_lookup =
rfc1413_hosts =
tls_advertise_hosts =
exim_user = nobody
exim_group = {group}
deliver_drop_privilege
smtp_enforce_sync = false
smtp_accept_queue_per_connection = 0
acl_smtp_rcpt = accept
begin routers
all:
  {router}
  transport = all
begin transports
all:
  {transport}
begin retry
* * F,1h,1s
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"{pathlib.Path(sys.argv[0]).name}: {what}: not within {SECONDS} s")
        time.sleep(0.1)


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Postfix:
    """Delivers to work/mail/all, or relays to the port that onward says; settings are further lines of main.cf."""

    name = "Postfix"

    @staticmethod
    def version():
        return subprocess.check_output(["postconf", "-d", "-h", "mail_version"], text=True).strip()

    def __init__(self, work, onward=None, settings=""):
        self.work, self.port = work, free_port()
        etc, mail = work / "etc", work / "mail"
        for directory in (work, etc, work / "queue", work / "data", mail):
            directory.mkdir()
        shutil.chown(work / "data", "postfix")
        shutil.chown(mail, "nobody")
        nobody = pwd.getpwnam("nobody")
        delivery = f"""virtual_mailbox_domains = static:ALL
virtual_mailbox_base = {mail}
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{nobody.pw_uid}
virtual_gid_maps = static:{nobody.pw_gid}
"""
        if onward:
            delivery = f"relay_domains = static:ALL\ntransport_maps = static:smtp:[127.0.0.1]:{onward}\n"
        (etc / "main.cf").write_text(f"""compatibility_level = 3.6
queue_directory = {work}/queue
data_directory = {work}/data
maillog_file = {work}/maillog
maillog_file_prefixes = {work}
myhostname = postfix.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
alias_maps =
smtpd_peername_lookup = no
{delivery}{settings}""")
        (etc / "master.cf").write_text(MASTER.format(port=self.port))
        self.start()

    def start(self):
        self._postfix("start")
        until("Postfix's start", lambda: listens(self.port))

    def _postfix(self, command):
        with open(self.work / "postfix.log", "ab") as log:
            arguments = ["postfix", "-c", self.work / "etc", command]
            subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)

    def is_idle(self):
        queues = (self.work / "queue" / name for name in ("incoming", "active", "deferred", "maildrop"))
        return not any(f.is_file() for queue in queues for f in queue.rglob("*"))

    def taken(self):
        """Messages, and how many of them had the smuggled envelope."""
        lines = [line for line in (self.work / "maillog").read_text().splitlines() if "/qmgr[" in line and " from=<" in line]
        return len(lines), sum("from=<smuggled@" in line for line in lines)

    def stop(self):
        self._postfix("stop")


class EximProgram:
    """An Exim, also one that was only unpacked: its libraries lie beside it, and the user that it wants is made up."""

    def __init__(self, binary, work):
        work.mkdir()
        self.binary, self.work, self.user = work / "exim", work, None
        beside = pathlib.Path(binary).resolve().parents[1] / "lib" / f"{platform.machine()}-linux-gnu"
        self.libraries = f"{beside}:{os.environ.get('LD_LIBRARY_PATH', '')}"
        shutil.copyfile(binary, self.binary)  # without set-user-ID, with which the libraries would not be found
        self.binary.chmod(0o755)
        missing = re.search('failed to find uid for user name "(.+)"', self._say("-bV"))
        if missing:
            self.user = missing[1]
            for name, entry in (("passwd", "x:499:499::/nonexistent:/usr/sbin/nologin"), ("group", "x:499:")):
                (work / name).write_text(pathlib.Path("/etc", name).read_text() + f"{self.user}:{entry}\n")
        said = self._say("-bV")
        version = re.search(r"^Exim version (\S+)", said, re.M)
        self.version = version[1] if version else sys.exit("smuggling.py: " + said)

    def command(self, *arguments):
        command = ["env", f"LD_LIBRARY_PATH={self.libraries}", self.binary, *arguments]
        if not self.user:
            return command
        bind = 'for f in passwd group; do mount --bind "$0/$f" /etc/$f; done; exec "$@"'
        return ["unshare", "-m", "bash", "-ec", bind, self.work, *command]

    def _say(self, *arguments):
        command = self.command(*arguments)
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout


class Exim:
    """Delivers to work/mail, or relays to the port that onward says; settings are further lines of the main section."""

    name = "Exim"

    def __init__(self, program, work, onward=None, settings=""):
        self.program, self.work, self.port = program, work, free_port()
        work.mkdir()
        for directory in ("spool", "log", "mail"):
            (work / directory).mkdir()
            shutil.chown(work / directory, "nobody")
        router = "driver = accept"
        transport = f"driver = appendfile\n  directory = {work}/mail\n  maildir_format"
        if onward:
            router = "driver = manualroute\n  route_list = * 127.0.0.1\n  self = send"
            transport = f"driver = smtp\n  port = {onward}\n  allow_localhost\n  connection_max_messages = 1"
        group = grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name
        config = EXIM.format(binary=program.binary, work=work, group=group, router=router, transport=transport)
        (work / "exim.conf").write_text(settings + config)
        self.start()

    def start(self):
        arguments = ["-C", self.work / "exim.conf", "-bdf", "-q2s", "-oP", self.work / "pid", "-oX", str(self.port)]
        with open(self.work / "exim.log", "ab") as log:
            command = self.program.command(*arguments)
            self.daemon = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        until("Exim's start", lambda: listens(self.port))

    def is_idle(self):
        return not any(f.is_file() for f in (self.work / "spool" / "input").rglob("*"))

    def taken(self):
        """Messages, and how many of them had the smuggled envelope."""
        lines = [line for line in (self.work / "log" / "mainlog").read_text(errors="replace").splitlines() if " <= " in line]
        return len(lines), sum(" <= smuggled@" in line for line in lines)

    def stop(self):
        self.daemon.terminate()
        self.daemon.wait(30)


class Server:
    name = "server"

    def __init__(self, jar, work, primaries, bare):
        work.mkdir()
        self.log = work / "server.log"
        domains = "".join(f'  {p.name.lower()}.test: {{primary: "127.0.0.1:{p.port}"}}\n' for p in primaries)
        (work / "server.yaml").write_text(f"""hostname: mx2.example.net
listen: ["127.0.0.1:0"]
spool: {work}/spool
limits: {{bare-line-ends: {bare}}}
domains:
{domains}""")
        with open(self.log, "wb") as out:
            command = ["java", "-jar", jar, "serve", "--config", work / "server.yaml"]
            self.process = subprocess.Popen(command, stdout=out, stderr=out)
        until("the server's start", lambda: b"listening on " in self.log.read_bytes() or self.process.poll() is not None)
        if self.process.poll() is not None:
            sys.exit("smuggling.py: " + self.log.read_text())
        self.port = int(self.log.read_text().split("listening on ")[1].split()[0].rsplit(":", 1)[1])

    def is_idle(self):
        text = self.log.read_text()
        return text.count("message accepted") <= text.count("recipient relayed")

    def taken(self):
        lines = [line for line in self.log.read_text().splitlines() if "message accepted" in line]
        return len(lines), sum("smuggled@" in line for line in lines)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def send(port, domain, before, after):
    """Returns how many messages were answered with 250."""
    envelope = f"MAIL FROM:<%s@sender.test>\r\nRCPT TO:<b@{domain}>\r\nDATA\r\n"
    dialogue = (b"EHLO a\r\n" + (envelope % "one").encode() + before + b"." + after
                + (envelope % "smuggled").encode() + b"Subject: two\r\n.\r\nQUIT\r\n")
    with socket.create_connection(("127.0.0.1", port), 60) as s:
        s.sendall(dialogue)
        lines = s.makefile("rb").read().split(b"\r\n")
    codes = [line[:3] for line in lines if line[3:4] == b" "]
    return sum(pair == (b"354", b"250") for pair in zip(codes, codes[1:]))


def attempt(label, domain, *hops):
    """Sends all to the first hop; whether each hop took what the client heard 250 for, and a server nothing smuggled."""
    before = [hop.taken() for hop in hops]
    answered = sum(send(hops[0].port, domain, *variant) for variant in VARIANTS)
    wanted = answered
    for hop, old in zip(hops, before):
        until(f"what {hop.name} takes", lambda: hop.taken()[0] - old[0] >= wanted and hop.is_idle())
        wanted = hop.taken()[0] - old[0]
    counts = [tuple(a - b for a, b in zip(hop.taken(), old)) for hop, old in zip(hops, before)]
    way = [f"{hop.name} {count[0]} ({count[1]} smuggled)" for hop, count in zip(hops, counts)]
    print(f"{label:10} client {len(VARIANTS)} -> 250 {answered} -> " + " -> ".join(way), flush=True)
    return all(c[0] == answered and c[1] == counts[0][1] for c in counts) and (hops[0].name != "server" or counts[0][1] == 0)


def run(jar, exim):
    work = pathlib.Path(tempfile.mkdtemp(prefix="backupmx-smuggling.", dir="/tmp"))
    work.chmod(0o755)
    with contextlib.ExitStack() as ends:
        ends.callback(shutil.rmtree, work)

        def start(kind, name, *arguments):
            started = kind(*arguments[:1], work / name, *arguments[1:]) if kind in (Server, Exim) else kind(work / name, *arguments)
            ends.callback(started.stop)
            return started

        kinds = []
        if shutil.which("postfix"):
            kinds.append((Postfix, ()))
            print("Postfix", Postfix.version())
        else:
            print("Postfix: not there, left out")
        if exim:
            program = EximProgram(exim, work / "program")
            kinds.append((Exim, (program,)))
            print("Exim", program.version)
        else:
            print("Exim: not there, left out (exim4 or exim in PATH, or --exim FILE)")
        if not kinds:
            print("smuggling.py: neither Postfix nor Exim", file=sys.stderr)
            return 2

        primaries = [start(kind, f"{kind.name}-primary", *first) for kind, first in kinds]
        server = start(Server, "normalise", jar, primaries, "normalise")
        strict = start(Server, "reject", jar, primaries, "reject")
        senders = [start(kind, f"{kind.name}-sender", *first, server.port) for kind, first in kinds]
        results = []
        for primary in primaries:
            domain = f"{primary.name.lower()}.test"
            results.append(attempt("normalise", domain, server, primary))
            results.append(attempt("reject", domain, strict, primary))
            results += [attempt("normalise", domain, sender, server, primary) for sender in senders]
            attempt("alone", domain, primary)
        return 0 if all(results) else 1


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--exim", default=shutil.which("exim4") or shutil.which("exim"))
    parser.add_argument("jar")
    options = parser.parse_args()
    if os.geteuid() != 0:
        parser.exit(2, "smuggling.py: wants root\n")
    if options.exim and not os.access(options.exim, os.X_OK):
        parser.exit(2, f"smuggling.py: --exim: {options.exim} (expected: a program)\n")
    return run(options.jar, options.exim)


if __name__ == "__main__":
    sys.exit(main())
