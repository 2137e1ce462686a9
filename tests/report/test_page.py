"""The page in a real browser: numbers are clicked, receipts read; nothing is fetched and nothing goes wrong."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

import evidence
import pytest

from receipts.report import figures, page
from receipts.report.figures import style
from receipts.report.model import Report
from receipts.report.page import drill

CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")
NASTY = "</script><script>window.ran=1</script>"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Report, Path]]:
    """A report whose classes, purposes and notes try to be markup, written into a folder."""
    with evidence.project(tmp_path_factory.mktemp("page")) as folder:
        report = replace(evidence.report(group=NASTY, purpose=NASTY, note=NASTY), figures=["forest", "mistakes"])
        drawn = figures.make(report)
        figures.write(drawn, folder / "report")
        page.write(report, folder / "report", drawn)
        yield report, folder / "report"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; Debian has one: apt install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make env")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def opened(browser: Any, shown: tuple[Report, Path]) -> Iterator[Any]:
    """The page from its file, in a window of its own; afterwards it has fetched nothing and reported no error."""
    window = browser.new_context(viewport={"width": 1400, "height": 900}, color_scheme="light", reduced_motion="reduce")
    view = window.new_page()
    problems: list[str] = []
    asked: list[str] = []
    view.on("console", lambda message: problems.append(message.text))
    view.on("pageerror", lambda error: problems.append(str(error)))
    view.on("request", lambda request: asked.append(request.url))
    view.goto((shown[1] / "index.html").as_uri())
    yield view
    assert problems == []
    assert [url for url in asked if not url.startswith(("data:", (shown[1] / "index.html").as_uri()))] == []
    window.close()


def test_a_number_that_is_clicked_shows_its_receipt(opened: Any, shown: tuple[Report, Path]) -> None:
    number = shown[0].numbers["main.net.accuracy"]
    opened.click("#tables [data-key='main.net.accuracy']")
    told = opened.inner_text("#slip")
    assert number.text in told
    assert str(number.value) in told
    for run in number.receipt.runs:
        assert run in told
    for fact in (number.receipt.commits[0], number.receipt.data, number.receipt.harness, number.receipt.split_hash):
        assert fact[:12] in told
        assert opened.locator(f"#slip [title^='{fact[:12]}']").first.get_attribute("title") == fact
    assert number.receipt.command in told
    assert "receipts rerun main.net.accuracy" in told


def test_a_receipt_is_reached_and_left_with_the_keyboard_alone(opened: Any) -> None:
    opened.focus("#tables [data-key='main.net.accuracy']")
    opened.keyboard.press("Enter")
    assert opened.is_visible("#slip")
    opened.keyboard.press("Escape")
    assert opened.is_hidden("#slip")
    assert opened.evaluate("document.activeElement.dataset.key") == "main.net.accuracy"


def test_an_address_with_a_key_opens_its_receipt(opened: Any) -> None:
    opened.evaluate("location.hash = 'main.net.accuracy'")
    opened.wait_for_selector("#slip:visible")
    assert opened.inner_text("#slip-title") == "main.net.accuracy"


def test_a_pointer_over_a_number_says_what_it_means(opened: Any, shown: tuple[Report, Path]) -> None:
    opened.hover("#tables [data-key='main.net.accuracy']")
    opened.wait_for_selector("#tip:visible")
    assert shown[0].numbers["main.net.accuracy"].meaning in opened.inner_text("#tip")


def test_every_number_has_a_receipt_that_opens(opened: Any, shown: tuple[Report, Path]) -> None:
    known = opened.evaluate("JSON.parse(document.getElementById('data').textContent)")
    assert set(known["numbers"]) == set(shown[0].numbers)
    marks = opened.evaluate("[...document.querySelectorAll('.num')].map((each) => ({...each.dataset}))")
    assert len(marks) > 20
    for mark in marks:
        kind = {"key": "numbers", "run": "runs", "figure": "figures"}[
            next(k for k in mark if k in ("key", "run", "figure"))
        ]
        assert next(mark[k] for k in ("key", "run", "figure") if k in mark) in known[kind]
    opened.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    opened.evaluate("for (const number of document.querySelectorAll('.num')) number.click()")


def test_no_number_of_a_table_or_verdict_stands_outside_the_model(opened: Any) -> None:
    bare = opened.evaluate(
        """[...document.querySelectorAll('#tables tbody td, .card .delta')].map((cell) => {
            const copy = cell.cloneNode(true);
            for (const number of copy.querySelectorAll('.num')) number.remove();
            return copy.textContent;
        })"""
    )
    assert not [text for text in bare if re.search(r"\d\.\d", text)]


def test_a_table_is_sorted_by_a_click_and_back_by_another(opened: Any) -> None:
    def methods() -> list[str]:
        return [text.strip() for text in opened.locator("#table-main tbody th").all_inner_texts()]

    before = methods()
    opened.click("#table-main th:nth-child(2) button.sort")
    values = opened.evaluate(
        "[...document.querySelectorAll('#table-main tbody tr')].map((r) => +r.cells[1].dataset.sort)"
    )
    assert values == sorted(values)
    assert sorted(methods()) == sorted(before)
    opened.click("#table-main th:nth-child(2) button.sort")
    again = opened.evaluate(
        "[...document.querySelectorAll('#table-main tbody tr')].map((r) => +r.cells[1].dataset.sort)"
    )
    assert again == sorted(values, reverse=True)
    assert opened.locator("#table-main [aria-sort]").count() == 1


def test_it_shows_slices_costs_and_how_the_checklists_stand(opened: Any) -> None:
    part = opened.locator("#table-main .slicing tbody tr").first
    assert part.locator("th").inner_text() == "high"
    part.locator(".num").first.click()
    assert "accuracy of floor where ink is high" in opened.inner_text("#slip")
    assert opened.locator("#costs tbody th").all_inner_texts() == ["net", "floor", "logreg"]
    assert opened.locator("#checklists .boxes li").count() == 16 + 5
    assert "answered from records" in opened.inner_text("#checklists")


def test_the_theme_follows_the_system_and_then_the_reader(opened: Any) -> None:
    def background() -> str:
        return str(opened.evaluate("getComputedStyle(document.body).backgroundColor"))

    light = background()
    opened.emulate_media(color_scheme="dark")
    dark = background()
    assert dark != light
    opened.click("#theme")
    assert background() == light
    assert opened.get_attribute("#theme", "aria-pressed") == "false"
    opened.reload()
    assert background() == light, "what a reader chose is remembered"


def test_what_masks_the_grid_behind_a_text_is_as_dark_as_the_page(tmp_path: Path) -> None:
    drawing = tmp_path / "one.svg"
    drawing.write_text(f'<?xml?><svg><path fill="{style.BEHIND}"/><text fill="{style.INK}">9</text></svg>')
    assert page.svg(drawing) == '<svg><path fill="var(--card)"/><text fill="currentColor">9</text></svg>'


def test_a_class_named_like_markup_is_text(opened: Any) -> None:
    opened.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    assert opened.evaluate("window.ran") is None
    assert NASTY in opened.inner_text("#methods .group .name >> nth=0")
    assert NASTY in opened.inner_text("#methods .remark >> nth=0")


def test_the_ledger_tells_why_a_run_is_in_no_table_and_can_be_searched(opened: Any) -> None:
    assert "the loss became NaN" in opened.inner_text("#runs")
    opened.fill("#filter", "nan")
    assert opened.locator("#runs tbody tr:visible").count() == 1


def test_a_phone_shows_the_page_without_scrolling_sideways(opened: Any) -> None:
    opened.set_viewport_size({"width": 390, "height": 844})
    assert opened.evaluate("document.documentElement.scrollWidth") == 390
    drawings = "[...document.querySelectorAll('.drawing')]"
    assert opened.evaluate(f"{drawings}.map(one => one.scrollWidth <= one.clientWidth)") == [True] * 4
    opened.locator("#tables .num").first.click()
    assert opened.locator("#slip").bounding_box()["width"] == 390


def test_the_page_names_no_other_place(shown: tuple[Report, Path]) -> None:
    text = (shown[1] / "index.html").read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", text)
    assert NASTY not in text, "neither escaped HTML nor embedded JSON holds it as it stands"
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    assert json.loads(found[1])["numbers"]["main.net.accuracy"]["text"] == shown[0].numbers["main.net.accuracy"].text


def test_the_page_is_the_same_bytes_each_time(shown: tuple[Report, Path]) -> None:
    before = (shown[1] / "index.html").read_bytes()
    page.write(shown[0], shown[1], figures.make(shown[0]))
    assert (shown[1] / "index.html").read_bytes() == before


def test_a_page_says_which_methods_and_samples_it_leaves_out(
    shown: tuple[Report, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    every = len(drill.compared(shown[0]))
    assert "the first" not in (whole := page.render(*shown, [], {}))
    assert "this page has room for" not in whole
    for name, most in {"METHODS": every - 1, "GROUPED": every - 2, "BUDGET": 1}.items():
        monkeypatch.setattr(drill, name, most)
    assert sum(bool(one.groups) for one in drill.methods(shown[0])) <= every - 2
    text = page.render(*shown, [], {})
    assert f"the first {every - 1} of {every} methods, with groups the first {every - 2}" in text
    assert text.count('<figure class="sample">') == 1
    assert text.count("this page has room for") > 0
