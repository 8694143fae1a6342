"""Cases of the anchor."""

from django.conf import settings
from django.db import models


class Case(models.Model):
    """A case, its owner, and who may see it."""

    reference = models.CharField(max_length=20, unique=True)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=80)
    status = models.CharField(max_length=10)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    seen_by = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")
    opened = models.DateTimeField()
    documents = models.IntegerField(default=0)
