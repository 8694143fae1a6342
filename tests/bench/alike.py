"""Whether a stranger can tell an account that is there from one that is not (ASVS 6.3.8).

Pairs of requests, one about a known address and one about an unknown one of the same length, sent one after the other in an order drawn
for each pair. Status, fields and text of the two answers must be the same but for the date, tokens and the address itself. Their times
go through the two-sided U test (Mann & Whitney, "On a Test of Whether one of Two Random Variables is Stochastically Larger than the
Other", Annals of Mathematical Statistics 18, 1947): p must be above 0.01. Were there no difference at all, each row would still miss
that in one run of a hundred; what is really told apart misses it in every run.

Sign-in: a wrong password. Recovery: the way back in is open, mail goes to a sink, and the known people have answers, so that the first of
the ten requests about each of them makes a link and a letter, and the rest find that one is on its way. Invitation: somebody who was invited and has not come, at both doors. Who holds no link has
no other way to ask after an invitation: the form for links takes 256 random bits and no address.

Nothing may be held off, because that answer comes sooner. An account allows ten tries at once, at each of the two doors; so each address
is asked about ten times, the unknown ones too. A network address allows forty; so every ten pairs come from another one, 127.0.0.2 and up.
The firm is one of its own: no other group has used up its tries.
"""

import html
import math
import random
import re
import string
import time
from dataclasses import dataclass
from firm import Firm
from mail_sink import Sink
from measure import Unmeasured, median, milli
from newcomers import invite, led, settle
from table import Row

PAIRS, QUICK = 500, 100
TRIES = 10
LEAST = 0.01
# The post looks for letters every five seconds, if it was not told of one.
LULL = 6
TOKEN = re.compile(r"[A-Za-z0-9_-]{32,}")
HELD = "There were too many tries"


@dataclass
class Door:
    """A form to which strangers have access, what they send besides an address, and the status that they should get."""

    path: str
    fields: dict
    status: int


SIGN_IN = Door("/sign-in", {"password": "not-the-password"}, 422)
RECOVER = Door("/recover", {}, 200)


def mann_whitney(one, two):
    """Two-sided p of the U test, by the normal approximation with ranks shared among ties, and corrected for ties and continuity."""
    ordered = sorted([(value, True) for value in one] + [(value, False) for value in two])
    ranks, ties, at, count = 0.0, 0, 0, len(ordered)
    while at < count:
        end = at
        while end < count and ordered[end][0] == ordered[at][0]:
            end += 1
        # The places at+1 … end are shared by all that have this value.
        ranks += (at + 1 + end) / 2 * sum(mine for _, mine in ordered[at:end])
        ties += (end - at) ** 3 - (end - at)
        at = end
    product = len(one) * len(two)
    u = ranks - len(one) * (len(one) + 1) / 2
    variance = product / 12 * (count + 1 - ties / (count * (count - 1)))
    if variance == 0:
        return 1.0
    z = max(0.0, abs(u - product / 2) - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


class Stranger:
    """A browser at a door, coming from a network address of its own; the form was read before anything is timed."""

    def __init__(self, firm, door, source):
        self.door, self.visit = door, firm.visit(source)
        self.token = self.visit.token(door.path)

    def ask(self, email):
        """Seconds until the answer was read, and what can be seen of it."""
        body = self.visit.form(csrf=self.token, email=email, **self.door.fields)
        begin = time.perf_counter()
        status, text = self.visit.ask("POST", self.door.path, body, self.visit.FORM)
        took = time.perf_counter() - begin
        if status == 429 or HELD in text:
            raise Unmeasured(f"{self.door.path} held off a try")
        fields = sorted((name.lower(), TOKEN.sub("…", value)) for name, value in self.visit.fields.items() if name.lower() != "date")
        blank = TOKEN.sub("…", text.replace(html.escape(email), "…"))
        return took, {"status": status, "fields": fields, "length": len(text.encode()), "text": blank}

    def end(self):
        self.visit.http.close()


def difference(known, unknown):
    """What tells two answers apart, in words; empty when nothing does."""
    return ", ".join(f"{part} {known[part]} and {unknown[part]}" if part in ("status", "length") else part for part in known if known[part] != unknown[part])


def pairs(firm, door, known, unknown, count, dice, sources):
    """Times of known and of unknown addresses, and what told answers apart."""
    times, told, stranger = {True: [], False: []}, [], None
    for n in range(count):
        if n % TRIES == 0:
            if stranger:
                stranger.end()
            stranger = Stranger(firm, door, next(sources))
        pair, answers = [(True, known[n % len(known)]), (False, unknown[n % len(unknown)])], {}
        dice.shuffle(pair)
        for is_known, email in pair:
            took, answers[is_known] = stranger.ask(email)
            times[is_known].append(took)
        if apart := difference(answers[True], answers[False]):
            told.append(apart)
        elif answers[True]["status"] != door.status:
            raise Unmeasured(f"{door.path} answered {answers[True]['status']}")
    stranger.end()
    return times[True], times[False], told


def row(work, known, unknown, told):
    """The row of one door."""
    p = mann_whitney(known, unknown)
    words = f"told apart {len(told)} times: {told[0][:80]}" if told else "answers alike"
    verdict = "met" if p > LEAST and not told else "missed"
    times = f"unknown {milli(median(unknown))}", f"{milli(median(known))}, {words}"
    return Row(f"{work}, {len(known)} pairs", *times, f"p = {p:.3f}", f"p > {LEAST}, answers alike", verdict)


def addresses(dice, count):
    """So many e-mail addresses of one length, no two the same."""
    return [f"{name}@pellharrow.example" for name in ("".join(dice.choices(string.ascii_lowercase, k=16)) for _ in range(count))]


def opened(firm, sink):
    """The system administrator, once mail is sent and the way back in is open."""
    boss = firm.signed_in("Tom A")
    led(boss, "/settings/mail", "/settings/mail", host="127.0.0.1", port=sink.port, security="none", user="", password="", **{"from": "strongroom@pellharrow.example"})
    led(boss, "/settings/recovery", "/settings/recovery", on="on", delay="24")
    return boss


def quiet(sink, patience=60):
    """Waits until no letter comes any more; gives how many came."""
    until, before = time.monotonic() + patience, -1
    while sink.letters != before:
        if time.monotonic() > until:
            raise Unmeasured("letters did not stop")
        before = sink.letters
        time.sleep(LULL)
    return before


def measured(firm, sink, count, dice):
    """The four rows."""
    needed = count // TRIES
    known, invited, none, nobody = (addresses(dice, needed) for _ in range(4))
    boss = opened(firm, sink)
    tokens = [invite(boss, email) for email in known]
    for email in invited:
        invite(boss, email)
    for token in tokens:
        settle(firm.visit(), token)
    sources = (f"127.0.0.{n}" for n in range(2, 255))
    begun = quiet(sink)
    rows = [row("sign-in, known or unknown", *pairs(firm, SIGN_IN, known, none, count, dice, sources))]
    rows.append(row("sign-in, only invited or unknown", *pairs(firm, SIGN_IN, invited, nobody, count, dice, sources)))
    if quiet(sink) != begun:
        raise Unmeasured("a wrong password sent a letter")
    rows.append(row("recovery, known or unknown", *pairs(firm, RECOVER, known, none, count, dice, sources)))
    if quiet(sink) - begun != needed:
        raise Unmeasured(f"{sink.letters - begun} of {needed} known people got a letter: the pairs were not what they should be")
    rows.append(row("recovery, only invited or unknown", *pairs(firm, RECOVER, invited, nobody, count, dice, sources)))
    return rows


def alike(stage):
    """Makes the firm with its people, and ends it with the group."""
    sink = Sink()
    firm = Firm(stage.binary, stage.folder / "alike", stage.certificate, 0)
    try:
        return measured(firm, sink, QUICK if stage.quick else PAIRS, random.Random(1947))
    finally:
        firm.end()
        sink.end()
