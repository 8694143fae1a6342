"""What Strongroom is measured against: nginx, and Django with gunicorn, on loopback, with the same certificate.

nginx serves files over TLS (HTTP/1.1 on one port, HTTP/2 on another), stands in front of gunicorn, and in front of a trivial upstream.
It runs with its own defaults: as many workers as cores, access log off, keep-alive without a bound on requests.
"""

import http.client
import json
import os
import shutil
import ssl
import subprocess
import time
from pathlib import Path
from firm import end, free_port
from measure import Unmeasured

STATIC = "page.html"
LARGE = "large.bin"
LARGE_BYTES = 100_000_000

CONF = """
daemon off;
{user}
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    default_type application/octet-stream;
    types {{ text/html html; }}
    ssl_certificate {chain};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    upstream trivial {{ server 127.0.0.1:{trivial}; keepalive 64; }}
    upstream gunicorn {{ server unix:{socket} fail_timeout=0; }}
    server {{ listen 127.0.0.1:{files} ssl; root {folder}/files; }}
    server {{ listen 127.0.0.1:{files2} ssl http2; root {folder}/files; }}
    server {{ listen 127.0.0.1:{trivial}; location / {{ return 200 "ok\\n"; }} }}
    server {{
        listen 127.0.0.1:{front} ssl;
        location / {{ proxy_pass http://trivial; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; }}
    }}
    server {{
        listen 127.0.0.1:{django} ssl;
        location / {{ proxy_pass http://gunicorn; proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto https; }}
    }}
}}
"""


class Certificate:
    """A certificate for localhost over a P-256 key, made once and used by all servers."""

    def __init__(self, folder):
        self.chain, self.key = folder / "chain.pem", folder / "key.pem"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", "/CN=localhost"]
        command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", str(self.chain), "-keyout", str(self.key)]
        subprocess.run(command, check=True, capture_output=True)


def large_file(folder):
    """A file of 100 MB that does not compress."""
    path = folder / LARGE
    with open(path, "wb") as out:
        for _ in range(LARGE_BYTES // 1_000_000):
            out.write(os.urandom(1_000_000))
    return path


class Nginx:
    """A running nginx with one port for each purpose."""

    def __init__(self, folder, certificate):
        self.ports = {name: free_port() for name in ("files", "files2", "front", "django", "trivial")}
        (folder / "files").mkdir(parents=True)
        (folder / "files" / STATIC).write_bytes(b"<p>A line of a page of twelve kilobytes.</p>\n" * 267)
        self.large = large_file(folder / "files")
        self.socket = folder / "gunicorn.sock"
        user = "user root;" if os.getuid() == 0 else ""
        conf = CONF.format(folder=folder, socket=self.socket, chain=certificate.chain, key=certificate.key, user=user, **self.ports)
        (folder / "nginx.conf").write_text(conf)
        self.child = subprocess.Popen(["nginx", "-p", str(folder), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"])
        answered(self.ports["trivial"], "/", self.child)

    @property
    def pid(self):
        return self.child.pid

    def url(self, purpose, path=""):
        return f"https://127.0.0.1:{self.ports[purpose]}/{path}"

    def end(self):
        end(self.child)


class Django:
    """The casebook in Django behind gunicorn: two workers, a SQLite file with a thousand cases, one session."""

    def __init__(self, python, folder, bind):
        self.python, self.folder = python, folder
        if not (folder / "casebook.db").exists():
            folder.mkdir(parents=True, exist_ok=True)
            made = subprocess.run([python, "-m", "casebook.fill"], env=self.environment(), capture_output=True, text=True)
            if made.returncode:
                raise Unmeasured(f"the casebook could not be made: {made.stderr[-400:]}")
            (folder / "made.json").write_text(made.stdout)
        made = json.loads((folder / "made.json").read_text())
        self.version, self.cookie = made["version"], f"Cookie: sessionid={made['session']}"
        command = [python, "-m", "gunicorn", "--workers", "2", "--bind", bind, "--log-level", "error", "django.core.wsgi:get_wsgi_application()"]
        self.child = subprocess.Popen(command, env=self.environment(), cwd=folder)

    def environment(self):
        return {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "PYTHONDONTWRITEBYTECODE": "1", "DJANGO_SETTINGS_MODULE": "casebook.settings", "CASEBOOK": str(self.folder / "casebook.db")}

    @property
    def pid(self):
        return self.child.pid

    def end(self):
        end(self.child)


def answered(port, path, child, patience=30):
    """Waits until 127.0.0.1 answers over plain HTTP; gives the moment."""
    until = time.monotonic() + patience
    while time.monotonic() < until and child.poll() is None:
        http_ = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            http_.request("GET", path)
            if http_.getresponse().status == 200:
                return time.monotonic()
        except OSError:
            time.sleep(0.001)
        finally:
            http_.close()
    raise Unmeasured(f"nothing answers on port {port}")


def fetched(port, path, cookie, patience=30):
    """Bytes of a page over TLS, waited for while nginx finds nobody behind it; the certificate is not checked here."""
    until = time.monotonic() + patience
    while True:
        http_ = http.client.HTTPSConnection("127.0.0.1", port, context=ssl._create_unverified_context(), timeout=60)
        http_.request("GET", path, headers={"Cookie": cookie.partition(" ")[2]})
        answer = http_.getresponse()
        text = answer.read()
        http_.close()
        if answer.status == 200:
            return text
        if answer.status != 502 or time.monotonic() > until:
            raise Unmeasured(f"{path} of an anchor answered {answer.status}")
        time.sleep(0.1)


def fresh(folder):
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
