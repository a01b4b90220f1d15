"""report.html: one self-contained page from blocks and tables, for screen and paper; no kernel and no study needed."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from pathlib import Path

from delight.publish import story
from delight.show import render, report, theme

TEMPLATES = Path(__file__).parent / "templates"

#: Faces the page carries: family, weight, style, file.
FACES = (
    (theme.SANS, 400, "normal", "DelightSans-Regular.woff2"),
    (theme.SANS, 400, "italic", "DelightSans-Italic.woff2"),
    (theme.SANS, 600, "normal", "DelightSans-SemiBold.woff2"),
    (theme.SERIF, 400, "normal", "DelightSerif-Regular.woff2"),
    (theme.SERIF, 600, "normal", "DelightSerif-SemiBold.woff2"),
)

_IMAGES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".svg": "image/svg+xml", ".webp": "image/webp"}
_LOGO_LIMIT = 500_000


@dataclass
class Section:
    """A chapter of the report: anchor, title, finished HTML parts, class."""

    id: str
    title: str
    parts: list = field(default_factory=list)
    look: str = "chapter"


def save(page, path):
    """Write a page; returns the file and, as every maker of a format does, why it could not be made: never."""
    Path(path).write_text(page, encoding="utf-8")
    return Path(path), ""


def page(content, language):
    """The report as text of one HTML page.

    Parameters
    ----------
    content : Content
        A finished run.
    language : {"nl", "da", "en"}

    Raises
    ------
    StudyError
        The story names a result that the run does not have.
    """
    import jinja2

    words = content.words(language)
    about = content.about
    settings = about.get("report") or {}
    cover = report.cover(words, about)
    foot = " · ".join(part for part in (cover["title"], cover["wave"], cover["location"]) if part)
    look = "location" if about["location"] else "report"
    template = jinja2.Environment(autoescape=True, trim_blocks=True, loader=jinja2.FileSystemLoader(TEMPLATES)).get_template(f"{look}.html")
    safe = jinja2.utils.markupsafe.Markup
    sections = location_sections(content, words) if about["location"] else build_sections(content, words)
    for section in sections:
        section.parts = [safe(part) for part in section.parts]
    return template.render(
        language=language,
        look=look,
        organisation=about["organisation"],
        version=about.get("version", ""),
        author=settings.get("author", ""),
        contact=settings.get("contact", ""),
        cover=cover,
        logo=safe(logo(content.work)) if logo(content.work) else "",
        fonts=safe(font_faces()),
        brand=safe(brand_css(settings.get("colours"), about["organisation"], foot)),
        css=safe("".join((TEMPLATES / f"{name}.css").read_text(encoding="utf-8") for name in dict.fromkeys(("report", look)))),
        sections=sections,
        closing=report.made_with(words, about),
    )


# ---- sections
def build_sections(content, words):
    """Sections in the order of the story, the annex last."""
    told = story.told(content, words)
    chapters = report.in_order(content.chapters)
    sections = [_chapter(content, words, c, told) for c in chapters if c.status == "done"]
    sections = [s for s in sections if s.parts]
    if told.actions:
        sections.append(Section("actions", report.title(words, "actions"), _actions(words, told)))
    sections += _next_time(words, [c for c in chapters if c.status == "skipped" and c.missing])
    sections.append(_annex(content, words, chapters))
    return sections


def location_sections(content, words):
    """The two pages of a location report: where the location stands, and overleaf what works and how it does."""
    chapters = [c for c in content.chapters if c.status == "done"]
    sections = [Section("location", report.title(words, "location")), Section("overleaf", report.title(words, "overleaf"), look="overleaf")]
    for section, place in zip(sections, ("body", "overleaf")):
        section.parts = [html for c in chapters for b in c.blocks if b.get("place", "body") == place and (html := block(content, words, b))]
    return [s for s in sections if s.parts]


def _chapter(content, words, chapter, told):
    section = Section(chapter.name, report.title(words, chapter.name))
    own_words = told.sections.get(chapter.name)
    if own_words:
        section.parts.append(f'<div class="story">{own_words}</div>')
    section.parts += _blocks(content, words, chapter, annex=False)
    if chapter.name == "feedback":
        section.parts += _fieldwork(content, words)
    return section


def _next_time(words, chapters):
    """One section for all chapters that the questionnaire did not allow: what to ask, and what it would tell."""
    if not chapters:
        return []
    asked = {report.title(words, c.name): report.to_ask(words, c.missing) for c in chapters}
    rows = [(name, "; ".join(texts)) for name, texts in asked.items()]
    head = f'<div class="reading"><p>{render.paragraph(report.next_time(words))}</p></div>'
    return [Section("next_time", report.title(words, "next_time"), [head, _terms(rows)])]


def _blocks(content, words, chapter, *, annex):
    """HTML of a chapter's blocks in one place; what is empty, or was said in these words before, is left out."""
    made = [block(content, words, b) for b in chapter.blocks if (b.get("place") == "annex") == annex]
    return list(dict.fromkeys(html for html in made if html))


def block(content, words, data):
    """HTML of one block, with its method linked to the annex."""
    results = [content.result(name) for name in data["tables"]]
    made = render.block_html(data, results, words)
    return re.sub(r'(<p class="source">[^<]*\b)(M\d\d)</p>', r'\1<a href="#method-\2">\2</a></p>', made)


def _fieldwork(content, words):
    rows = report.fieldwork(words, content.about.get("fieldwork"), content.about.get("locations", True))
    return [f"<h3>{escape(report.heading(words, 'fieldwork'))}</h3>{_terms(rows)}"] if rows else []


def _terms(rows):
    return f'<dl class="terms">{"".join(f"<dt>{escape(t)}</dt><dd>{render.paragraph(d)}</dd>" for t, d in rows)}</dl>'


def _actions(words, told):
    heads = [report.heading(words, key) for key in ("action", "owner", "due")]
    head = "".join(f'<th scope="col" class="text">{escape(h)}</th>' for h in heads)
    rows = "".join(
        f'<tr><th scope="row">{a.html}</th><td class="text">{escape(a.owner)}</td><td class="text">{escape(a.due)}</td></tr>'
        for a in told.actions
    )
    intro = [f'<div class="story">{told.sections["actions"]}</div>'] if told.sections.get("actions") else []
    return [*intro, f'<figure class="table long"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></figure>']


# ---- annex
def _annex(content, words, chapters):
    section = Section("annex", report.title(words, "annex"), look="annex")
    for chapter in chapters:
        blocks = _blocks(content, words, chapter, annex=True)
        if blocks:
            section.parts += [f"<h3>{escape(report.title(words, chapter.name))}</h3>", *blocks]
    section.parts += _methods(content, words, chapters)
    section.parts.append(f"<h3>{escape(report.heading(words, 'definitions'))}</h3>{_terms(report.definitions(words, content.about))}")
    return section


def _methods(content, words, chapters):
    """What was computed how: each method once, with the results of this report that were made with it."""
    made = {}
    for name in dict.fromkeys(name for c in chapters for b in c.blocks for name in b["tables"]):
        meta = content.result(name).meta
        if found := re.match(r"M\d\d", str(meta.get("method", ""))):
            made.setdefault(found[0], []).append(report.result_in_words(words, name, meta.get("n_used")))
    if not made:
        return []
    told_of = []
    for method_id in sorted(made):
        told = report.method(words, method_id)
        title = f"{method_id} · {told[0]}" if told else method_id
        parts = [f"<p>{render.paragraph(told[1])}</p>"] if told else []
        parts += [f'<p class="formula">{escape(told[2])}</p>'] if told and told[2] else []
        parts.append(f'<p class="made">{escape(report.made_with_method(words, made[method_id]))}</p>')
        told_of.append(f'<div class="method" id="method-{method_id}"><h4>{escape(title)}</h4>{"".join(parts)}</div>')
    return [f"<h3>{escape(report.heading(words, 'methods'))}</h3>", f'<div class="methods">{"".join(told_of)}</div>']


# ---- looks
@lru_cache
def font_faces():
    """@font-face rules with the shipped fonts inside."""
    rules = []
    for family, weight, style, file in FACES:
        data = base64.b64encode((theme.FONTS / file).read_bytes()).decode()
        rules.append(
            f'@font-face{{font-family:"{family}";font-weight:{weight};font-style:{style};'
            f"src:url(data:font/woff2;base64,{data}) format('woff2')}}"
        )
    return "\n".join(rules)


def brand(colours):
    """The study's own colour: the first of its colours that is one, as ``#rrggbb``, else ours."""
    return next((c for c in colours or [] if re.fullmatch(r"#[0-9a-fA-F]{6}", str(c))), theme.COLOURS["main"])


def brand_css(colours, left, foot):
    """The study's own colour, and the running texts of the pages.

    Parameters
    ----------
    colours : list of str or None
        The first is used, as ``#rrggbb``; it is darkened until text in it reads well on white (contrast 4.5).
    left, foot : str
        Client text, above and below every page.
    """
    own = brand(colours)
    rules = f":root{{--brand:{own};--on-brand:{theme.on(own)};--brand-text:{readable(own)}}}"
    running = (
        f"@top-left{{content:{css_string(left)}}}@top-right{{content:{css_string('')};content:string(chapter)}}"
        f"@bottom-left{{content:{css_string(foot)}}}@bottom-right{{content:counter(page)}}"
    )
    return f"{rules}\n@page{{{running}}}"


def css_string(text):
    """Any text as a CSS string: everything but letters, digits and spaces is escaped, so it can end neither string nor style."""
    return '"' + "".join(c if c.isascii() and (c.isalnum() or c == " ") else f"\\{ord(c):06x} " for c in str(text)) + '"'


def readable(colour):
    """The colour, darkened until its contrast on white is 4.5 (WCAG AA)."""
    while theme.contrast(colour, "#ffffff") < 4.5:
        colour = "#" + "".join(f"{int(int(colour[i : i + 2], 16) * 0.94):02x}" for i in (1, 3, 5))
    return colour


def logo(work):
    """The logo that the run kept in its work folder as a data URI, or "" without one."""
    found = next((p for p in sorted(Path(work).glob("logo.*")) if p.suffix.lower() in _IMAGES), None)
    if found is None:
        return ""
    return f"data:{_IMAGES[found.suffix.lower()]};base64,{base64.b64encode(found.read_bytes()).decode()}"


def keep_logo(study, work):
    """Keep the study's logo in the work folder, so that reports can be made without the study.

    Returns
    -------
    str
        Why the report goes without it, or "".
    """
    for old in Path(work).glob("logo.*"):
        old.unlink()
    name, why = (study.report or {}).get("logo", ""), logo_problem(study)
    if name and not why:
        path = study.path / name
        (Path(work) / f"logo{path.suffix.lower()}").write_bytes(path.read_bytes())
    return why


def logo_problem(study):
    """Why a report must go without the study's logo, or ""."""
    name = (study.report or {}).get("logo", "")
    if not name:
        return ""
    path = study.path / name
    if path.suffix.lower() not in _IMAGES:
        return f"The logo '{path.name}' is no picture a page can show; use {', '.join(_IMAGES)}. The report goes without it."
    if not path.is_file():
        return f"The logo '{path.name}' is not in the study. The report goes without it."
    if path.stat().st_size > _LOGO_LIMIT:
        return f"The logo '{path.name}' is larger than {_LOGO_LIMIT // 1000} kB. The report goes without it."
    return ""
