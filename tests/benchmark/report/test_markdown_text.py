import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from benchmark.plain_text import plain
from benchmark.report.markdown import table
from benchmark.report.markdown_text import as_text, fenced

MARKUP = st.text("`*_{}[]()<>#+-.!|~$=:&;\\/\"'1a \n\t", max_size=30)
STARTS = ["# ", "- ", "1. ", "1) ", "> ", "+ ", "=== ", "--- ", "* * *", "```", "~~~", "    "]
INSIDE = ["<b>", "<!-- ", "-->", "&amp;", "&#35;", "![a](b)", "[a]: b", "<http://a.b>", "__a__"]
PARTS = st.sampled_from([*STARTS, *INSIDE, "\\", "|", "$$"])
TEXTS = MARKUP | st.lists(PARTS | MARKUP, max_size=4).map("".join) | st.text(max_size=20)
PLACES = ["{}", "# {}", "so {}, and", "{}: it reached\n{}", "![{}](a.svg)", "a\n\n{}\n\nb"]


def rendered(markdown):
    """Return the token types that a Markdown parser finds, and the text."""
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    kinds, words = set(), []
    for token in reader.parse(markdown):
        kinds.add(token.type)
        for child in token.children or ():
            kinds.add(child.type)
            inner = child.children or [child]
            words.append(
                "".join(each.content or " " * (each.type == "softbreak") for each in inner)
            )
    return kinds, "".join(words)


@pytest.mark.parametrize("place", PLACES)
@given(text=TEXTS)
@example(text="1. a")
@example(text="- - -")
@example(text="a_b_ _c_")
@example(text="\\")
def test_any_text_reads_as_itself_wherever_it_stands(place, text):
    usual, _ = rendered(place.format("word", "word"))
    kinds, words = rendered(place.format(as_text(text), as_text(text)))
    empty = not plain(text)
    assert empty or kinds - {"text_special"} == usual
    expected = place.replace("# ", "").replace("![", "").replace("](a.svg)", "")
    expected = expected.replace("a\n\n", "a").replace("\n\nb", "b").replace("\n", " ")
    if not empty:
        assert words == expected.format(plain(text), plain(text))


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=3))
def test_a_table_has_the_cells_it_was_given(rows):
    kinds, words = rendered(table(["x", "y"], rows))
    assert kinds - {"text_special", "text"} == rendered(table(["x", "y"], [["", ""]]))[0] - {"text"}
    assert words == "xy" + "".join(plain(cell) for row in rows for cell in row)


@given(st.lists(TEXTS.filter(lambda text: plain(text)), min_size=1, max_size=3))
def test_nothing_ends_a_block_of_code_before_its_end(lines):
    (token,) = MarkdownIt("commonmark").parse(fenced(lines))
    assert token.type == "fence"
    assert token.content == "".join(f"{plain(line)}\n" for line in lines)
