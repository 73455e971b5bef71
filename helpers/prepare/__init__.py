"""Check and repair a file of training examples: what OpenAI's own tool did, and what it did not.

    report = prepare.check("reviews.csv")     # reads only; shows as a table in a notebook
    done = prepare.run("reviews.csv")         # writes reviews_prepared.jsonl; never over another file
    done = prepare.run("reviews.csv", split=0.2, accept=["duplicates", "no_separator"])

On the command line: `python3 -m helpers prepare FILE`. The file is read in batches, at least twice; each
example costs about 100 bytes of memory, however long it is. Left out: documents (`helpers.documents`),
training.
"""

from helpers.prepare.advice import epochs
from helpers.prepare.report import Finding, Report
from helpers.prepare.work import Prepared, check, run

__all__ = ["Finding", "Prepared", "Report", "check", "epochs", "run"]
