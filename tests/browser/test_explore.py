"""A person opens each exploration notebook, runs it, turns a menu, moves a slider, clicks an experience, and sees the numbers follow."""

import json
import os
import re
import shutil

import pytest

pytestmark = pytest.mark.long

#: Language of the screens; da looks at the other translation.
LANGUAGE = os.environ.get("DELIGHT_BROWSER_LANGUAGE", "")


class Screen:
    """An explorer on a page."""

    def __init__(self, page):
        self.page = page
        self.explorer = page.locator(".delight-explore").first
        self.explorer.wait_for()
        page.wait_for_timeout(300)

    def words(self):
        """All that the numbers say."""
        return "\n".join(self.page.locator(".delight-words").all_inner_texts())

    def wait_for(self, text):
        """Until some words stand there."""
        self.page.wait_for_function(
            "wanted => [...document.querySelectorAll('.delight-words')].some(e => e.innerText.match(new RegExp(wanted)))", arg=text
        )
        return self.words()

    def wait_for_change(self, before):
        """Until the words are others."""
        self.page.wait_for_function(
            "before => [...document.querySelectorAll('.delight-words')].map(e => e.innerText).join('\\n') !== before", arg=before
        )
        return self.words()

    def done(self):
        """Until no work is under way."""
        self.page.wait_for_function("() => ![...document.querySelectorAll('.widget-hprogress')].some(e => e.offsetParent !== null)")

    def menu(self, place):
        return self.page.locator(".delight-explore .widget-dropdown select").nth(place)

    def slide(self, place, key="ArrowRight", times=1):
        """Move a slider by its keys, as somebody without a mouse does."""
        handle = self.page.locator(".delight-explore .noUi-handle").nth(place)
        handle.focus()
        for _ in range(times):
            self.page.keyboard.press(key)


@pytest.fixture
def opened(lab, page, book):
    """Open a notebook in JupyterLab and run it all; ends its kernel afterwards."""

    def opening(name, **parameters):
        path = book / "book" / "notebooks" / "explore" / f"{name}.ipynb"
        notebook = json.loads(path.read_text(encoding="utf-8"))
        given = {"language": LANGUAGE, **parameters}
        cell = next(c for c in notebook["cells"] if "parameters" in c["metadata"].get("tags", ()))
        lines = [f"{k} = {v!r}\n" for k, v in given.items() if v]
        cell["source"] = [*cell["source"], "\n", *lines] if lines else cell["source"]
        path.write_text(json.dumps(notebook), encoding="utf-8")
        page.goto(f"{lab.address}/lab/tree/notebooks/explore/{name}.ipynb?token=test&reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.wait_for_selector("text=/Python 3.*\\| Idle/")
        page.click("text=Run >> nth=0")
        page.click("text=Run All Cells")
        return Screen(page)

    yield opening
    lab.end_kernels()


def test_satisfaction_follows_the_filter_and_compares(opened, page, book):
    screen = opened("satisfaction")
    before = screen.wait_for(r"NPS")
    assert re.search(r"\d[,.]\d \(\d[,.]\d–\d[,.]\d\)", before)
    waves = screen.menu(0)
    waves.select_option(index=1)
    after = screen.wait_for_change(before)
    assert "NPS" in after
    page.locator(".delight-explore .widget-checkbox input").first.check()
    compared = screen.wait_for(r"B")
    assert compared.count("NPS") >= 1
    screen.menu(screen.page.locator(".delight-explore .widget-dropdown select").count() // 2).select_option(index=2)
    screen.wait_for(r"p = |p <")
    page.locator(".delight-explore svg").first.wait_for()
    page.shot("explore-satisfaction")
    page.locator("button:has-text('code'), button:has-text('kode')").first.click()
    page.wait_for_selector(".delight-explore pre")
    assert "satisfaction.compare(" in page.locator(".delight-explore pre").inner_text()
    page.locator(".delight-explore button:has(.fa-download)").first.click()
    page.wait_for_function("() => document.body.innerText.includes('.svg')")
    saved = sorted(p.suffix for p in (book / "book" / "reports" / "explore").iterdir())
    assert {".svg", ".png", ".csv", ".py"} <= set(saved)
    page.locator(".delight-explore button:has(.fa-search-plus)").first.click()
    page.wait_for_selector(".delight-large")
    page.shot("explore-satisfaction-large")


def test_an_experience_clicked_in_the_figure_shows_its_answers(opened, page):
    screen = opened("drivers")
    screen.page.locator("[id^='pick-'][role='button']").first.wait_for()
    screen.done()
    before = screen.words()
    marks = page.locator("[id^='pick-'][role='button']")
    assert marks.count() == 11 and page.locator("svg[aria-label]").count() == 2
    marks.nth(4).click()
    after = screen.wait_for_change(before)
    page.shot("explore-drivers")
    marks = page.locator("[id^='pick-'][role='button']")
    marks.nth(7).focus()
    page.keyboard.press("Enter")  # the same by keyboard
    again = screen.wait_for_change(after)
    screen.menu(1).select_option(index=1)  # another group of customers
    screen.wait_for_change(again)
    page.locator(".delight-explore .widget-toggle-buttons button").nth(2).click()
    page.wait_for_timeout(500)
    screen.done()
    page.wait_for_function('() => document.querySelectorAll(\'[id^="pick-"][role="button"]\').length === 11')
    page.shot("explore-drivers-map")


def test_a_threshold_is_tried_with_a_slider(opened, page):
    screen = opened("loyalty")
    page.locator(".delight-explore svg").first.wait_for()
    before = screen.words()
    screen.slide(0, "ArrowLeft", 2)
    after = screen.wait_for_change(before)
    page.locator(".delight-explore .widget-checkbox input").nth(1).check()
    screen.menu(page.locator(".delight-explore .widget-dropdown select").count() - 1).select_option(index=0)
    screen.wait_for_change(after)
    page.shot("explore-loyalty")


def test_what_if_moves_with_its_sliders(opened, page):
    screen = opened("what-if")
    page.locator(".delight-explore .noUi-handle").first.wait_for()
    page.locator(".delight-explore .delight-words p strong").first.wait_for()
    before = screen.words()
    screen.slide(7, "ArrowRight", 4)
    after = screen.wait_for_change(before)
    assert after.count("(") >= 4  # intervals
    page.wait_for_timeout(500)
    page.shot("explore-what-if")


def test_segments_are_found_named_and_told_from_each_other(opened, page):
    screen = opened("segments")
    page.locator(".delight-explore svg").first.wait_for()
    screen.done()
    page.locator(".delight-explore .noUi-handle").nth(1).wait_for()
    told = page.locator(".delight-words table").first.inner_text()
    screen.slide(1, "End")
    page.wait_for_function("before => document.querySelector('.delight-words table').innerText !== before", arg=told)
    page.shot("explore-segments")
    screen.slide(0)  # one segment more
    page.locator(".delight-explore button:has(.fa-stop)").first.wait_for()
    page.locator(".delight-explore button:has(.fa-stop)").first.click()
    screen.done()


def test_comments_are_searched(opened, page):
    screen = opened("comments")
    before = screen.wait_for(r"\d")
    box = page.locator(".delight-explore .widget-text input").first
    box.fill("wachten|traag|lang")
    box.press("Enter")
    screen.wait_for_change(before)
    page.locator(".delight-explore mark").first.wait_for()
    page.shot("explore-comments")


def test_a_codebook_is_decided_by_clicking(opened, page, root, book):
    drafted = book / "drafted" / "kinderopvang-demo"
    shutil.copytree(root / "data" / "studies" / "kinderopvang-demo", drafted)
    text = (drafted / "codebook.csv").read_text(encoding="utf-8")
    (drafted / "codebook.csv").write_text(re.sub(r"^(warmth|known),attribute", r"\1,?", text, flags=re.M), encoding="utf-8")
    screen = opened("codebook", study=str(drafted), language=LANGUAGE or "nl")
    role = page.locator(".delight-explore .widget-dropdown select").first
    role.wait_for()
    before = screen.words()
    role.select_option("attribute")
    screen.wait_for_change(before)
    page.shot("explore-codebook")
    page.locator(".delight-explore button:has(.fa-save)").click()
    page.wait_for_function("() => document.body.innerText.includes('codebook.csv')")
    page.wait_for_timeout(500)
    assert len(re.findall(r"^(?:warmth|known),attribute", (drafted / "codebook.csv").read_text(encoding="utf-8"), flags=re.M)) == 1


def test_the_same_views_without_code(voila, page):
    page.goto(f"{voila.address}/voila/render/loyalty.ipynb")
    screen = Screen(page)
    page.locator(".delight-explore svg").first.wait_for()
    before = screen.words()
    screen.slide(0, "ArrowLeft", 1)
    screen.wait_for_change(before)
    assert "open_study(" not in page.locator("body").inner_text()
    assert page.locator(".delight-explore svg").evaluate_all("all => all.every(e => e.getAttribute('aria-label').length > 40)")
    assert page.locator("h1").inner_text() == "Wat klanten bindt, live"
    page.shot("explore-app")
    reached = set()
    page.locator(".delight-explore select").first.focus()
    for _ in range(40):  # every control by Tab alone
        reached.add(page.evaluate("document.activeElement.className + ' ' + document.activeElement.tagName + document.activeElement.type"))
        page.keyboard.press("Tab")
    for control in ("SELECT", "noUi-handle", "INPUTcheckbox", "BUTTON"):
        assert any(control in each for each in reached), (control, reached)
