"""What the groups share: the binary, the anchors and the sample firm, each started when it is first needed and ended with the run."""

import sys
from anchors import Certificate, Django, Nginx, fresh
from firm import Firm

CASES = 500


class Stage:
    """One run: how long its rounds are, and what runs in it. All its files are below `bench`."""

    def __init__(self, binary, bench, quick):
        self.binary, self.bench, self.quick = str(binary), bench, quick
        self.folder = fresh(bench / "run")
        self.python = str(bench / "venv" / "bin" / "python")
        self.certificate = Certificate(self.folder)
        self.rounds, self.seconds = (2, 3) if quick else (5, 6)
        self.started, self.made = [], {}

    def once(self, name, make):
        """Makes something once and ends it with the run."""
        if name not in self.made:
            self.made[name] = self.running(make())
        return self.made[name]

    def running(self, thing):
        """Notes that `thing` is to be ended with the run."""
        self.started.append(thing)
        return thing

    @property
    def nginx(self):
        return self.once("nginx", lambda: Nginx(fresh(self.folder / "nginx"), self.certificate))

    @property
    def django(self):
        return self.once("django", lambda: Django(self.python, self.folder / "django", f"unix:{self.nginx.socket}"))

    @property
    def firm(self):
        return self.once("firm", lambda: Firm(self.binary, self.folder / "firm", self.certificate, CASES))

    @property
    def priya(self):
        """Somebody signed in to the firm."""
        if "priya" not in self.made:
            self.made["priya"] = self.firm.signed_in()
        return self.made["priya"]

    def end(self):
        for thing in reversed(self.started):
            thing.end()


def say(text):
    """Tells how far the run is."""
    print(text, file=sys.stderr, flush=True)
