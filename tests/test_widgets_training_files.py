import re

from helpers import widgets


def verdicts(markup):
    return re.findall(r'<td style="text-align: left">([^<]*)</td>', markup)


def test_each_label_gets_its_tokens_and_its_verdict():
    markup = widgets.label_tokens(["delivery", " delivery note ", "gift cards", "", "delivery"])
    assert verdicts(markup) == [
        "begins as delivery note: cannot be told apart",
        "begins as delivery: cannot be told apart",
        "2 tokens; the first is no other&#x27;s",
    ]
    assert "·gift" in markup and "·cards" in markup
    assert verdicts(widgets.label_tokens(["yes", "no"])) == ["one token", "one token"]


def test_the_tokenizer_matters():
    assert verdicts(widgets.label_tokens(["배송"], "gpt-4o-mini")) == ["one token"]
    assert verdicts(widgets.label_tokens(["배송"], "babbage-002")) == [
        "3 tokens; the first is no other&#x27;s"
    ]


def test_what_is_typed_is_shown_and_never_run():
    assert "<b>" not in widgets.label_tokens(["<b>x</b>"])


def test_the_table_follows_the_box_and_the_choice():
    box, choice, result = widgets.label_box(["yes", "no"]).children
    assert result.value.count("one token") == 2
    box.value = "배송, , no"
    assert "3 tokens" in result.value
    choice.value = "gpt-4o-mini"
    assert result.value.count("one token") == 2
    box.value = ""
    assert verdicts(result.value) == []
