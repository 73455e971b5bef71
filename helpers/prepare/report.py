"""What the checks say: findings, and a report that reads well in a notebook, a terminal and a browser.

Left out: the checks themselves, and asking.
"""

import dataclasses
import html
from collections.abc import Sequence

from helpers.prepare.columns import Example
from helpers.prepare.repairs import Repair

ERROR, NEEDED, RECOMMENDED, WARNING, NOTE = "error", "needed", "recommended", "warning", "note"
STYLE = (
    "body{font-family:sans-serif;margin:2em}table{border-collapse:collapse}"
    "td,th{border:1px solid #999;padding:.4em;vertical-align:top;text-align:left}"
)
LEVELS = (ERROR, NEEDED, RECOMMENDED, WARNING, NOTE)
"""error: no training file can come of this. needed, recommended: there is a repair. warning: look for
yourself. note: good to know."""


@dataclasses.dataclass
class Finding:
    """What one check has found.

    `name`: of the check. `message`: what is so; `why`: the reason for the rule. `count`: how many records it
    concerns, 0 for a finding about the file. `examples`: the first of them. `repair`: what would be done
    about it, in words, empty if nothing.
    """

    name: str
    level: str
    message: str
    why: str = ""
    count: int = 0
    examples: Sequence[Example] = ()
    repair: str = ""
    steps: Sequence[Repair] = dataclasses.field(default=(), repr=False)

    def __str__(self) -> str:
        """What is so, why it matters, and the repair; the report adds the first examples."""
        lines = [f"[{self.level}] {self.message}"]
        lines += [f"    Why: {self.why}"] if self.why else []
        return "\n".join([*lines, f"    Repair: {self.repair or 'none, this is yours to decide'}"])


@dataclasses.dataclass
class Report:
    """Everything about a file of examples. Shown as a table in a notebook; `str(report)` is plain text.

    `unit` is what the examples' numbers count: a row, a line or an entry. `task`: "classification",
    "conditional generation" or "open-ended generation". `tokens`: in all examples, None if not counted.
    `usage`: how to train with the file and to call the model.
    """

    name: str
    form: str
    task: str
    unit: str
    rows: int
    findings: list[Finding]
    usage: list[str]
    tokens: int | None = None

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == ERROR]

    @property
    def repairs(self) -> list[Finding]:
        """The findings about which something can be done."""
        return [finding for finding in self.findings if finding.repair]

    @property
    def ok(self) -> bool:
        """Whether the file can be used as it is: no error, and nothing to repair. Warnings do not count."""
        return not self.errors and not self.repairs

    def finding(self, name: str) -> Finding | None:
        """What the check of that name has found; None if nothing."""
        return next((finding for finding in self.findings if finding.name == name), None)

    def __contains__(self, name: str) -> bool:
        return self.finding(name) is not None

    def __str__(self) -> str:
        lines = [self.headline(), ""]
        for finding in self.findings:
            lines.append(f"[{finding.level}] {finding.message}")
            lines += [f"    {self.unit} {number}: {text}" for number, text in finding.examples]
            lines += [f"    Why: {finding.why}"] if finding.why else []
            lines += [f"    Repair: {finding.repair}"] if finding.repair else []
        if not self.findings:
            lines.append("Nothing to remark.")
        return "\n".join([*lines, "", *self.usage]).rstrip()

    def headline(self) -> str:
        counted = f", {self.tokens:,} tokens" if self.tokens is not None else ""
        task = f"{self.task}; " if self.task else ""
        return f"{self.name}: {self.rows:,} examples, {task}form: {self.form}{counted}"

    def _repr_html_(self) -> str:
        rows = "".join(_row(finding, self.unit) for finding in self.findings)
        if not rows:
            rows = '<tr><td colspan="4">Nothing to remark.</td></tr>'
        usage = "".join(f"<li>{html.escape(line)}</li>" for line in self.usage)
        return (
            f"<p><strong>{html.escape(self.headline())}</strong></p>"
            '<table style="text-align: left"><thead><tr><th>level</th><th>finding</th>'
            f"<th>first examples</th><th>repair</th></tr></thead><tbody>{rows}</tbody></table>"
            + (f"<ul>{usage}</ul>" if usage else "")
        )

    def page(self) -> str:
        """The report as a whole HTML page."""
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>'
            f"{html.escape(self.name)}: training data report</title><style>{STYLE}</style></head>"
            f"<body>{self._repr_html_()}</body></html>\n"
        )


def _row(finding: Finding, unit: str) -> str:
    examples = "<br>".join(f"{unit} {e.number}: <code>{html.escape(e.text)}</code>" for e in finding.examples)
    why = f"<br><em>{html.escape(finding.why)}</em>" if finding.why else ""
    cells = (f"<strong>{finding.level}</strong>", html.escape(finding.message) + why, examples)
    style = ' style="text-align: left; vertical-align: top"'
    return (
        "<tr>"
        + "".join(f"<td{style}>{cell}</td>" for cell in (*cells, html.escape(finding.repair)))
        + "</tr>"
    )
