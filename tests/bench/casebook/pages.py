"""The page of the anchor: the newest fifty cases that the one who is signed in may see, and the answer that says the site is up."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from casebook.models import Case

PAGE = 50
LIVE = ["enquiry", "open", "on_hold"]


@login_required
def cases(request):
    found = Case.objects.filter(seen_by=request.user, status__in=LIVE).select_related("owner").order_by("-id")[: PAGE + 1]
    rows = list(found)
    return render(request, "list.html", {"rows": rows[:PAGE], "next": rows[PAGE - 1].id if len(rows) > PAGE else None})


def healthz(_request):
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [path("cases", cases), path("healthz", healthz)]
