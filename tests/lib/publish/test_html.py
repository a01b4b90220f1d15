import contextlib
import re
import zlib
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from delight.publish import html, pdf, story
from delight.publish.content import ChapterContent
from delight.show import LANGUAGES, theme

from tests import made_up_report

EVIL = "</style><script>alert(1)</script>=cmd|'/C calc'!A0\\"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The made-up report in every language."""
    content = made_up_report.content(tmp_path_factory.mktemp("work"))
    return {language: html.page(content, language) for language in LANGUAGES}


def evil_content(work):
    """The made-up run with script in every text of the client's."""
    content = made_up_report.content(
        work,
        organisation=EVIL,
        wave=EVIL,
        fieldwork={"population": EVIL, "languages": [EVIL]},
        report={"author": EVIL, "contact": EVIL, "title": EVIL, "colours": [EVIL]},
    )
    content.columns = {language: dict.fromkeys(made_up_report.ASPECTS, EVIL) for language in LANGUAGES}
    content.locations = {f"l{i}": EVIL for i in range(12)}
    path = work / "s.nl.md"
    path.write_text(f"# summary\n{EVIL}\n# actions\n- {EVIL} | {EVIL}\n", encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace("|'/C", "'/C"), encoding="utf-8")
    story.keep(SimpleNamespace(story={(EVIL, "nl"): path}, waves=[EVIL]), EVIL, work)
    return content


class Outline(HTMLParser):
    """Tags, ids, headings and references of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.links, self.headings, self.loads, self.stack = [], [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [attrs["href"]] if tag == "a" else []
        self.loads += [attrs[k] for k in ("src", "srcset", "data") if k in attrs] + ([attrs["href"]] if tag == "link" else [])
        self.headings += [int(tag[1])] if re.fullmatch(r"h[1-6]", tag) else []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_takes_nothing_from_elsewhere(pages, language):
    page = pages[language]
    outline = Outline(page)
    assert all(source.startswith("data:") for source in outline.loads)
    assert not [tag for tag, _ in outline.tags if tag in ("script", "link", "iframe", "object", "embed")]
    assert all(url.startswith("data:") or url.startswith("#") for url in re.findall(r"url\((.*?)\)", page))
    assert "@import" not in page
    assert {h for h in re.findall(r"https?://[^\s\"'<)]+", page)} <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_marked_up_for_every_reader(pages, language):
    outline = Outline(pages[language])
    tags = [tag for tag, _ in outline.tags]
    assert outline.tags[1 if tags[0] != "html" else 0][1].get("lang", language) == language
    assert [tags.count(t) for t in ("h1", "main", "nav", "header", "footer")] == [1] * 5
    assert all(after <= before + 1 for before, after in zip(outline.headings, outline.headings[1:])), outline.headings
    assert len(outline.ids) == len(set(outline.ids))
    assert {link.removeprefix("#") for link in outline.links} <= set(outline.ids)
    assert all(attrs.get("scope") for tag, attrs in outline.tags if tag == "th")
    assert all(attrs.get("aria-label") for tag, attrs in outline.tags if tag == "svg")


def test_the_story_is_told_in_its_order_and_the_annex_is_last(pages):
    ids = [i for i in re.findall(r'<section id="(\w+)"', pages["en"])]
    assert ids == ["summary", "feedback", "satisfaction", "drivers", "next_time", "annex"]
    body, annex = pages["en"].split('<section id="annex"')
    assert body.count("<figure") == 2 and annex.count("<caption>") == 1


def test_skipped_chapters_together_say_what_to_ask_next_time(pages):
    assert pages["en"].count("we advise to ask") == 1
    assert "<dt>Which customers there are</dt>" in pages["en"] and "<dt>What satisfaction does for loyalty</dt>" in pages["en"]
    assert "“What matters most to you?”, choosing three from a list of wishes" in pages["en"]
    assert "one of these: “How likely are you to recommend us" in pages["en"]
    assert "Voor de volgende meting adviseren we te vragen:" in pages["nl"]


def test_a_method_under_a_figure_leads_to_the_annex(pages):
    assert 'method <a href="#method-M14">M14</a></p>' in pages["en"]
    assert '<div class="method" id="method-M14"><h4>M14 · Shapley values</h4>' in pages["en"]


def test_a_report_of_some_chapters_is_marked_partial(tmp_path):
    content = made_up_report.content(tmp_path, partial=True)
    content.chapters[1] = ChapterContent("satisfaction", "20-satisfaction", "not_run")
    page = html.page(content, "en")
    assert "Partial report: some chapters were left out." in page
    assert 'id="satisfaction"' not in page


def test_text_of_the_client_can_end_neither_a_tag_nor_a_style(tmp_path):
    page = html.page(evil_content(tmp_path), "nl")
    assert "<script" not in page.lower()
    assert page.count("</style>") == 1
    assert page.count("&lt;script&gt;") > 20


def test_a_css_string_holds_any_text():
    assert html.css_string('a"b</style>é') == '"a\\000022 b\\00003c \\00002f style\\00003e \\0000e9 "'


def test_the_clients_colour_is_darkened_until_text_in_it_reads_well():
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert html.readable("#ffcc00") != "#ffcc00" and theme.contrast(html.readable("#ffcc00"), "#ffffff") >= 4.5
    css = html.brand_css(["#ffcc00"], "A", "B")
    assert "--brand:#ffcc00" in css and f"--on-brand:{theme.COLOURS['ink']}" in css
    assert f"--brand:{theme.COLOURS['main']}" in html.brand_css(["red;}"], "A", "B")


def test_the_fixed_colours_of_text_have_a_contrast_of_four_and_a_half():
    for colour in (theme.COLOURS["ink"], theme.COLOURS["soft"]):
        assert theme.contrast(colour, "#ffffff") >= 4.5
        assert theme.contrast(colour, "#f3f5f7") >= 4.5


def test_a_logo_is_carried_inside(tmp_path):
    (tmp_path / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    page = html.page(made_up_report.content(tmp_path), "en")
    assert '<img class="logo" src="data:image/svg+xml;base64,' in page


def test_keeping_a_logo_copies_pictures_only(tmp_path):
    study = SimpleNamespace(path=tmp_path / "study", report={"logo": "mark.png"})
    study.path.mkdir()
    (study.path / "mark.png").write_bytes(b"\x89PNG\r\n\x1a\n...")
    work = tmp_path / "work"
    work.mkdir()
    assert html.keep_logo(study, work) == ""
    assert (work / "logo.png").is_file()
    study.report = {"logo": "mark.exe"}
    assert "mark.exe" in html.keep_logo(study, work)
    assert not list(work.glob("logo.*"))


def objects(pdf):
    """Everything in a PDF as bytes, with its compressed streams unpacked."""
    found = [pdf]
    for packed in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, flags=re.S):
        with contextlib.suppress(zlib.error):
            found.append(zlib.decompress(packed))
    return b"\n".join(found)


def test_the_pdf_holds_every_table_and_figure_of_the_page_for_eyes_and_ears(tmp_path):
    page = html.page(made_up_report.content(tmp_path), "nl")
    made, why = pdf.write(page, tmp_path / "report.pdf")
    if made is None:
        pytest.skip(why)
    inside = objects(made.read_bytes())
    tables, figures = page.count("<table"), page.count("<svg")
    assert tables == 2 and figures == 1
    assert len(re.findall(rb"/S\s*/Table\b", inside)) >= tables  # a table over two pages is tagged twice, its cells once
    assert len(re.findall(rb"/S\s*/TD\b", inside)) == page.count("<td")
    assert len(re.findall(rb"/S\s*/Figure\b", inside)) >= figures and len(re.findall(rb"/Alt\b", inside)) >= figures
    assert re.search(rb"/Marked\s*true", inside) and b"pdfuaid" in inside and re.search(rb"/Lang\s*\(nl\)", inside)
    outline = re.findall(rb"/Title\s*(\([^)]*\)|<[0-9a-fA-F]+>)", inside)
    assert len(outline) > page.count("<h2"), "a bookmark a section"


def test_every_result_of_the_report_stands_under_its_method(tmp_path):
    content = made_up_report.content(tmp_path)
    methods = html.page(content, "nl").split('<div class="methods">')[1].split("</section>")[0]
    shown = {name for c in content.chapters for b in c.blocks for name in b["tables"]}
    assert shown and all(name in methods for name in shown)
    n = content.result("satisfaction.levels").meta["n_used"]
    assert f"satisfaction.levels (n = {n:,})".replace(",", ".") in methods


def test_the_pdf_computes_no_styles_of_notes_that_a_report_never_has(tmp_path, monkeypatch):
    style = pytest.importorskip("weasyprint.css", exc_type=ImportError).StyleFor
    asked, compute = [], style.set_computed_styles

    def counted(self, element, *args, **kwargs):
        asked.append(kwargs.get("pseudo_type"))
        return compute(self, element, *args, **kwargs)

    monkeypatch.setattr(style, "set_computed_styles", counted)
    pdf.write(html.page(made_up_report.content(tmp_path), "nl"), tmp_path / "report.pdf")
    assert asked and not {"footnote-call", "note-marker"} & set(asked), "else a PDF takes several seconds longer"


def test_without_pango_there_is_a_sentence_and_no_error(tmp_path, monkeypatch):
    import builtins

    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    made, why = pdf.write("<p>x", tmp_path / "report.pdf")
    assert made is None
    assert why.startswith("No PDF was made: WeasyPrint finds no Pango") and "apt install" in why
