"""Teaches the text classifier's model ahead of time: `python -m workers.classification.ship FOLDER`.

The image is built so: where FOLDER is `share/duban` of the installation, no start teaches it again. It is used only
while training texts, code and libraries are those it was taught with.
"""

from __future__ import annotations

import sys
from pathlib import Path

from workers.classification.cache import LOCK, cached_model

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m workers.classification.ship FOLDER")
    target = Path(sys.argv[1])
    cached_model(target)
    (target / LOCK).unlink(missing_ok=True)
    for file in target.iterdir():
        file.chmod(0o644)  # read by whoever runs the program
