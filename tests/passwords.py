"""Argon2 as in production but cheap: half of all tests make a company, and a real hash takes a tenth of a second."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class QuickHasher(Argon2PasswordHasher):
    """Its hashes carry their own cost, so that the processes which tests start can check them."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
