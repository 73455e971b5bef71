"""What pytest runs the lessons with: the embedded engine, the bundled sample, no keys.

The stored outputs come from these, so `pytest --nbval` compares like with like. To choose otherwise, set
WORKBOOK_HOST or WORKBOOK_DATA, and use `--nbval-lax`, which runs the lessons without comparing their outputs.
"""

import os

from helpers.settings import HOST_SETTINGS

if not os.environ.get("WORKBOOK_HOST", "").strip():
    os.environ["WORKBOOK_HOST"] = "embedded"
    for name in list(os.environ):
        if name.startswith(HOST_SETTINGS):
            del os.environ[name]
if not os.environ.get("WORKBOOK_DATA", "").strip():
    os.environ["WORKBOOK_DATA"] = "sample"
