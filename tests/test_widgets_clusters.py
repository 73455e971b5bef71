import numpy as np
import pytest

from helpers import clustering, widgets


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(2)
    kinds = np.repeat([0, 1, 2], [12, 9, 6])
    vectors = np.eye(8)[kinds] + 0.05 * rng.standard_normal((27, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    topics = ("strong tea <script>alert(1)</script>", "dog treats", "salted nuts")
    texts = [f"{topics[kind]} number {i}" for i, kind in enumerate(kinds)]
    return vectors, texts, np.tile([5, 4, 1], 9)


def parts(explorer):
    slider, chosen, button, result = explorer.children
    return slider, chosen, button, result


def test_a_page_has_size_words_stars_and_reviews(data):
    vectors, texts, stars = data
    groups = clustering.kmeans(vectors, 3)
    page = widgets.group_page(groups, 1, vectors, texts, stars, count=2)
    assert "Group 1</strong>: 9 of 27 reviews" in page
    assert "treats" in page and "nuts" not in page
    assert "<strong>Stars</strong>: 3.33 (95 % interval" in page and "all reviews: 3.33" in page
    assert page.count("★") == 6
    first = clustering.typical(vectors, groups, 1, 1)[0]
    assert page.index(texts[first]) > page.index("Typical")


def test_everything_is_escaped_and_long_texts_are_cut(data):
    vectors, texts, stars = data
    long = ["<b>" + "x" * 900, *texts[1:]]
    for group in range(3):
        page = widgets.group_page(clustering.kmeans(vectors, 3), group, vectors, long, stars, count=12)
        assert "<script>" not in page and "<b>" not in page and "x" * 400 not in page


def test_a_group_of_one_has_no_interval(data):
    vectors, texts, stars = data
    lonely = np.vstack([vectors, -vectors[:1]])
    groups = clustering.kmeans(lonely, 4)
    page = widgets.group_page(groups, 3, lonely, [*texts, "alone"], [*stars, 2])
    assert "Stars</strong>: 2.00;" in page and "interval" not in page


def test_explorer_lists_groups_with_sizes_and_follows_the_slider(data):
    slider, chosen, _, result = parts(widgets.cluster_explorer(*data, k=3, most=5))
    assert [label.rsplit("(")[-1] for label, _ in chosen.options] == ["12)", "9)", "6)"]
    assert "Group 0</strong>: 12" in result.value
    chosen.value = 2
    assert "Group 2</strong>: 6" in result.value
    slider.value = 2
    assert len(chosen.options) == 2 and chosen.value == 0
    assert "Group 0" in result.value
    chosen.value = 1
    assert "Group 1" in result.value


def test_explorer_draws_other_reviews(data):
    _, _, button, result = parts(widgets.cluster_explorer(*data, k=3))
    before = result.value
    button.click()
    assert result.value != before
    head = before.split("Drawn at random")[0]
    assert result.value.startswith(head)


def test_names_are_shown_at_their_k_only(data):
    slider, chosen, _, _ = parts(
        widgets.cluster_explorer(*data, k=3, names={0: "Tea <i>", 1: "Dogs", 2: "Nuts"})
    )
    assert chosen.options[0][0].startswith("0: Tea <i> (12")  # a list's entries are text, not HTML
    slider.value = 2
    assert "Dogs" not in chosen.options[1][0]
