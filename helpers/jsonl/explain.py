"""Why a line is not JSON, in plain words, and how to mend it.

The parser says where it stopped; the usual mistakes are known by what stands there. Left out: mending it.
"""

import re

import orjson

TYPOGRAPHIC = "“”„‟«»‘’"


def explain(line: bytes) -> str:
    """What is wrong with a line that is not one JSON value, and what to do: one or two sentences.

    Raises ValueError for a line that is JSON.

    >>> explain(b"{'prompt': 'Good coffee'}")
    "character 2: keys and texts stand in double quotation marks, not in '."
    """
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return _sentence(line, error)
    raise ValueError("the line is JSON")


def _sentence(line: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return (
            f"byte {wrong.start + 1} (0x{line[wrong.start]:02X}) is not UTF-8. Save the file as "
            "UTF-8, from the program that wrote it."
        )
    at = min(max(error.pos, 0), len(text))
    return f"character {at + 1}: {_reason(text, at, str(error))}"


def _reason(text: str, at: int, said: str) -> str:
    here, before = text[at : at + 20], text[:at].rstrip()
    word = re.match(r"[A-Za-z]+", here)
    if "surrogate" in said or re.match(r"\\u[dD][89a-fA-F]", text[max(at - 6, 0) :]):
        return "half a character (\\uD800 to \\uDFFF alone). Take it out, or write the whole character."
    if "control character" in said or (here[:1] and here[0] < " " and here[0] not in "\r\n\t"):
        return "a control character stands in a text. Write a line end as \\n and a tab as \\t."
    if here.startswith("'"):
        return "keys and texts stand in double quotation marks, not in '."
    if here[:1] and here[0] in TYPOGRAPHIC:
        return f'a typographic quotation mark {here[0]}. Write a plain ".'
    if word and word[0] in ("True", "False", "None", "NaN", "Infinity", "nan"):
        right = {"True": "true", "False": "false"}.get(word[0], "null")
        return f"{word[0]} is not JSON. Write {right}."
    if re.match(r",?\s*[}\]]", here) and ("trailing comma" in said or before.endswith(",")):
        return "a comma stands before a } or ]. Take it out."
    if text.rstrip().endswith(",") and at >= len(text.rstrip()) - 1:
        return "a comma stands after the object. In JSONL nothing stands between the lines: take it out."
    if before.endswith("}") and here.startswith("{"):
        return "a second object begins in the same line. Put each object into a line of its own."
    if at >= len(text.rstrip()) or "EOF" in said or "unexpected end" in said:
        if len(re.findall(r'(?<!\\)"', text)) % 2:
            return 'a text is not closed: its last " is missing, or a line end inside it should be \\n.'
        return (
            "the line ends too early: a } or ] is missing. Each object stands in one line, not over several."
        )
    if word and before.endswith(("{", ",")):
        return f'the key {word[0]} must stand in double quotation marks: "{word[0]}".'
    if before.endswith('"') and (word or here.startswith('"')):
        return 'a comma or a colon is missing, or a " inside a text is not written as \\".'
    if "escape" in said:
        return "a \\ begins an escape that JSON does not have. Write a plain backslash as \\\\."
    why = said.partition(": line ")[0]
    return f'it is not JSON ({why}). Each line must be one object, such as {{"prompt": ...}}.'
