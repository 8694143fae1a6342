"""Clients of the flood: `pages` asks for the list of cases at a steady rate, `passwords` posts wrong passwords without a pause.

Arguments: kind, port, seconds, and pages a second or number of clients. Standard input: cookie and e-mail addresses, as JSON.
Prints one line of JSON.
"""

import http.client
import json
import re
import ssl
import sys
import threading
import time
import urllib.parse
from measure import percentile

LINES = 10


def line_to(port):
    """A keep-alive connection; the certificate is not checked here."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    line = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60)
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


def post_passwords(port, until, email, out):
    """One client: reads the form, then posts wrong passwords."""
    line = line_to(port)
    _, fields, text = asked(line, "GET", "/sign-in")
    cookie = "; ".join(value.partition(";")[0] for value in fields.get_all("Set-Cookie", []))
    token = re.search(r'name="csrf" value="([^"]*)"', text).group(1)
    while time.monotonic() < until:
        body = urllib.parse.urlencode({"csrf": token, "email": email, "password": "not-the-password"})
        status, _, _ = asked(line, "POST", "/sign-in", body, {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"})
        out.append(status)
        if status != 422:
            time.sleep(0.1)


def passwords(port, seconds, clients, given):
    """All clients, each with the address of somebody of the firm."""
    until, out, emails = time.monotonic() + seconds, [], given["emails"]
    threads = [threading.Thread(target=post_passwords, args=(port, until, emails[n % len(emails)], out)) for n in range(clients)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return {"wrong": out.count(422), "busy": len(out) - out.count(422)}


def main():
    kind, port, seconds, number = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    print(json.dumps({"pages": pages, "passwords": passwords}[kind](port, seconds, number, json.load(sys.stdin))))


main()
