"""Accounts made for a measurement, as people make them: somebody is invited, comes with the link, and sets up their ways in."""

import html
import re
import time
from firm import code_of
from measure import Unmeasured

PASSWORD = "lantern orbit velvet cactus"
LINK = re.compile(r"/link#k=([A-Za-z0-9_-]{43})")
SECRET = re.compile(r"secret=([A-Z2-7]+)")
CODE = re.compile(r"<li>\s*((?:[0-9A-Z]{4}-){6}[0-9A-Z]{4})\s*</li>")


def led(visit, page, path, **fields):
    """Sends a form that must be taken."""
    status, text = visit.submit(page, path, **fields)
    if status != 303:
        raise Unmeasured(f"{path} answered {status}: {' '.join(re.sub('<[^>]*>', ' ', text).split())[:300]}")


def found(pattern, text, where):
    """What a page must hold."""
    match = pattern.search(text)
    if not match:
        raise Unmeasured(f"{where} does not hold what is looked for")
    return html.unescape(match.group(1))


def invite(boss, email):
    """Invites an address; gives the token of its link."""
    status, text = boss.submit("/people/new", "/people", role="staff", name=f"Newcomer {email.partition('@')[0]}", email=email)
    if status != 200:
        raise Unmeasured(f"{email} could not be invited: {status}")
    return found(LINK, text, "the invitation")


def settle(visit, token):
    """Sets up what the link leads to, with the two questions of the way back in."""
    led(visit, "/link", "/link", token=token)
    led(visit, "/enrol/password", "/enrol/password", password=PASSWORD)
    secret = found(SECRET, visit.get("/enrol/factor"), "the step of the authenticator")
    led(visit, "/enrol/factor", "/enrol/factor", code=code_of(secret, time.time()))
    led(visit, "/enrol/codes", "/enrol/codes", code=found(CODE, visit.get("/enrol/codes"), "the step of the codes"))
    led(visit, "/enrol/terms", "/enrol/terms")
    answers = {"question1": "What did I cook first?", "answer1": "a blue omelette", "question2": "Where was the kite?", "answer2": "in the attic"}
    led(visit, "/account/questions", "/account/questions", **answers)
