"""JSONL training files: one JSON object a line, in the forms that fine-tuning takes.

| form | a row | who takes it |
|---|---|---|
| `pairs` | `{"prompt": "...", "completion": "..."}` | base models; TRL's standard prompt-completion |
| `chat` | `{"messages": [{"role": ..., "content": ...}, ...]}` | chat models; TRL's conversational form |
| `dialogue` | `{"prompt": [messages], "completion": [messages]}` | TRL's conversational prompt-completion |
| `preference` | `{"prompt": ..., "chosen": ..., "rejected": ...}` | TRL's preference training |
| `openai-preference` | `{"input": {"messages": [...]}, "preferred_output": [...], ...}` | OpenAI's, Azure's |

`read` gives rows and bad lines in their order and never stops at a bad line; `write` writes all or nothing;
`convert` changes the form, or says why it cannot. Left out: reading tables (`helpers.prepare`), and anything
about the quality of the rows (there too).
"""

from helpers.jsonl.convert import convert
from helpers.jsonl.explain import explain
from helpers.jsonl.files import BadLine, Line, read, rows, write
from helpers.jsonl.forms import FORMS, form_of, problems

__all__ = ["FORMS", "BadLine", "Line", "convert", "explain", "form_of", "problems", "read", "rows", "write"]
