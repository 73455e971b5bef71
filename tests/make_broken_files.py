"""Writes data/broken/: small training files, each with faults of one kind, for the exercises of lesson 08.

    python tests/make_broken_files.py [folder]

What is wrong with each stands in data/README.md. Rows about ads and customers' questions are taken from
data/ad_claims.csv and data/support_questions.csv by their id; the rest stands here, word for word. No faults
are made at random: the same files come out every time.
"""

import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from helpers import settings  # noqa: E402
from helpers.files import atomic_path  # noqa: E402

BYTE_ORDER_MARK = "\ufeff"

ANSWERS = [
    ("How long does a parcel take?", "Two to four working days. You get a link to follow it."),
    ("May I return an opened jar?", "Opened food cannot be returned, unless something was wrong with it."),
    ("Where is my refund", "It is paid to the card you used, within ten days of our receiving the goods."),
    ("Do you deliver on Sundays?", "No, Mondays to Saturdays only"),
    ("Is the pesto free of nuts?", "No. It contains pine nuts and may contain traces of cashews."),
    ("my password does not work", "Ask for a new one under Account, and look among the junk mail too"),
    ("How long is a gift card valid?", "Three years from the day it was bought."),
    ("Can I freeze the bread?", "Yes, for up to three months. Slice it first!"),
    ("Which coffee suits a moka pot?", "The dark roast, ground a little coarser than for espresso."),
    ("The jar was broken", "We are sorry. Send us a photograph, and we send you a new one"),
    ("Do you ship abroad?", "To eleven countries: the list is under Delivery"),
    ("Can I pay by bank transfer", "Yes. We send the order when the money has arrived."),
]

BAD_LINES = [
    '{"prompt": "Stone-baked bread, dark crust\\n\\n###\\n\\n", "completion": " bakery"}',
    '{"prompt": "Loose black tea in a tin\\n\\n###\\n\\n", "completion": " drinks"}',
    '{"prompt": "Goat\'s cheese rolled in ash\\n\\n###\\n\\n", "completion": " dairy"',  # brace missing
    '{"prompt": "Cloudy juice of old apples\\n\\n###\\n\\n", "completion": " drinks"}',
    '{"prompt": "Crisp rye bread with caraway\\n\\n###\\n\\n"}',  # no completion
    '{"prompt": "Butter with sea salt\\n\\n###\\n\\n", "completion": 3}',  # a number
    "{'prompt': 'Ginger beer in bottles', 'completion': ' drinks'}",  # Python's quotation marks
    '{"prompt": ["Cheddar", "18 months"], "completion": " dairy"}',  # a list
    '{"prompt": "Plain yoghurt in a jar\\n\\n###\\n\\n", "completion": " dairy",}',  # a comma too many
    "",  # an empty line
    '{"prompt": "Walnut loaf\\n\\n###\\n\\n", "completion": null}',
    '["Decaffeinated coffee", " drinks"]',  # not an object
    '{"prompt": "Buns with currants\\n\\n###\\n\\n", "completion": " bakery"}',
    '{"Prompt": "Whole milk from Jersey cows\\n\\n###\\n\\n", "completion": " dairy"}',  # a capital letter
    '{"prompt": "Elderflower cordial\\n\\n###\\n\\n", "completion": " drinks"}',
]


def message(role: str, content: object) -> dict:
    return {"role": role, "content": content}


SHOP = message("system", "You answer for a small food shop, in one sentence.")
TWO_FAULTY_ROLES = [message("customer", "Do you sell rye bread?"), message("shop", "Yes, every morning.")]
CHATS: list[object] = [
    {
        "messages": [
            SHOP,
            message("user", "Do you deliver on Saturdays?"),
            message("assistant", "Yes, in the morning."),
        ]
    },
    {"messages": TWO_FAULTY_ROLES},
    {"messages": [SHOP, message("user", "How long does the cheese keep?")]},  # nobody answers
    {"messages": []},
    {"prompt": "Is the tea organic?", "completion": " Yes."},  # another form
    {"messages": [SHOP, message("user", "Are the eggs free range?"), {"role": "assistant"}]},
    {"messages": [message("user", "How many jars are in a box?"), message("assistant", 6)]},
    {
        "messages": [
            message("user", "Can I pay by transfer?"),
            {**message("assistant", "Yes, in advance."), "weight": 2},
        ]
    },
    {
        "messages": [
            message("assistant", "It is closed on Mondays."),
            message("user", "When is the shop closed?"),
        ]
    },
    {
        "messages": [
            message("user", "Where is order 41?"),
            {
                "role": "assistant",
                "content": None,  # legal: the answer is a call
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "find_order", "arguments": '{"number": 41}'},
                    }
                ],
            },
        ]
    },
    {
        "messages": [
            SHOP,
            message("user", "Is there palm oil in the biscuits?"),
            message("assistant", "No, only butter."),
        ]
    },
]

PERSONAL = [  # no key and nobody's data: invented, at a domain that is reserved for examples
    ("The website refuses my card 4111 1111 1111 1111.", " account"),
    ("please write to mina.t@example.org when the parcel has left", " delivery"),
    ("Does the chutney contain onions?", " product"),
    ("Our script stopped working: api_key = sk-not-a-real-key", " account"),
    ("I'd like my money back for order 5512.", " returns"),
    ("Refund to the account of oskar@example.org, not to mine", " returns"),
    ("Ring me on +44 20 7946 0123 before you deliver", " delivery"),
    ("Which flour is best for pizza?", " product"),
]

RARE = {"delivery": 14, "returns": 14, "product": 14, "account": 3}  # rows a topic
LONG_NAMES = {
    "delivery": "delivery and shipping",
    "returns": "delivery problem or return",  # begins as the first does
    "product": "product information",
    "account": "account and payment",
    "gift cards": "gift cards",
}
SEPARATOR = "\n\n###\n\n"


def table(name: str) -> list[dict[str, str]]:
    """The rows of data/`name`, by column."""
    with (settings.DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def as_csv(rows: Iterable[Sequence[str]], line_end: str = "\n") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=line_end).writerows([("prompt", "completion"), *rows])
    return text.getvalue()


def as_jsonl(rows: Iterable[object]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def pairs(rows: Iterable[Sequence[str]]) -> str:
    return as_jsonl({"prompt": prompt, "completion": completion} for prompt, completion in rows)


def questions(topic: str, count: int) -> list[str]:
    """The first English questions on a topic."""
    rows = (row for row in table("support_questions.csv") if row["language"] == "en")
    return [row["question"] for row in rows if row["topic"] == topic][:count]


def ads(count: int) -> list[tuple[str, str]]:
    """The first claims: prompts without a separator, and their answers without a blank in front."""
    return [
        (f"Company: {row['company']}\nProduct: {row['product']}\nAd: {row['ad']}", row["supported"])
        for row in table("ad_claims.csv")[:count]
    ]


def marked(text: str, answer: str) -> tuple[str, str]:
    """A pair as it ought to be: the prompt ends with the separator, the completion begins with a blank."""
    return text + SEPARATOR, f" {answer}"


def duplicates() -> list[tuple[str, str]]:
    """12 good rows, then three of them again, one again but for its case, two again with another answer."""
    rows = [
        (text + SEPARATOR, f" {topic}") for topic in ("delivery", "returns") for text in questions(topic, 6)
    ]
    shouted = (rows[3][0].upper(), rows[3][1])
    return [*rows, rows[0], rows[7], rows[0], shouted, (rows[1][0], " returns"), (rows[8][0], " delivery")]


def separator_inside() -> list[tuple[str, str]]:
    """Ads whose separator, the word Supported, is also part of two of the texts."""
    rows = [(f"{prompt}\nSupported:", f" {answer}") for prompt, answer in ads(10)]
    for position in (2, 6):
        prompt, answer = rows[position]
        rows[position] = (prompt.replace("\nAd: ", "\nSupported: by a test of ours\nAd: "), answer)
    return rows


def files() -> dict[str, str]:
    """Name and text of every file, line ends and byte-order mark included."""
    rare = [
        (text + SEPARATOR, f" {topic}") for topic, count in RARE.items() for text in questions(topic, count)
    ]
    long_names = [marked(text, long) for topic, long in LONG_NAMES.items() for text in questions(topic, 6)]
    return {
        "no_separator.csv": as_csv(ads(24)),
        "no_stop.csv": as_csv(ANSWERS),
        "separator_inside.jsonl": pairs(separator_inside()),
        "bad_lines.jsonl": "\n".join(BAD_LINES) + "\n",
        "bad_chat.jsonl": as_jsonl(CHATS),
        "windows.csv": BYTE_ORDER_MARK + as_csv(ads(12), line_end="\r\n"),
        "personal_data.jsonl": pairs((text + SEPARATOR, topic) for text, topic in PERSONAL),
        "rare_class.jsonl": pairs(rare),
        "duplicates.jsonl": pairs(duplicates()),
        "long_classes.jsonl": pairs(long_names),
    }


def main(folder: Path) -> None:
    for name, text in files().items():
        with atomic_path(folder / name) as path:
            path.write_bytes(text.encode("utf-8"))
    print(f"{len(files())} files in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else settings.DATA / "broken")
