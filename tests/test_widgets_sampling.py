"""The box of lesson 11 draws when it should, marks seams, and shows what is typed without running it."""

from completions_server import CompletionsServer, answer_of, text_choice

from helpers import widgets
from helpers.sampling import Sample

CHOICES = [text_choice(" cut", "length", [-0.5]), text_choice(" joins", "stop", [-1.0, -2.0])]


def test_the_page_marks_joined_and_cut_seams():
    page = widgets.insertion_page(
        "<b>My", " end.", [Sample(" <i>a\n", "stop"), Sample(" b", "length", (-1.0,))], 0
    )
    assert "&lt;b&gt;My" in page and "<b>" not in page and "<i>" not in page and "<br>" in page
    first, second = page.split("<tr>")[2:]
    assert "|" in first and "[cut]" not in first and "1 ★" in first
    assert "[cut]" in second and "|" not in second and ">1</td>" in second
    assert "[empty]" in widgets.insertion_page("a", "b", [Sample(" ", "stop")])
    assert "[...]" in widgets.insertion_page("a", "b", [Sample("x" * 999, "stop")])


def test_the_box_draws_on_change_and_marks_the_best():
    with CompletionsServer(lambda _: (200, answer_of(CHOICES))) as server, server.client() as client:
        box = widgets.insertion_box(client, "m", "My dog", " and so on.", samples=2, max_tokens=60, seed=3)
        prefix, _, length, dice, result = box.children
        assert "2 ★" in result.value and "1 of 2 samples joined the suffix" in result.value
        length.value = 4
        dice.value = 5
        prefix.value = "My cat"
        prefix.value = " "
        assert "into both boxes" in result.value
    asked = [(body["prompt"], body["max_tokens"], body["seed"], body["temperature"]) for body in server.asked]
    assert asked == [
        ("My dog", 64, 3, 0.7),
        ("My dog", 4, 3, 0.7),
        ("My dog", 4, 5, 0.7),
        ("My cat", 4, 5, 0.7),
    ]
    assert server.asked[0]["suffix"] == " and so on."


def test_without_a_joined_sample_none_is_marked():
    with CompletionsServer(lambda _: (200, answer_of(CHOICES[:1]))) as server, server.client() as client:
        result = widgets.insertion_box(client, "m", "a", " b").children[-1]
    assert "★" not in result.value and "The only sample has not joined" in result.value


def test_a_refusal_stands_in_place_of_the_texts():
    refusal = {"error": {"message": "no <b>suffix</b>", "type": "e", "param": None, "code": None}}
    with CompletionsServer(lambda _: (400, refusal)) as server, server.client() as client:
        result = widgets.insertion_box(client, "m", "a", " b").children[-1]
    assert "no &lt;b&gt;suffix" in result.value and "Does this model take a suffix?" in result.value
