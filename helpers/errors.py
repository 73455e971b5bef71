"""The workbook's own errors: a sentence that says what is wrong, where, and what to do.

In a notebook they show as that sentence alone, without the traceback: the reader cannot mend our
code from it. Everywhere else they are ordinary exceptions. Programming mistakes are not caught here.
"""


class WorkbookError(Exception):
    """Something that the reader can mend. `str(error)` is written for them."""

    def _render_traceback_(self) -> list[str]:
        """What IPython prints in place of the traceback (a hook of IPython's `showtraceback`)."""
        return [f"{type(self).__name__}: {self}"]


class DataError(WorkbookError):
    """A file of reviews, texts or vectors is missing, damaged or not what it should be."""


class HostError(WorkbookError):
    """The host that serves the models refused, failed or could not be reached."""
