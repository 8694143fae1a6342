"""The sample firm: started on a port of its own, and somebody signed in to it.

Sign-in is done as a browser does it: the form token comes from the page, cookies are kept, and the code is made from the secret that
the demo prints. A code counts once; when it was used already, the next one is waited for.
"""

import base64
import hashlib
import hmac
import html
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.parse
from measure import Unmeasured

STEP = 30
PATIENCE = 3600
ROW = re.compile(r'href="(/cases/[A-Za-z0-9_-]{32})"')


def free_port():
    """A port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def plain_environment():
    """Our environment without settings for Strongroom."""
    return {name: value for name, value in os.environ.items() if not name.startswith("STRONGROOM")}


def code_of(secret, moment):
    """The six digits of an authenticator (RFC 6238)."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", int(moment) // STEP), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at:at + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


def end(child):
    """Ends a process that we started: SIGTERM, and SIGKILL after fifteen seconds."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


class Firm:
    """A running server with the sample firm in `data`. When it is not there it is made, and the server that made it is started anew."""

    def __init__(self, binary, data, certificate, cases):
        self.binary, self.data, self.certificate, self.port = binary, data, certificate, free_port()
        self.log = open(f"{data}.log", "ab")
        self.log.truncate(0)
        if not data.exists():
            self.make(cases)
        self.users = self.start(data, cases)["users"]

    def make(self, cases):
        """Makes the firm beside its place and moves it there when it is whole: what was broken off is never taken for a firm."""
        new = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        self.start(new, cases)
        end(self.child)
        new.rename(self.data)

    def start(self, data, cases=0):
        """Starts the server; gives what it says once it answers. Making a firm may take `PATIENCE` seconds."""
        command = [self.binary, "demo", "--json", "--cases", str(cases), "--data", str(data), *self.settings()]
        self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True, env=plain_environment())
        alarm = threading.Timer(PATIENCE, self.child.kill)
        alarm.start()
        said = self.child.stdout.readline()
        alarm.cancel()
        if not said.startswith("{"):
            end(self.child)
            raise Unmeasured(f"the demo did not start within {PATIENCE} s: see {self.data}.log")
        return json.loads(said)

    def again(self):
        """Ends the server and starts it anew; sessions go on, memory is as after a start."""
        end(self.child)
        self.start(self.data)

    def settings(self):
        """Flags of the server."""
        return ["--bind", "127.0.0.1", "--port", str(self.port), "--tls-cert", str(self.certificate.chain), "--tls-key", str(self.certificate.key)]

    @property
    def pid(self):
        return self.child.pid

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def end(self):
        end(self.child)
        self.log.close()

    def visit(self, source="127.0.0.1"):
        """A browser in which nobody is signed in, coming from an address of the loopback network."""
        return Visit(self.port, self.certificate.chain, source)

    def signed_in(self, name="Priya"):
        """A browser in which `name` is signed in."""
        user = next(user for user in self.users if user["name"].startswith(name))
        for _ in range(4):
            visit = self.visit()
            visit.submit("/sign-in", "/sign-in", email=user["email"], password=user["password"])
            moment = time.time()
            status, _ = visit.submit("/sign-in/code", "/sign-in/code", code=code_of(user["totp_secret"], moment))
            if status == 303 and "__Host-session" in visit.cookies:
                return visit
            time.sleep(STEP - moment % STEP + 0.5)
        raise Unmeasured(f"{name} could not sign in")


class Visit:
    """A browser without scripts: one keep-alive connection, cookies kept, no redirect followed."""

    FORM = "application/x-www-form-urlencoded"

    def __init__(self, port, chain, source="127.0.0.1"):
        self.http = http.client.HTTPSConnection("127.0.0.1", port, context=ssl.create_default_context(cafile=chain), timeout=120, source_address=(source, 0))
        self.cookies = {}

    @property
    def cookie(self):
        """The Cookie field."""
        return "Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def ask(self, method, path, body=None, kind=None):
        """Sends a request; gives status and text."""
        fields = {"Cookie": self.cookie.partition(" ")[2]} if self.cookies else {}
        fields.update({"Content-Type": kind} if kind else {})
        try:
            self.http.request(method, path, body, fields)
            answer = self.http.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            # The server closed an idle connection: once more over a new one.
            self.http.close()
            self.http.request(method, path, body, fields)
            answer = self.http.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            if value and "Max-Age=0" not in cookie:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        self.fields, self.location = answer.headers, answer.headers.get("Location", "")
        return answer.status, answer.read().decode()

    def get(self, path):
        """The text of a page."""
        status, text = self.ask("GET", path)
        if status != 200:
            raise Unmeasured(f"{path} answered {status}")
        return text

    def token(self, path):
        """The form token of a page."""
        return html.unescape(re.search(r'name="csrf" value="([^"]*)"', self.get(path)).group(1))

    @staticmethod
    def form(**fields):
        """The body of a form."""
        return urllib.parse.urlencode(fields)

    def submit(self, page, path, **fields):
        """Sends a form with the token of the page at `page`."""
        return self.ask("POST", path, self.form(csrf=self.token(page), **fields), self.FORM)

    def open_case(self, title):
        """Opens a case as staff would; gives its path."""
        form = self.get("/cases/new")
        options = {html.unescape(words): value for value, words in re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)', form)}
        kind = next(value for words, value in options.items() if "Naturalisation" in words)
        owner = next(value for words, value in options.items() if "Priya Nair" in words)
        status, _ = self.submit("/cases/new", "/cases", title=title, summary="", type=kind, owner=owner, status="open")
        if status != 303:
            raise Unmeasured(f"a case could not be opened: {status}")
        return self.location.partition("?")[0]
