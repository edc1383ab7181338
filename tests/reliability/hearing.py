"""A worker with nothing to do but to hear, and without a database, which is nowhere in the network it lives in."""

import os
from pathlib import Path

from celery.signals import worker_init

from config.celery import app, refuse_without_wall

worker_init.disconnect(refuse_without_wall)


@app.task(name="hear")
def hear() -> None:
    """Write a letter."""
    with Path(os.environ["HEARD"]).open("a") as file:
        file.write("a")
