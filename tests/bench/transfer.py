"""Files of 100 MB, one at a time, by curl over TLS.

Download: decrypted on the way out, against the same file from nginx (sendfile, TLS), once over HTTP/1.1 and once over HTTP/2, which is
what browsers speak. Throughput is what curl says; it throws the bytes away.
Upload: a multipart form, token first, then the file; the clock runs until the answer says that file and row are durable. The anchor
copies the same file on the same file system, piece by piece, and calls fsync. Both keep every file until the end: a copy that is removed
at once would hand its warm pages to the next, which no upload gets. The client encrypts on the same cores, so that the speed
is that of both together; the CPU that the server alone spent stands beside it.
"""

import os
import subprocess
import time
from anchors import LARGE_BYTES
from measure import Unmeasured, cpu, median, mega, rounds, rss, warmed
from table import at_least

PIECE = 1 << 20


def curl(stage, *words):
    """Runs curl; gives status, seconds and the place of the answer."""
    command = ["curl", "-sS", "-o", "/dev/null", "--cacert", str(stage.certificate.chain), "--max-time", "120", "-w", "%{http_code} %{time_total} %{redirect_url}", *words]
    said = subprocess.run(command, capture_output=True, text=True, timeout=150)
    if said.returncode:
        raise Unmeasured(f"curl: {said.stderr[-300:]}")
    status, seconds, *place = said.stdout.split()
    return int(status), float(seconds), place


def taken(stage, *words):
    """Bytes a second of a download."""
    status, seconds, _ = curl(stage, *words)
    if status != 200:
        raise Unmeasured(f"the download answered {status}")
    return LARGE_BYTES / seconds


def sent(stage, version, page):
    """Bytes a second of an upload to the documents of a case."""
    token = stage.priya.token(page)
    words = ["-F", f"csrf={token}", "-F", f"file=@{stage.nginx.large}", "-H", stage.priya.cookie, version, stage.firm.url + page]
    status, seconds, _ = curl(stage, *words)
    if status != 303:
        raise Unmeasured(f"the upload answered {status}")
    return LARGE_BYTES / seconds


def copied(stage):
    """Bytes a second of a copy with fsync."""
    target = stage.folder / f"copy-{time.monotonic_ns()}.bin"
    begin = time.monotonic()
    with open(stage.nginx.large, "rb", buffering=0) as source, open(target, "wb", buffering=0) as out:
        while piece := source.read(PIECE):
            out.write(piece)
        os.fsync(out.fileno())
    seconds = time.monotonic() - begin
    return LARGE_BYTES / seconds


def throughput(bytes_a_second):
    return f"{bytes_a_second / 1e6:,.0f} MB/s"


def documents_of_new_case(stage):
    """The page of the documents of a case made for this."""
    return stage.priya.open_case("A case for large files") + "/documents"


def with_cost(root, moved):
    """The speed of `moved()` and the CPU seconds that the server `root` spent on it."""
    before = cpu([root])
    speed = moved()
    time.sleep(0.1)
    return speed, cpu([root]) - before


def words_of(figures):
    """Median speed, and both in words."""
    speed, spent = median(figures, lambda one: one[0]), median(figures, lambda one: one[1])
    return speed, f"{throughput(speed)}, CPU {spent * 1e3:.0f} ms"


def download(stage):
    """100 MB down."""
    page = documents_of_new_case(stage)
    sent(stage, "--http1.1", page)
    text = stage.priya.get(page)
    content = next(part for part in text.split('"') if part.startswith("/documents/") and part.endswith("/content"))
    nginx, firm, rows = stage.nginx, stage.firm, []
    for words, version, purpose in (("HTTP/1.1", "--http1.1", "files"), ("HTTP/2", "--http2", "files2")):
        figures = rounds(3 if stage.quick else 11, warmed({
            "nginx": lambda: with_cost(nginx.pid, lambda: taken(stage, version, nginx.url(purpose, "large.bin"))),
            "ours": lambda: with_cost(firm.pid, lambda: taken(stage, "-H", stage.priya.cookie, version, firm.url + content)),
        }))
        (file, anchor), (own, ours) = words_of(figures["nginx"]), words_of(figures["ours"])
        rows.append(at_least(f"download 100 MB, {words}", f"nginx file {anchor}", ours, own / file, 0.8))
    return rows


def upload(stage):
    """100 MB up. The most RSS after an upload is told too: memory should not grow with the file."""
    page, firm, rows = documents_of_new_case(stage), stage.firm, []
    sent(stage, "--http1.1", page)
    for words, version in (("HTTP/1.1", "--http1.1"), ("HTTP/2", "--http2")):
        before, most = rss(firm.pid), []

        def ours():
            found = with_cost(firm.pid, lambda: sent(stage, version, page))
            most.append(rss(firm.pid))
            return found

        figures = rounds(3 if stage.quick else 9, warmed({"copy": lambda: (copied(stage), 0), "ours": ours}))
        copy, (own, told) = median(figures["copy"], lambda one: one[0]), words_of(figures["ours"])
        grown = mega(max(0, max(most) - before))
        rows.append(at_least(f"upload 100 MB, {words}", f"copy + fsync {throughput(copy)}", f"{told}, RSS +{grown}", own / copy, 0.5))
    return rows
