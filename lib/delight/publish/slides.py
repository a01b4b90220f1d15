"""slides.pptx: one message a slide, with charts a client can edit, in the client's own template if the study names one."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from pathlib import Path

from delight.publish import html, shapes, story, template
from delight.show import charts, render, report, theme, views
from delight.show.charts import label

#: Characters of the longest reading that is a title; a longer one leaves the title to the question, and stands beside the figure.
TITLE = 150
#: Characters of reading beside a figure, and rows of a table on one slide.
BESIDE, ROWS = 520, 11

_SENTENCE = re.compile(r"(?:(?<=[.!?])|(?<=[.!?]\*\*))\s+(?=[“\"*A-ZÀ-ÞÆØÅ\d])")
_LEAD = re.compile(r"\*\*(?:[^*]{1,90}\?|[^*\d]{1,90}[.!])\*\*\s+")
#: What marks a sentence as a finding: bold, a percentage, an interval.
_FINDING = re.compile(r"\*\*|\d\s?%|\d[–-]\d| [+−]\d")


@dataclass(frozen=True)
class Message:
    """One slide to be.

    Attributes
    ----------
    chapter, title : str
    points : list of str
        Further sentences of the reading, ``**bold**`` allowed.
    source : str
        n and method, at the foot.
    block : dict, optional
        Figure or table to show.
    rows : list of list of str
        A table of text, its head first, where there is no block.
    notes : list of str
        For the speaker: everything that was said of it.
    """

    chapter: str
    title: str
    points: list = field(default_factory=list)
    source: str = ""
    block: dict | None = None
    rows: list = field(default_factory=list)
    notes: list = field(default_factory=list)


def write(content, language, path):
    """Write the slides of a report in one language.

    Parameters
    ----------
    content : Content
        A finished run; a template it kept in its work folder is used.
    language : {"nl", "da", "en"}
    path : Path

    Returns
    -------
    (Path, str)
        The file, and "": it can always be made.
    """
    words = content.words(language)
    deck = Deck(content, words)
    deck.cover()
    for message in messages(content, words):
        deck.add(message)
    deck.save(path)
    return Path(path), ""


# ---- what to say
def messages(content, words):
    """The slides in the order of the report."""
    told, found = story.told(content, words), []
    for chapter in report.in_order(content.chapters):
        if chapter.status != "done":
            continue
        title = report.title(words, chapter.name)
        own = _paragraphs(told.sections.get(chapter.name, ""))
        found += [_said(title, own, words)] if own else []
        found += _of_chapter(content, words, title, [b for b in chapter.blocks if b.get("place") != "annex"])
    if told.actions:
        heads = [report.heading(words, key) for key in ("action", "owner", "due")]
        rows = [heads, *([" ".join(_paragraphs(a.html)), a.owner, a.due] for a in told.actions)]
        found.append(Message(report.title(words, "actions"), report.title(words, "actions"), rows=rows))
    return found


def _of_chapter(content, words, chapter, blocks):
    """Messages of one chapter: each figure and table with the reading that belongs to it; readings without one as text."""
    found, guides = [], []
    waiting = []  # readings that no slide has told yet: (tables, paragraphs, results)
    for block in blocks:
        view, options = views.find(block["view"]), block.get("options") or {}
        results = [content.result(name) for name in block["tables"]]
        if block["kind"] in ("reading", "note"):
            told = [p for p in view(*results, words, **options) if p]
            if view.look == "guide":
                guides += told
                continue
            waiting += [(block["tables"], told, results)] if told else []
            continue
        if block["kind"] == "table" and not render.filled(view, results, words, options):
            continue
        mine = [w for w in waiting if set(w[0]) & set(block["tables"])][-1:]
        if not mine and view.kind == "figure":  # the reading just before a figure speaks of it
            mine = waiting[-1:]
        found += [_said(chapter, told, words, source) for _tables, told, (source, *_) in waiting if told not in [m[1] for m in mine]]
        told, waiting = [p for _tables, paragraphs, _results in mine for p in paragraphs], []
        caption = view.caption(*results, words, **options) if view.caption else ""
        question = render.plain(view.title(*results, words, **options))
        title, points = message(told)
        title = title or question
        notes = [question, *told, caption]
        found.append(Message(chapter, title, _fitting(points), words.source(results[0]), block, notes=notes))
    found += [_said(chapter, told, words, source) for _tables, told, (source, *_) in waiting]
    if guides and found:
        found[0].notes.extend(guides)
    return found


def _said(chapter, told, words, result=None):
    """A slide of text alone."""
    title, points = message(told)
    if not title:
        title, points = _opening(told)
    source = words.source(result) if result is not None else ""
    return Message(chapter, title or chapter, points, source, notes=told)


def message(paragraphs):
    """The message of a reading and what else it says.

    The message is a finding in the first two sentences: whole, or up to its first colon or a semicolon where that part stands by itself; never words
    out of the middle, nor a later finding that the first would put in its place. "" where there is none short enough for a title. What does
    not stand in the title stays beside it, and nothing is said twice.
    """
    first, *others = paragraphs or [""]
    lead = _lead(first)
    for sentence in _SENTENCE.split(first[len(lead) :])[:2]:
        if not _FINDING.search(sentence):
            continue
        if len(render.plain(sentence)) <= TITLE:
            rest = " ".join(first.replace(sentence, "", 1).split())
            return render.plain(sentence), [p for p in (rest, *others) if p and p != lead.strip()]
        ends = (m for m in re.finditer(r"[:;]\s+", sentence) if m[0][0] == ";" or ":" not in sentence[: m.start()])
        cut = next((m for m in ends if _whole(sentence[: m.start()])), None)
        if cut is None:
            break
        rest = first[len(lead) :].replace(sentence, _capital(sentence[cut.end() :]), 1)
        return f"{render.plain(sentence[: cut.start()])}.", [rest, *others]
    return "", paragraphs


def _opening(paragraphs):
    """A title for a reading without a finding in so many words: its lead, else its first sentence; and the rest."""
    first, *others = paragraphs
    opening = _lead(first) or _SENTENCE.split(first)[0]
    if len(render.plain(opening)) > TITLE:
        return "", paragraphs
    return render.plain(opening).rstrip("." if _lead(first) else ""), [p for p in (first[len(opening) :].strip(), *others) if p]


def _lead(paragraph):
    """The few bold words that say what a paragraph is about: a question, or a heading without a figure of its own."""
    found = _LEAD.match(paragraph)
    return found[0] if found else ""


def _whole(text):
    """Whether the beginning of a sentence says something by itself: a figure in it, brackets and bold closed, and short enough for a title."""
    closed = text.count("(") == text.count(")") and text.count("**") % 2 == 0
    return closed and re.search(r"\d", text) and 15 < len(render.plain(text)) <= TITLE


def _capital(text):
    """The text with its first letter a capital, also behind ``**``."""
    return re.sub(r"^(\W*)(\w)", lambda m: m[1] + m[2].upper(), text, count=1)


def _fitting(paragraphs):
    """Whole sentences from the start, as many as there is room for beside a figure."""
    kept, left = [], BESIDE
    for paragraph in paragraphs:
        said = []
        for sentence in _SENTENCE.split(paragraph):
            if len(render.plain(sentence)) > left:
                return [*kept, " ".join(said)] if said else kept
            said.append(sentence)
            left -= len(render.plain(sentence))
        kept.append(" ".join(said))
    return kept


def _paragraphs(markup):
    """Text of the story's HTML, a paragraph or list item each, bold kept."""
    text = re.sub(r"</?(strong|b)>", "**", markup)
    return [t for part in re.split(r"</(?:p|li|h\d)>", text) if (t := unescape(re.sub(r"<[^>]+>", "", part)).strip())]


# ---- how it looks
class Deck:
    """A presentation in the making: the client's template, or our own look in the study's colour.

    Parameters
    ----------
    content : Content
    words : Words
    """

    def __init__(self, content, words):
        import pptx

        self.content, self.words = content, words
        settings = content.about.get("report") or {}
        self.brand = html.brand(settings.get("colours"))
        own = template.kept(content.work)
        self.deck = pptx.Presentation(str(own) if own else None)
        if own:
            template.without_slides(self.deck)
        else:
            template.dress(self.deck, self.brand)
        self.covering, self.plain = template.layouts(self.deck)
        self.wide, self.high = self.deck.slide_width, self.deck.slide_height
        about = self.deck.core_properties
        about.title, about.author = report.cover(words, content.about)["title"], settings.get("author") or content.about["organisation"]
        about.created = about.modified = datetime.fromisoformat(content.about["made_at"]).replace(tzinfo=None)
        about.language = words.language

    def save(self, path):
        """Write the file."""
        self.deck.save(str(path))

    def cover(self):
        """The first slide."""
        cover, about = report.cover(self.words, self.content.about), self.content.about
        slide = self.deck.slides.add_slide(self.covering)
        slide.shapes.title.text = label(cover["title"])
        if not template.kept(self.content.work):
            for run in slide.shapes.title.text_frame.paragraphs[0].runs:
                run.font.color.rgb = shapes.rgb(theme.on(self.brand))
        lines = [about["organisation"], cover["location"], " · ".join(t for t in (cover["wave"], cover["made"]) if t), cover["partial"]]
        rest = [p for p in slide.placeholders if p.placeholder_format.idx != 0 and p.has_text_frame]
        if rest:
            rest[0].text = "\n".join(label(t) for t in lines if t)
        for placeholder in rest[1:]:
            placeholder._element.getparent().remove(placeholder._element)
        self._logo(slide)

    def add(self, message):
        """The slide of a message; a long table goes on over further slides."""
        if message.block is None and not message.rows:
            return self._text(message)
        if message.rows or message.block["kind"] == "table":
            return self._cards(message) if message.block and views.find(message.block["view"]).look == "cards" else self._tables(message)
        return self._figure(message)

    # ---- kinds of slides
    def _text(self, message):
        slide, (left, top, wide, high) = self._slide(message)
        said = sum(map(len, message.points))
        size = next((size for most, size in ((260, 24), (520, 20), (900, 16)) if said < most), 12)
        self._points(slide, message.points, (left, top + high // 20, int(wide * 0.86), high), size)

    def _figure(self, message):
        slide, area = self._slide(message)
        view, options = views.find(message.block["view"]), message.block.get("options") or {}
        results = [self.content.result(name) for name in message.block["tables"]]
        if message.points:
            left, top, wide, high = area
            beside = int(wide * 0.29)
            self._points(slide, message.points, (left + wide - beside, top, beside, high), 13)
            area = (left, top, wide - beside - template.EDGE // 2, high)
        alt = view.alt(*results, self.words, **options)
        drawn = charts.offered(view, results, self.words, options)
        for chart, place in zip(drawn, _side_by_side(area, len(drawn))):
            shapes.chart(slide, chart, place, alt)
        if not drawn:
            picture = render.figure_png(view, results, self.words, options)
            if picture:
                shapes.picture(slide, picture, area, alt)

    def _cards(self, message):
        """Key figures side by side, each large with what it rests on."""
        from pptx.enum.text import MSO_ANCHOR

        slide, (left, top, wide, high) = self._slide(message)
        cards = list(zip(*(render.cells(c, self.words) for c in self._columns(message.block))))
        name_high = high // 6  # names stand on one line above, numbers below it, however long a name is
        for (name, value, *rest), (x, y, across, _) in zip(cards, _side_by_side((left, top + high // 10, wide, high), len(cards))):
            head = slide.shapes.add_textbox(x, y, across - 90000, name_high).text_frame
            head.vertical_anchor = MSO_ANCHOR.BOTTOM
            shapes.text(head, [name], 16)
            body = slide.shapes.add_textbox(x, y + name_high, across - 90000, high // 2).text_frame
            shapes.text(body, [value], 44, colour=html.readable(self.brand))
            shapes.text(body, [t for t in rest if t], 13, colour=theme.COLOURS["soft"], more=True)

    def _columns(self, block):
        view, options = views.find(block["view"]), block.get("options") or {}
        return render.filled(view, [self.content.result(name) for name in block["tables"]], self.words, options)

    def _tables(self, message):
        if message.rows:
            head, *rows = message.rows
            numeric, bold = [False] * len(head), []
        else:
            columns = self._columns(message.block)
            head, numeric = [str(c.heading) for c in columns], [c.format != "text" for c in columns]
            rows = list(zip(*(render.cells(c, self.words) for c in columns)))
            bold = list(zip(*(c.emphasis if c.emphasis is not None else [False] * len(rows) for c in columns)))
        parts = _parts(rows)
        for number, (start, end) in enumerate(parts, 1):
            slide, area = self._slide(message, f" ({number}/{len(parts)})" if len(parts) > 1 else "", notes=number == 1)
            left, top, wide, high = area
            if message.points and number == 1:
                room = int(high * 0.2)
                self._points(slide, _first(message.points, 330), (left, top, wide, room), 13)
                area = (left, top + room, wide, high - room)
            shapes.table(slide, head, rows[start:end], numeric, bold[start:end], area, self.brand)

    # ---- parts of slides
    def _slide(self, message, more="", notes=True):
        """A slide with title, source and speaker's notes; returns it with the area left for its body."""
        from pptx.util import Pt

        slide = self.deck.slides.add_slide(self.plain)
        title = slide.shapes.title
        title.text = label(message.title + more)
        size = 24 if len(message.title) <= 75 else 20 if len(message.title) <= 120 else 18
        for run in (r for p in title.text_frame.paragraphs for r in p.runs):
            run.font.size = Pt(size)
        for placeholder in list(slide.placeholders):
            if placeholder.placeholder_format.idx != 0:
                placeholder._element.getparent().remove(placeholder._element)
        foot = self._foot(slide)
        left, wide = title.left, title.width
        if message.source:
            box = slide.shapes.add_textbox(left, foot - 290000, wide, 290000)
            shapes.text(box.text_frame, [message.source], 10, colour=theme.COLOURS["soft"])
            box.name = "Source"
        if notes and any(message.notes):
            slide.notes_slide.notes_text_frame.text = "\n".join(label(render.plain(n)) for n in message.notes if n)
        top = title.top + title.height + 90000
        return slide, (left, top, wide, foot - 330000 - top)

    def _foot(self, slide):
        """Number of the slide as the layout has it; returns where the body ends."""
        from pptx.enum.shapes import PP_PLACEHOLDER

        kinds, ends = {PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.FOOTER}, [int(self.high * 0.95)]
        for placeholder in self.plain.placeholders:
            if placeholder.placeholder_format.type in kinds:
                ends.append(placeholder.top)
            if placeholder.placeholder_format.type == PP_PLACEHOLDER.SLIDE_NUMBER:
                slide.shapes._spTree.append(copy.deepcopy(placeholder._element))
        low = [e for e in ends if e > self.high * 0.6]
        return min(low)

    def _points(self, slide, paragraphs, area, size):
        if paragraphs:
            box = slide.shapes.add_textbox(*area)
            box.name = "Reading"
            shapes.text(box.text_frame, paragraphs, size, after=6)

    def _logo(self, slide):
        """The study's logo, where it is a picture that slides can show."""
        found = next((p for p in sorted(Path(self.content.work).glob("logo.*")) if p.suffix in (".png", ".jpg", ".jpeg")), None)
        if found:
            picture = slide.shapes.add_picture(str(found), 0, 0, height=int(self.high * 0.09))
            picture.left, picture.top = self.wide - picture.width - template.EDGE, self.high - picture.height - template.EDGE
            picture._element.nvPicPr.cNvPr.set("descr", label(self.content.about["organisation"]))


def _first(paragraphs, room):
    """As many whole paragraphs as there is room for, and at least one."""
    kept = []
    for p in paragraphs:
        if kept and sum(map(len, kept)) + len(p) > room:
            break
        kept.append(p)
    return kept


def _parts(rows):
    """Rows a slide, in equal parts."""
    count = max(1, -(-len(rows) // ROWS))
    each = -(-len(rows) // count) if rows else 0
    return [(i, min(i + each, len(rows))) for i in range(0, max(len(rows), 1), max(each, 1))]


def _side_by_side(area, count):
    left, top, wide, high = area
    each = wide // max(count, 1)
    return [(left + i * each, top, each, high) for i in range(count)]
