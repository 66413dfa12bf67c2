#!/usr/bin/python3
"""Sends what might smuggle a second message through a reference server and real Postfixes, and counts what each takes.

smuggling.py JAR    JAR is backupmx-server.jar; needs Linux, root, Java 17 and Postfix, which it does not install

Each message holds a dot between two of eight line ends (CRLF, LF, CR, CR CR LF, LF CR, CRLF NUL, NUL CRLF, LF LF), then the
commands and the text of a second message. Postfix runs with its default for bare line feeds, with configuration, queue and
mail of its own, on a port of 127.0.0.1; the server repairs bare line ends, its default. It goes to
the server and on to Postfix; to Postfix, the server, and Postfix; and to Postfix alone, to see that it does smuggle.

Exit code: 0 if nobody took more or less than the one before, and the server no second message; 1 if not.
"""

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ENDS = [b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\0", b"\0\r\n", b"\n\n"]
VARIANTS = [(a, b) for a in ENDS for b in ENDS if not (a.endswith(b"\r\n") and b.startswith(b"\r\n"))]
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


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"smuggling.py: {what}: not within {SECONDS} s")
        time.sleep(0.1)


def start_postfix(work, port, onward=None):
    """Delivers to work/mail/all, or relays to the port that onward says."""
    etc, mail = work / "etc", work / "mail"
    for directory in (work, etc, work / "queue", work / "data", mail):
        directory.mkdir()
    shutil.chown(work / "data", "postfix")
    shutil.chown(mail, "nobody")
    nobody = pwd.getpwnam("nobody")
    delivery = f"""virtual_mailbox_domains = example.test
virtual_mailbox_base = {mail}
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{nobody.pw_uid}
virtual_gid_maps = static:{nobody.pw_gid}
"""
    if onward:
        delivery = f"relay_domains = example.test\ntransport_maps = static:smtp:[127.0.0.1]:{onward}\n"
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
{delivery}""")
    (etc / "master.cf").write_text(MASTER.format(port=port))
    with open(work / "postfix.log", "wb") as log:
        subprocess.run(["postfix", "-c", etc, "start"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
    until("Postfix's start", lambda: listens(port))


def stop_postfix(work):
    subprocess.run(["postfix", "-c", work / "etc", "stop"], stdin=subprocess.DEVNULL, capture_output=True, check=False)


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def start_server(jar, work, primary):
    config = work / "server.yaml"
    config.write_text(f"""hostname: mx2.example.net
listen: ["127.0.0.1:0"]
spool: {work}/spool
domains:
  example.test: {{primary: "127.0.0.1:{primary}"}}
""")
    log = work / "server.log"
    with open(log, "wb") as out:
        server = subprocess.Popen(["java", "-jar", jar, "serve", "--config", config], stdout=out, stderr=out)
    until("the server's start", lambda: b"listening on " in log.read_bytes() or server.poll() is not None)
    if server.poll() is not None:
        sys.exit("smuggling.py: " + log.read_text())
    return server, int(log.read_text().split("listening on ")[1].split()[0].rsplit(":", 1)[1])


def send(port, before, after):
    """Returns the replies' codes, from the banner to that of QUIT."""
    envelope = b"MAIL FROM:<%s@sender.test>\r\nRCPT TO:<b@example.test>\r\nDATA\r\n"
    dialogue = b"EHLO a\r\n" + envelope % b"one" + b"Subject: one" + before + b"." + after
    dialogue += envelope % b"smuggled" + b"Subject: two\r\n.\r\nQUIT\r\n"
    with socket.create_connection(("127.0.0.1", port), 60) as s:
        s.sendall(dialogue)
        lines = s.makefile("rb").read().split(b"\r\n")
    return [line[:3].decode() for line in lines if line[3:4] == b" "]


def send_all(port):
    for variant in VARIANTS:
        send(port, *variant)


def is_idle(postfix):
    return not any(f.is_file() for q in ("incoming", "active", "maildrop") for f in (postfix / "queue" / q).rglob("*"))


def taken_by_postfix(postfix):
    """Messages, and how many of them had the smuggled envelope."""
    lines = [line for line in (postfix / "maillog").read_text().splitlines() if "/qmgr[" in line and " from=<" in line]
    return len(lines), sum("from=<smuggled@" in line for line in lines)


def taken_by_us(log):
    lines = [line for line in log.read_text().splitlines() if "message accepted" in line]
    return len(lines), sum("smuggled@" in line for line in lines)


def table(*way):
    print(" ".join(f"{cell:18}" for cell in way).rstrip(), flush=True)


def show(counts):
    return f"{counts[0]} ({counts[1]} smuggled)"


def run(jar):
    work = pathlib.Path(tempfile.mkdtemp(prefix="backupmx-smuggling.", dir="/tmp"))
    work.chmod(0o755)
    primary, sender, alone = work / "primary", work / "sender", work / "alone"
    ports = [free_port() for _ in range(3)]
    server, started = None, []
    good = True
    try:
        start_postfix(primary, ports[0])
        started.append(primary)
        server, port = start_server(jar, work, ports[0])
        log = work / "server.log"

        def settled(count):
            text = log.read_text()
            return text.count("message accepted") >= count <= text.count("recipient relayed") and is_idle(primary)

        send_all(port)
        until("relay of all messages", lambda: settled(len(VARIANTS)))
        ours, theirs = taken_by_us(log), taken_by_postfix(primary)
        table("client", str(len(VARIANTS)), "server", show(ours), "Postfix", show(theirs))
        good = ours == theirs == (len(VARIANTS), 0)

        start_postfix(sender, ports[1], port)
        started.append(sender)
        send_all(ports[1])
        until("Postfix's relay", lambda: is_idle(sender))
        first = taken_by_postfix(sender)
        until("relay of all messages", lambda: settled(ours[0] + first[0]))
        second, third = taken_by_us(log), taken_by_postfix(primary)
        second = tuple(a - b for a, b in zip(second, ours))
        third = tuple(a - b for a, b in zip(third, theirs))
        table("client", str(len(VARIANTS)), "Postfix", show(first), "server", show(second), "Postfix", show(third))
        good = good and first == second == third

        start_postfix(alone, ports[2])
        started.append(alone)
        send_all(ports[2])
        until("Postfix's delivery", lambda: is_idle(alone))
        table("client", str(len(VARIANTS)), "Postfix", show(taken_by_postfix(alone)))
        return good
    finally:
        if server:
            server.terminate()
            server.wait(30)
        for postfix in started:
            stop_postfix(postfix)
        shutil.rmtree(work)


def main(jar):
    if os.geteuid() != 0 or not shutil.which("postfix"):
        sys.exit("smuggling.py: wants root, and Postfix")
    return 0 if run(jar) else 1


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
