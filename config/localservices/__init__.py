"""Starts PostgreSQL, Valkey and the product's processes on one machine, without root or Docker."""

import sys

if sys.platform == "win32":
    sys.exit("Windows has no embedded servers here: use WSL, or set DATABASE_URL and REDIS_URL and start by hand.")
