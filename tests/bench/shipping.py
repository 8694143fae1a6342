"""What shipping costs those who work, and how soon their work is off the machine.

Two firms run side by side, one without a destination and one that ships to an SSH server on loopback (sshd with a configuration of its
own). Pages: 200 requests a second for the list of cases, by the clock, at one firm after the other; each page writes a line of the trail,
so that there is always something to ship. Off the machine: while that goes on, cases are opened one after the other; what is timed is from
the answer to the moment at which an object lies in the folder of the SSH server that was taken after the answer, and therefore holds it.
"""

import json
import os
import re
import socket
import subprocess
import threading
import time
from anchors import fresh
from backups import command, settled
from firm import Firm, end, free_port
from flood import client, heard
from measure import Unmeasured, median, milli, percentile
from table import Row, at_most

SSHD = "/usr/sbin/sshd"
MADE = re.compile(r"-(\d{13})$")


class Sshd:
    """An SSH server for this user, with keys of its own."""

    def __init__(self, folder, public):
        self.folder, self.port = fresh(folder), free_port()
        (self.folder / "drop").mkdir()
        (self.folder / "authorized").write_text(public + "\n")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / "host")], check=True)
        lines = [f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {self.folder}/host", "PidFile none", f"AuthorizedKeysFile {self.folder}/authorized"]
        lines += ["StrictModes no", "UsePAM no", "PasswordAuthentication no", "Subsystem sftp internal-sftp", "LogLevel QUIET"]
        (self.folder / "config").write_text("\n".join(lines) + "\n")
        self.child = subprocess.Popen([SSHD, "-D", "-e", "-f", str(self.folder / "config")], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        said = subprocess.run(["ssh-keygen", "-lf", str(self.folder / "host.pub")], capture_output=True, text=True, check=True)
        self.fingerprint = said.stdout.split()[1]
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise Unmeasured("sshd did not start")

    def end(self):
        end(self.child)


class Two:
    """Enough of a stage for the clients of the flood."""

    def __init__(self, firm):
        self.firm, self.priya = firm, firm.signed_in()


def page_p99(side, seconds):
    """p99 of pages at a steady rate."""
    said = heard(client(side, "pages", seconds, side.priya.cookie.partition(" ")[2]))
    if said["failed"]:
        raise Unmeasured(f"{said['failed']} of {said['asked']} pages were not answered well")
    return said["p99"]


class Arrivals(threading.Thread):
    """Notes when which object of a site lay at the destination: the moment it was taken, and that at which it was seen."""

    def __init__(self, drop, site):
        super().__init__(daemon=True)
        self.folder, self.seen, self.over = drop / "log" / site, [], threading.Event()
        self.known = set(os.listdir(self.folder)) if self.folder.exists() else set()

    def run(self):
        while not self.over.wait(0.005):
            names = set(os.listdir(self.folder)) if self.folder.exists() else set()
            now = time.time()
            self.seen += [(int(MADE.search(name).group(1)) / 1000, now) for name in sorted(names - self.known) if MADE.search(name)]
            self.known |= names


def delays(side, drop, site, seconds):
    """Seconds from each answer until it was off the machine, beside the pages."""
    watch, load = Arrivals(drop, site), client(side, "pages", seconds + 3, side.priya.cookie.partition(" ")[2])
    watch.start()
    until, answers, n = time.monotonic() + seconds, [], 0
    while time.monotonic() < until:
        side.priya.open_case(f"Bench: shipped {n}")
        answers.append(time.time())
        n += 1
        time.sleep(0.05)
    heard(load)
    time.sleep(3)
    watch.over.set()
    watch.join()
    found = [min((seen for taken, seen in watch.seen if taken >= answer), default=None) for answer in answers]
    if None in found:
        raise Unmeasured("something never arrived")
    return [seen - answer for seen, answer in zip(found, answers)]


def shipping(stage):
    """All rows."""
    if not os.path.exists(SSHD):
        raise Unmeasured("there is no sshd: run tests/servers")
    plain, other = stage.folder / "plain", stage.folder / "shipping"
    alone = Two(stage.running(Firm(stage.binary, plain, stage.certificate, 500)))
    ships = Two(stage.running(Firm(stage.binary, other, stage.certificate, 500)))
    sshd = stage.running(Sshd(stage.folder / "sshd", json.loads(command(stage, "dest", "key", "--json", "--data", other))["public"]))
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    address = f"{user}@127.0.0.1:{sshd.port}/{sshd.folder}/drop"
    command(stage, "dest", "add", "bench", "--sftp", address, "--host-key", sshd.fingerprint, "--data", other)
    settled(stage, other)
    site = next((other / "sites").iterdir()).name
    seconds, rounds = (4, 2) if stage.quick else (15, 4)
    figures = {"alone": [], "ships": []}
    for n in range(rounds):
        for name, side in [("alone", alone), ("ships", ships)][:: 1 if n % 2 == 0 else -1]:
            figures[name].append(page_p99(side, seconds))
    calm, busy = median(figures["alone"]), median(figures["ships"])
    late = delays(ships, sshd.folder / "drop", site, 10 if stage.quick else 60)
    p99 = percentile(late, 0.99)
    words = f"{p99:.2f} s of {len(late)}, median {percentile(late, 0.5):.2f} s"
    return [
        at_most("200 pages/s while everything is shipped over ssh: p99", f"without {milli(calm)}", milli(busy), busy / calm, 1.2),
        Row("from the answer to off the machine, beside them: p99", "–", words, "–", "≤ 2 s", "met" if p99 <= 2 else "missed"),
    ]
