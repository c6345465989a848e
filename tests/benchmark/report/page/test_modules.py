"""Bundled modules behave as separate ones do, whatever names they use inside."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.report.page.modules import joined
from benchmark.report.page.page import _MAIN
from benchmark.workbench.landscape.page import _SCRIPT


@pytest.fixture
def written(tmp_path):
    """Return a function from texts by name to the path of the first of them."""

    def write(**texts):
        paths = [tmp_path / f"{name}.js" for name in texts]
        for path, text in zip(paths, texts.values(), strict=True):
            path.write_text(text, encoding="utf-8")
        return paths[0]

    return write


def graph(edges, size):
    """Return modules with the same private name and one export each, which sums its imports."""
    texts = {}
    for i in range(size):
        imported = sorted(j for j in range(i) if (j, i) in edges)
        lines = [f'import {{ total as_{j} }} from "./m{j}.js";' for j in imported]
        lines = [line.replace("total as_", "total_") for line in lines]
        terms = " + ".join([str(i + 1), *(f"total_{j}" for j in imported)])
        texts[f"m{i}"] = "\n".join(
            [*lines, f"const own = {terms};", f"export const total_{i} = own;", ""]
        )
    return texts


def totals(edges, size):
    found = []
    for i in range(size):
        found.append(i + 1 + sum(found[j] for j in range(i) if (j, i) in edges))
    return found


@pytest.mark.browser
def test_any_graph_of_modules_gives_what_it_would_by_itself(chromium, tmp_path):
    page = chromium.new_page()
    pairs = [(j, i) for i in range(6) for j in range(i)]

    @settings(max_examples=30, deadline=None)
    @given(st.sets(st.sampled_from(pairs)))
    def check(edges):
        texts = graph(edges, 6)
        lines = [f'import {{ total_{i} }} from "./m{i}.js";' for i in range(6)]
        shown = f"globalThis.totals = [{', '.join(f'total_{i}' for i in range(6))}];"
        for name, text in {**texts, "main": "\n".join([*lines, shown, ""])}.items():
            (tmp_path / f"{name}.js").write_text(text, encoding="utf-8")
        page.evaluate(joined(tmp_path / "main.js"))
        assert page.evaluate("totals") == totals(edges, 6)

    check()
    page.close()


def test_a_module_is_there_once_and_after_what_it_imports(written):
    entry = written(
        main='import { b } from "./b.js";\nimport { a } from "./a.js";\nb(a);\n',
        b='import {\n  a,\n} from "./a.js";\nexport function b() {\n  return a;\n}\n',
        a="export const a = 1;\n",
    )
    text = joined(entry, entry)
    assert [text.count(f"const {name} =") for name in ("a", "module_0", "module_2")] == [1, 1, 1]
    assert text.index("const a = 1") < text.index("function b()") < text.index("b(a)")
    assert not re.search(r"^(import|export)\b", text, re.MULTILINE)


def test_comments_of_their_own_lines_go_and_all_else_stays(written):
    kept = 'const url = "/* no comment */"; // why\n/** @type {A} */ (url).b();\n'
    kept += "const c = /* d */ 1;\n"
    entry = written(main=f"// @ts-check\n/* One. */\n{kept}  /**\n   * Two.\n   */\n{kept}")
    assert kept + kept in joined(entry)
    assert not re.search("One|Two|ts-check", joined(entry))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('import a from "./a.js";\n', "expected `import"),
        ('import * as a from "./a.js";\n', "expected `import"),
        ('import "./a.js";\n', "expected `import"),
        ('import { a } from "package";\n', "expected `import"),
        ("export default 1;\n", "expected `import"),
        ("export let a = 1;\n", "expected `import"),
        ("export { a };\n", "expected `import"),
        ('import { b } from "./a.js";\n', "a.js does not export b"),
        ('import { a as c } from "./a.js";\n', "a.js does not export a as c"),
        ('import { main } from "./main.js";\n', "main.js → main.js"),
        ('import { loop } from "./loop.js";\n', "main.js → loop.js → main.js"),
    ],
)
def test_what_cannot_be_joined_is_refused_by_name(written, text, words):
    entry = written(
        main=text, a="export const a = 1;\n", loop='import { main } from "./main.js";\n'
    )
    with pytest.raises(ValueError, match=re.escape(words)):
        joined(entry)


def test_what_pages_carry_cannot_end_its_script():
    assert not re.search("</script|<!--", joined(_MAIN, _SCRIPT), re.IGNORECASE)


def test_a_section_made_elsewhere_shares_what_the_page_has():
    both = len(joined(_MAIN, _SCRIPT))
    assert both < len(joined(_MAIN)) + len(joined(_SCRIPT))
    assert joined(_MAIN, _SCRIPT).startswith(joined(_MAIN))
