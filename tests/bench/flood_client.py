"""Clients of the flood: `pages` asks for the list of cases at a steady rate, `passwords` posts wrong passwords without a pause.

Arguments: kind, port, seconds, and pages a second or number of clients. Standard input, as JSON: cookie, e-mail addresses of people who
are there, and which flood it is. Prints one line of JSON.

A network address is held off after forty tries and an account after ten. So a client goes on from another address after twenty, of
127.0.0.0/8, in which each flood has a part of its own; and only every eighth try is about somebody who is there.
"""

import http.client
import itertools
import json
import re
import ssl
import sys
import threading
import time
import urllib.parse
from measure import percentile

LINES = 10
TRIES, THERE = 20, 8


def line_to(port, source="127.0.0.1"):
    """A keep-alive connection from an address; the certificate is not checked here."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    line = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60, source_address=(source, 0))
    line.connect()
    return line


def asked(line, method, path, body=None, fields=None):
    """Status, fields and text of an answer."""
    line.request(method, path, body, fields or {})
    answer = line.getresponse()
    return answer.status, answer.headers, answer.read().decode()


def ask_pages(port, until, first, pause, cookie, out):
    """One connection: a request each `pause`, timed from when it was due."""
    line, due = line_to(port), first
    while due < until:
        time.sleep(max(0, due - time.monotonic()))
        status, _, text = asked(line, "GET", "/cases", None, {"Cookie": cookie})
        out.append((time.monotonic() - due, status == 200 and "</html>" in text))
        due += pause


def pages(port, seconds, rate, given):
    """All connections, their beats spread evenly."""
    begin, out = time.monotonic() + 0.5, []
    pause = LINES / rate
    lines = [threading.Thread(target=ask_pages, args=(port, begin + seconds, begin + n / rate, pause, given["cookie"], out)) for n in range(LINES)]
    [line.start() for line in lines]
    [line.join() for line in lines]
    times = [took for took, _ in out]
    return {"asked": len(out), "failed": sum(not well for _, well in out), "p99": percentile(times, 0.99), "p50": percentile(times, 0.5)}


def sources(flood):
    """Addresses of this flood, no two the same: 127.1.0.2, 127.1.0.3, …"""
    return (f"127.{flood}.{n // 250}.{n % 250 + 2}" for n in itertools.count())


def targets(flood, emails):
    """Whom a try is about: mostly somebody new who is not there."""
    there = itertools.cycle(emails)
    return (next(there) if n % THERE == 0 else f"nobody.{flood}.{n}@pellharrow.example" for n in itertools.count())


class Shared:
    """What the clients take from in turn: an iterator that several threads may ask."""

    def __init__(self, given):
        self.given, self.lock = given, threading.Lock()

    def __next__(self):
        with self.lock:
            return next(self.given)


def post_passwords(port, until, places, people, out):
    """One client: reads the form, then posts wrong passwords, from another address every so often."""
    cookie = token = None
    while time.monotonic() < until:
        line = line_to(port, next(places))
        if not token:
            _, fields, text = asked(line, "GET", "/sign-in")
            cookie = "; ".join(value.partition(";")[0] for value in fields.get_all("Set-Cookie", []))
            token = re.search(r'name="csrf" value="([^"]*)"', text).group(1)
        for _ in range(TRIES):
            if time.monotonic() >= until:
                break
            body = urllib.parse.urlencode({"csrf": token, "email": next(people), "password": "not-the-password"})
            status, _, _ = asked(line, "POST", "/sign-in", body, {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"})
            out.append(status)
            if status not in (422, 429):
                time.sleep(0.1)
        line.close()


def passwords(port, seconds, clients, given):
    """All clients."""
    until, out = time.monotonic() + seconds, []
    places, people = Shared(sources(given["flood"])), Shared(targets(given["flood"], given["emails"]))
    threads = [threading.Thread(target=post_passwords, args=(port, until, places, people, out)) for _ in range(clients)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    wrong, held = out.count(422), out.count(429)
    return {"wrong": wrong, "held": held, "busy": len(out) - wrong - held}


def main():
    kind, port, seconds, number = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    print(json.dumps({"pages": pages, "passwords": passwords}[kind](port, seconds, number, json.load(sys.stdin))))


main()
