"""What shipping costs on the wire, and what bringing it all back costs: a firm with a database of some 500 MB and 2 GB of documents.

Bytes: 1,000 cases at random are changed through the pages, as staff do it. The anchor is what was written to the write-ahead logs, counted frame by frame every few
milliseconds. Beside it stand restic (a repository without a limit of its own) and rsync (whole protocol, both ways),
which get a copy of the data as it was before and then as it is after. Then nobody does anything for more than a minute.

Restore: from the destination and the recovery kit to a directory that can be served, everything checked and durable; against `cp -r` of
the same data and `sync` of it. In turn.
"""

import html
import json
import os
import random
import re
import shutil
import subprocess
import threading
import time
from firm import ROW, Firm, end, plain_environment
from measure import Unmeasured, mega, median
from stage import say
from table import Row, at_most, told

MILLION = 1_000_000
DOCUMENTS, DOCUMENT_BYTES = 40, 50_000_000
UPDATES = 1_000


def command(stage, *words, text=None):
    """Runs a command of ours; gives what it printed."""
    said = subprocess.run([stage.binary, *map(str, words)], input=text, capture_output=True, text=True, timeout=1800, env=plain_environment())
    if said.returncode:
        raise Unmeasured(f"{words[:2]}: {said.stderr[-300:]}")
    return said.stdout


def weight(folder):
    """Bytes of all files below a folder."""
    return sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)


class Log:
    """A write-ahead log as it is written (SQLite file format, section 4): its frames bear the salts of its head. When they are others, it
    was begun anew, over what was in it."""

    def __init__(self, path):
        self.file, self.salts, self.frames, self.bytes = open(path, "rb"), None, 0, 0
        self.look()
        self.bytes = 0

    def look(self):
        head = os.pread(self.file.fileno(), 32, 0)
        if len(head) < 32:
            return
        page = int.from_bytes(head[8:12], "big")
        if head[16:24] != self.salts:
            self.salts, self.frames = head[16:24], 0
            self.bytes += 32
        while os.pread(self.file.fileno(), 24, 32 + self.frames * (24 + page))[8:16] == self.salts:
            self.frames += 1
            self.bytes += 24 + page


class Growth(threading.Thread):
    """Adds up what is written to the write-ahead logs of all databases from now on."""

    def __init__(self, data):
        super().__init__(daemon=True)
        self.logs = [Log(path) for path in data.glob("**/*.db-wal") if "ship" not in path.parts]
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.003):
            self.look()

    def look(self):
        for log in self.logs:
            log.look()

    def end(self):
        self.over.set()
        self.join()
        self.look()
        return sum(log.bytes for log in self.logs)


def scattered(visit, count, seed):
    """Paths of so many cases, from all over the firm."""
    dice, found = random.Random(seed), set()
    for _ in range(count * 4):
        words = "".join(dice.choice("abcdefghijklmnoprstuvw") for _ in range(2))
        rows = ROW.findall(visit.get(f"/cases?view=mine&q={words}"))
        found.update(dice.sample(sorted(set(rows)), min(6, len(set(rows)))))
        if len(found) >= count:
            return sorted(found)[:count]
    raise Unmeasured(f"only {len(found)} cases were found")


def change(visit, path, summary):
    """Changes the summary of a case through its form, everything else as it is."""
    page = visit.get(f"{path}/edit")
    form = next(part for part in re.findall(r"<form.*?</form>", page, re.S) if 'name="summary"' in part)
    fields = {}
    for tag in re.findall(r"<input[^>]*>", form):
        at = {name: html.unescape(value) for name, value in re.findall(r'(\w+)="([^"]*)"', tag)}
        if "name" in at and (at.get("type") != "radio" or re.search(r"\schecked", tag)):
            fields[at["name"]] = at.get("value", "")
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        fields[name] = html.unescape(chosen.group(1))
    fields["summary"] = summary
    status, text = visit.ask("POST", f"{path}/edit", visit.form(**fields), visit.FORM)
    if status != 303:
        raise Unmeasured(f"a case could not be changed: {status} {re.findall(r'class=.err.*?<', text)[:3]}")


def fill(stage, firm, visit):
    """Two gigabytes of documents that cannot be compressed, in four cases."""
    source = stage.folder / "document.bin"
    for n in range(DOCUMENTS):
        if n % 10 == 0:
            page = visit.open_case(f"Bench: papers {n}") + "/documents"
        source.write_bytes(os.urandom(DOCUMENT_BYTES))
        words = ["curl", "-sS", "-o", "/dev/null", "--cacert", str(stage.certificate.chain), "-w", "%{http_code}", "-H", visit.cookie]
        words += ["-F", f"csrf={visit.token(page)}", "-F", f"file=@{source};filename=paper-{n}.bin", firm.url + page]
        said = subprocess.run(words, capture_output=True, text=True, timeout=300)
        if said.stdout != "303":
            raise Unmeasured(f"an upload answered {said.stdout} {said.stderr[-200:]}")


def large(stage):
    """A copy of the large firm with documents, shipped to a folder; and its folders."""
    if "large" in stage.made:
        return stage.made["large"]
    million, data, there = stage.bench / "million", stage.folder / "large", stage.folder / "there"
    if not million.exists():
        say("making the firm of a million cases: once, some twenty minutes")
        stage.running(Firm(stage.binary, million, stage.certificate, MILLION)).end()
    shutil.copytree(million, data)
    there.mkdir()
    firm = stage.running(Firm(stage.binary, data, stage.certificate, MILLION))
    visit = firm.signed_in()
    fill(stage, firm, visit)
    command(stage, "dest", "add", "bench", "--dir", there, "--data", data)
    settled(stage, data)
    stage.made["large"] = (firm, visit, data, there)
    return stage.made["large"]


def settled(stage, data):
    """Waits until everything is at the destination."""
    for _ in range(300):
        said = subprocess.run([stage.binary, "backup", "now", "--json", "--data", str(data)], capture_output=True, text=True, env=plain_environment())
        if said.returncode == 0 and json.loads(said.stdout)["destinations"][0]["state"] == "good":
            return
        time.sleep(1)
    raise Unmeasured("the first backup was never complete")


def restic(stage, repository, data, env):
    """Bytes that a backup by restic added."""
    words = ["restic", "-r", str(repository), "backup", "--json", "--quiet", "."]
    said = subprocess.run(words, cwd=data, capture_output=True, text=True, env=env, timeout=1800)
    lines = [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]
    if said.returncode or not lines:
        raise Unmeasured(f"restic: {said.stderr[-300:]}")
    return next(line["data_added"] for line in lines if line.get("message_type") == "summary")


def rsync(data, copy):
    """Bytes that rsync sent and received to bring a copy in step."""
    said = subprocess.run(["rsync", "-a", "--no-whole-file", "--stats", "--delete", "--exclude=control.sock", f"{data}/", f"{copy}/"], capture_output=True, text=True, timeout=1800)
    numbers = [int(number.replace(",", "")) for number in re.findall(r"Total bytes (?:sent|received): ([\d,]+)", said.stdout)]
    if said.returncode or len(numbers) != 2:
        raise Unmeasured(f"rsync: {said.stderr[-300:]}")
    return sum(numbers)


def shipped(stage):
    """The rows about bytes."""
    firm, visit, data, there = large(stage)
    repository, copy = stage.folder / "restic", stage.folder / "rsync"
    env = {**os.environ, "RESTIC_PASSWORD": "bench", "RESTIC_CACHE_DIR": str(stage.folder / "cache")}
    paths = scattered(visit, UPDATES // (10 if stage.quick else 1), 7)
    settled(stage, data)
    end(firm.child)
    subprocess.run(["restic", "-r", str(repository), "init", "--quiet"], check=True, capture_output=True, env=env)
    restic(stage, repository, data, env)
    rsync(data, copy)
    firm.start(data)
    settled(stage, data)
    before, growth = weight(there), Growth(data)
    growth.start()
    for n, path in enumerate(paths):
        change(visit, path, f"Changed for the bench, {n}")
    settled(stage, data)
    wal, ours = growth.end(), weight(there) - before
    after = weight(there)
    time.sleep(5 if stage.quick else 75)
    idle = weight(there) - after
    end(firm.child)
    others = restic(stage, repository, data, env), rsync(data, copy)
    firm.start(data)
    size = next(data.glob("sites/*/site.db")).stat().st_size
    name = f"{len(paths):,} cases changed, database {mega(size)}, documents {mega(DOCUMENTS * DOCUMENT_BYTES)}: bytes shipped"
    return [
        at_most(name, f"write-ahead log {mega(wal)}", mega(ours), ours / wal, 1.05),
        told("the same, beside restic", f"restic {mega(others[0])}", mega(ours), ours / others[0]),
        told("the same, beside rsync", f"rsync {mega(others[1])}", mega(ours), ours / others[1]),
        Row("nobody does anything for 75 s: bytes shipped", "–", f"{idle} B", "–", "0 B", "met" if idle == 0 else "missed"),
    ]


def restored(stage):
    """The row about restoring."""
    firm, _, data, there = large(stage)
    kit = stage.folder / "kit.txt"
    kit.write_text(command(stage, "key", "kit", "--data", data))
    settled(stage, data)
    took = {"cp": [], "ours": []}
    for n in range(2 if stage.quick else 3):
        for name in ("cp", "ours") if n % 2 == 0 else ("ours", "cp"):
            back = stage.folder / f"back-{name}"
            begin = time.monotonic()
            if name == "cp":
                subprocess.run(["cp", "-r", str(data / "sites"), str(back)], check=True)
                subprocess.run(["sync", "-f", str(back)], check=True)
            else:
                command(stage, "restore", "--dir", there, "--kit", kit, "--to", back)
            took[name].append(time.monotonic() - begin)
            shutil.rmtree(back)
    cp, ours = median(took["cp"]), median(took["ours"])
    return [at_most(f"restore of {mega(weight(data / 'sites'))}, checked and durable", f"cp -r, sync: {cp:.1f} s", f"{ours:.1f} s", ours / cp, 1.5)]


def backups(stage):
    """All rows."""
    for need in ("restic", "rsync"):
        if not shutil.which(need):
            raise Unmeasured(f"{need} is not installed")
    return shipped(stage) + restored(stage)
