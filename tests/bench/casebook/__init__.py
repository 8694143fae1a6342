"""The anchor in Django: sessions, users and a list of cases, as a plain Django site would have them."""
