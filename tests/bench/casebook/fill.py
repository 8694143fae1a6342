"""Makes the database of the anchor: seven people, a thousand cases, and a session. Prints the session's key and Django's version."""

import datetime
import json
import django

django.setup()

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection, transaction
from casebook.models import Case

KINDS = ["Spouse visa extension", "Naturalisation", "Skilled worker", "Student visa", "Sponsor licence"]
STATUSES = ["open", "open", "open", "on_hold", "enquiry"]


def fill():
    """People and cases; every case can be seen by its owner and by the first user."""
    people = [User(username=f"user{n}", first_name="Given", last_name=f"Family{n}", email=f"user{n}@firm.example", password="!") for n in range(7)]
    people = User.objects.bulk_create(people)
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    made = [
        Case(reference=f"PH-2026-{n:04d}", title=f"Family{n % 97}, an application of some kind", kind=KINDS[n % 5], status=STATUSES[n % 5], owner=people[n % 7], opened=begin + datetime.timedelta(hours=n), documents=n % 9)
        for n in range(1000)
    ]
    made = Case.objects.bulk_create(made)
    see = Case.seen_by.through
    see.objects.bulk_create([see(case_id=case.id, user_id=user) for case in made for user in {case.owner_id, people[0].id}])
    return people[0]


def main():
    call_command("migrate", run_syncdb=True, verbosity=0)
    connection.cursor().execute("pragma journal_mode=wal")
    with transaction.atomic():
        user = fill()
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    print(json.dumps({"session": session.session_key, "version": django.get_version()}))


main()
