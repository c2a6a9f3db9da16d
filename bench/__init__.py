"""Measurements of what Dynadex takes, beside what one would write oneself and beside what cannot be avoided.

Every figure is a ratio of one run: *ours* (the functions' own handlers), *plain* (`plain.py`: boto3, opensearch-py,
TypeDeserializer) and *limit* (`limits.py`: the bare requests, prepared beforehand) take turns, and a ratio is the
median of the rounds' ratios. So it holds on a machine whose speed drifts.

- `machine`: the servers.
- `lessons`, `canned`: the data; a table whose scan pages are prepared, over HTTP, in a process of its own.
- `ours`, `plain`, `limits`: the three that are compared.
- `measuring`: rounds, medians, rows. Then a module for each row or group of rows.
- `scale`: a simulation of traffic far beyond this machine, for `docs/scale.md`.
- `charts`, `report`: SVG, the table, `docs/performance.md`.

    python -m bench                    all of it
    python -m bench --quick            in eight minutes at most
    python -m bench --apart            the engine has half of the processors for itself
    python -m bench --only stream,verify --engine elasticsearch
    python -m bench report             docs/performance.md anew, from bench/results/
    python -m bench scale              docs/scale.md's figures and charts anew
    python -m bench --only stages      where a stream record's processor time goes
"""

import gc
import sys

#: Python's own collector thresholds and switch interval, before a function's module changes them.
PYTHONS_OWN = gc.get_threshold(), sys.getswitchinterval()
