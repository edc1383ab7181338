"""Keeps Python's garbage collector from what a process has loaded and will keep for as long as it lives."""

import gc


def spare_what_stays() -> None:
    """Let full collections pass over everything that exists now; called once, when a process has loaded its code.

    Django is most of it: looking through it takes a tenth of a second, in the middle of whatever the process was doing
    (docs/performance.md). What is made later is looked after as ever.
    """
    gc.collect()
    gc.freeze()
