"""Start, memory and size.

Start: from exec to the first 200 of /healthz over TLS, with data that is there, asked again every half millisecond; Django with
gunicorn the same way over plain HTTP. Idle RSS: after a hundred signed-in pages, two seconds later; for gunicorn the sum of its
processes. Both processes are started and ended in turn.
"""

import os
import shutil
import socket
import ssl
import subprocess
import time
from anchors import Django, answered
from firm import Visit, end, free_port, plain_environment
from measure import Unmeasured, mega, median, milli, rounds, rss
from table import at_most

PATIENCE = 30


def first_answer(port, context, child):
    """The moment of the first 200."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and child.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as plain, context.wrap_socket(plain, server_hostname="localhost") as line:
                line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if line.recv(64).startswith(b"HTTP/1.1 200"):
                    return time.monotonic()
        except OSError:
            time.sleep(0.0005)
    raise Unmeasured("it did not start")


def ours(stage, cookies):
    """Seconds to the first answer, and idle bytes, of one start on existing data."""
    firm = stage.firm
    port = free_port()
    words = [stage.binary, "serve", "--json", "--data", str(stage.folder / "still"), "--bind", "127.0.0.1", "--port", str(port)]
    words += ["--tls-cert", str(firm.certificate.chain), "--tls-key", str(firm.certificate.key)]
    context = ssl.create_default_context(cafile=firm.certificate.chain)
    begin = time.monotonic()
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=plain_environment())
    try:
        seconds = first_answer(port, context, child) - begin
        visit = Visit(port, firm.certificate.chain)
        visit.cookies = dict(cookies)
        for _ in range(100):
            visit.get("/cases")
        time.sleep(2)
        return seconds, rss(child.pid)
    finally:
        end(child)


def django(stage):
    """The same for the anchor."""
    port = free_port()
    begin = time.monotonic()
    site = Django(stage.python, stage.folder / "django", f"127.0.0.1:{port}")
    try:
        seconds = answered(port, "/healthz", site.child) - begin
        return seconds, rss(site.pid)
    finally:
        site.end()


def begin(stage):
    """A copy of the firm, so that the one that runs is not disturbed, started again and again."""
    cookies = stage.priya.cookies
    version = stage.django.version
    time.sleep(1)
    shutil.copytree(stage.firm.data, stage.folder / "still", dirs_exist_ok=True, ignore=shutil.ignore_patterns("control.sock"))
    figures = rounds(3 if stage.quick else 9, {"django": lambda: django(stage), "ours": lambda: ours(stage, cookies)})
    time_of, bytes_of = (lambda one: one[0]), (lambda one: one[1])
    slow, fast = median(figures["django"], time_of), median(figures["ours"], time_of)
    large, small = median(figures["django"], bytes_of), median(figures["ours"], bytes_of)
    size = os.stat(stage.binary).st_size
    limit = lambda row, met: setattr(row, "verdict", "met" if met else "missed") or row
    return [
        limit(at_most("start to first answer", f"Django {version} {milli(slow)}", milli(fast), fast / slow, 1, "≤ 60 ms"), fast <= 0.060),
        limit(at_most("idle RSS", f"Django {version} {mega(large)}", mega(small), small / large, 1, "≤ 45 MB"), small <= 45e6),
        limit(at_most("binary", "–", mega(size), size / 45e6, 1, "≤ 45 MB"), size <= 45e6),
    ]
