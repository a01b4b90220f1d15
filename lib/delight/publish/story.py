"""The consultant's own words: ``story/<wave>.<language>.md``, tied to results and checked against them at every run.

A file has sections ``# summary``, ``# <chapter>`` and ``# actions``; in them paragraphs, ``**bold**``, ``## headings`` and lists. Numbers
are never typed but named: ``{{drivers.importance:warmth}}`` is the value of the row ``warmth``, ``{{satisfaction.levels:whole.mean}}`` that
of a column. With the value seen while writing, ``{{drivers.importance:warmth=0.21}}``, the piece is held against the number it was
written for. When that number has changed beyond its rounding, the words may no longer be true: the piece is left out of the client's
report, and the run and chapter 99 say so, until the consultant has read it again and written the new value. An action is a list item
``- what | who | 2025-12-01``.

A wave without words of its own takes over those of the wave before. Of these only pieces stand whose every number was seen and is the
same still: what cannot be held against the new wave is not said of it.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from html import escape
from pathlib import Path

from delight.errors import StudyError, did_you_mean
from delight.findings import Finding
from delight.show import render, report
from delight.show.words import is_missing

_PLACE = re.compile(r"\{\{(.*?)\}\}", re.S)
_INSIDE = re.compile(r"\s*([a-z][a-z0-9_]*\.[a-z][a-z0-9_]*)\s*(?::(.*?))?\s*(?:=\s*([-−]?\d+(?:[.,]\d+)?)\s*(%)?)?\s*", re.S)

#: Column that a placeholder without a column means: the first of these that the table has.
_MAIN = ("share", "mean", "nps", "gain", "pooled", "diff", "change", "ame", "coef", "d_local", "count", "n")
_SHARES = re.compile(r"(^|_)(share|shares|prob|promoters|passives|detractors|p_exceeded|pct)(_|$)")


@dataclass(frozen=True)
class Reference:
    """A number a piece rests on.

    Attributes
    ----------
    table, row, column : str
        ``row`` and ``column`` may be empty: the only or whole row, the main column.
    seen : float or None
        Value when the piece was written.
    decimals : int
        Decimals `seen` was written with.
    """

    table: str
    row: str
    seen: float | None = None
    decimals: int = 0


@dataclass(frozen=True)
class Piece:
    """A paragraph, heading, list item or action, and where it stands; `earlier` is the wave it was written for, if not the report's own."""

    section: str
    kind: str
    text: str
    file: str
    line: int
    owner: str = ""
    due: str = ""
    earlier: str = ""

    @property
    def references(self):
        """The numbers in its text, in order."""
        return [reference(m[1]) for m in _PLACE.finditer(self.text)]

    @property
    def watched(self):
        """Whether it rests on numbers, each with the value seen while writing."""
        return bool(self.references) and all(ref.seen is not None for ref in self.references)


@dataclass(frozen=True)
class Flag:
    """A piece that the report leaves out, and why.

    ``changed`` (with both values), ``hidden`` (a small group), ``absent`` (a chapter left out), ``unwatched`` (of an earlier wave, without
    numbers that tell whether it still holds).
    """

    piece: Piece
    why: str
    placeholder: str
    seen: float | None = None
    now: float | None = None

    def __str__(self):
        place = f"{self.piece.file}, line {self.piece.line}"
        if self.why == "changed":
            return (
                f"{place}: {self.placeholder} was {self.seen:g} when this was written and is {self.now:.4g} now. "
                "The piece is left out of the report; read it again and write the new value."
            )
        reasons = {
            "hidden": "is hidden or has no value (a small group), so the piece is left out of the report.",
            "absent": "belongs to a chapter that this report leaves out or skipped, so the piece is left out too.",
            "unwatched": f"was written for {self.piece.earlier}; without numbers seen then and now, it is left out of the report.",
        }
        return f"{place}: {self.placeholder} {reasons[self.why]}"


@dataclass(frozen=True)
class Action:
    """An action as the report shows it."""

    html: str
    owner: str
    due: str


@dataclass
class Told:
    """A story with its numbers filled in.

    Attributes
    ----------
    sections : dict of section to HTML
    actions : list of Action
    flagged : list of Flag
    """

    sections: dict = field(default_factory=dict)
    actions: list = field(default_factory=list)
    flagged: list = field(default_factory=list)


# ---- reading the file
def parse(path, chapters=None):
    """The pieces of a story file.

    Parameters
    ----------
    path : Path
    chapters : sequence of str, optional
        Names a section may have besides ``summary`` and ``actions``; those of the chain.

    Returns
    -------
    list of Piece

    Raises
    ------
    StudyError
        Every unknown section, text outside a section, malformed placeholder and impossible date, with its line.
    """
    path = Path(path)
    name = f"story/{path.name}"
    known = list(dict.fromkeys(["summary", *(chapters or report.CHAPTERS), "actions"]))
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise _unusable([f"{name}, line {line}: the file is not in UTF-8. Save it as UTF-8."]) from None
    except OSError as error:
        raise _unusable([f"{name}: the file cannot be read ({error.strerror or error}). Check its permissions."]) from None
    mistakes, pieces, section = [], [], None
    for number, kind, content in _lines(text):
        if kind == "section":
            section = content
            if section not in known:
                mistakes.append(f"{name}, line {number}: there is no section '{section}'.{did_you_mean(section, known)}")
                section = None if section == "" else section
            continue
        if section is None:
            mistakes.append(f"{name}, line {number}: text before the first section. Begin with a line such as `# summary`.")
            section = "summary"
        piece = Piece(section, kind, content, name, number)
        if section == "actions" and kind == "item":
            piece = _action(piece, mistakes)
        mistakes += [f"{name}, line {number}: {why}" for why in _malformed(piece.text)]
        pieces.append(piece)
    if mistakes:
        raise _unusable(mistakes)
    return pieces


def _unusable(mistakes):
    """The error for mistakes in a story; its ``findings`` hold them one by one, with their lines."""
    error = StudyError("The story cannot be used:\n" + "\n".join(f"  - {m}" for m in mistakes))
    places = [re.fullmatch(r"(.+?)(?:, line (\d+))?: (.*)", m, re.S).groups() for m in mistakes]
    error.findings = [Finding("error", "bad_story", say, file=file, row=int(line) if line else None) for file, line, say in places]
    return error


def _lines(text):
    """(line, kind, text) of sections, headings, items and paragraphs; lines of a paragraph or item are joined."""
    open_piece = None
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        section = re.fullmatch(r"#\s+(.*)", stripped)
        heading = re.fullmatch(r"##+\s+(.*)", stripped)
        item = re.fullmatch(r"(?:[-*]|\d+[.)])\s+(.*)", stripped)
        if not stripped or section or heading or item:
            if open_piece:
                yield tuple(open_piece)
            open_piece = None
        if section:
            yield number, "section", section[1].strip().lower()
        elif heading:
            yield number, "heading", heading[1]
        elif item:
            open_piece = [number, "item", item[1]]
        elif stripped and open_piece:
            open_piece[2] += " " + stripped
        elif stripped:
            open_piece = [number, "paragraph", stripped]
    if open_piece:
        yield tuple(open_piece)


def _action(piece, mistakes):
    text, owner, due = ([*(part.strip() for part in piece.text.split("|")), "", ""])[:3]
    if piece.text.count("|") > 2:
        mistakes.append(f"{piece.file}, line {piece.line}: an action is `- what | who | date`, with at most two bars.")
    if due:
        try:
            date.fromisoformat(due)
        except ValueError:
            mistakes.append(f"{piece.file}, line {piece.line}: '{due}' is no date. Write it as 2025-12-01.")
    if not text:
        mistakes.append(f"{piece.file}, line {piece.line}: an action without a text.")
    return Piece(piece.section, "action", text, piece.file, piece.line, owner, due)


def _malformed(text):
    rest = _PLACE.sub("", text)
    if "{{" in rest or "}}" in rest:
        yield "'{{' and '}}' must come in pairs on the same piece of text."
    for match in _PLACE.finditer(text):
        if not _INSIDE.fullmatch(match[1]):
            yield f"{match[0]!r:.80} is no placeholder. Write {{{{chapter.table:row}}}} or {{{{chapter.table:row.column=value}}}}."


def reference(inside):
    """What stands between the braces, as a `Reference`."""
    table, row, seen, percent = _INSIDE.fullmatch(inside).groups()
    row = (row or "").strip()
    if seen is None:
        return Reference(table, row)
    decimals = len(re.split("[.,]", seen)[1]) if re.search("[.,]", seen) else 0
    value = float(seen.replace(",", ".").replace("−", "-"))
    return Reference(table, row, value / 100, decimals + 2) if percent else Reference(table, row, value, decimals)


def files(study, wave):
    """The story of a wave by language, as (path, wave it was written for): its own, else that of the wave before, as far back as needed."""
    waves = list(study.waves)
    found = {}
    for earlier in waves[: waves.index(wave) + 1]:
        found |= {language: (path, earlier) for (of_wave, language), path in study.story.items() if of_wave == earlier}
    return dict(sorted(found.items()))


def keep(study, wave, work, chapters=None):
    """Keep the story of a wave in the work folder, so that reports can be made without the study.

    Parameters
    ----------
    study : Study
        Its ``story`` names the files by (wave, language).
    wave : str
    work : Path
    chapters : sequence of str, optional
        Names of the chain's chapters.

    Raises
    ------
    StudyError
        Mistakes in any of its files.
    """
    found, mistakes = {}, []
    for language, (path, of_wave) in files(study, wave).items():
        earlier = "" if of_wave == wave else of_wave
        try:
            found[language] = [asdict(replace(piece, earlier=earlier)) for piece in parse(path, chapters)]
        except StudyError as error:
            mistakes.append(str(error))
    if mistakes:
        raise StudyError("\n".join(mistakes))
    target = Path(work) / "story.json"
    if found:
        target.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    else:
        target.unlink(missing_ok=True)


def kept(work):
    """Pieces by language, as `keep` left them."""
    path = Path(work) / "story.json"
    if not path.is_file():
        return {}
    data = json.loads(path.read_text(encoding="utf-8"))
    return {language: [Piece(**piece) for piece in pieces] for language, pieces in data.items()}


# ---- filling in
def told(content, words):
    """The story of a run in one language, numbers filled in from what a client may see.

    A location report tells no story: its words are the whole organisation's.

    Raises
    ------
    StudyError
        Placeholders that no result of the run answers to, all of them.
    """
    if content.about.get("location"):
        return Told()
    done = {c.name for c in content.chapters if c.status == "done"}
    return tell(kept(content.work).get(words.language, []), content.result, content.has, done, words)


def warnings(content, languages):
    """What a consultant should know of the story after a run: pieces left out, languages without a story."""
    if content.about.get("location"):
        return []
    stories = kept(content.work)
    found = []
    for language in [language for language in languages if stories.get(language)]:
        pieces, flagged = stories[language], told(content, content.words(language)).flagged
        if earlier := pieces[0].earlier:
            stand, file = len(pieces) - len({flag.piece for flag in flagged}), f"story/{content.about['wave']}.{language}.md"
            say = (
                f"There is no {file}, so {pieces[0].file} is taken over from {earlier}: {stand} of its {len(pieces)} pieces rest on numbers"
            )
            found.append(f"{say} that are the same still and stand in the report. Chapter 99 lists them all.")
        else:
            found += map(str, flagged)
    lacking = [language for language in languages if stories and language not in stories]
    if lacking:
        have = ", ".join(sorted(stories))
        found.append(f"The story is there in {have} only; the report in {', '.join(lacking)} goes without the consultant's own words.")
    return found


def tell(pieces, result, has, done, words):
    """Fill pieces in.

    Parameters
    ----------
    pieces : list of Piece
    result : function of a table's name
        The result as a client may see it.
    has : function of a table's name
    done : set of str
        Chapters of this run; a placeholder of another chapter leaves its piece out instead of stopping the report.
    words : Words

    Returns
    -------
    Told

    Raises
    ------
    StudyError
    """
    story, mistakes, kept_pieces = Told(), [], []
    for piece in pieces:
        html, flags = _filled(piece, result, has, done, words, mistakes)
        if piece.earlier and not flags and not piece.watched:
            flags = [Flag(piece, "unwatched", piece.text)]
        story.flagged += flags
        if not flags:
            kept_pieces.append((piece, html))
    if mistakes:
        raise StudyError("The story names results that this run does not have:\n" + "\n".join(f"  - {m}" for m in mistakes))
    for section in dict.fromkeys(piece.section for piece, _ in kept_pieces):
        story.sections[section] = _flow([(p, h) for p, h in kept_pieces if p.section == section and p.kind != "action"])
    story.sections = {name: html for name, html in story.sections.items() if html}
    story.actions = [
        Action(html, piece.owner, words.date(date.fromisoformat(piece.due)) if piece.due else "")
        for piece, html in kept_pieces
        if piece.kind == "action"
    ]
    return story


def _filled(piece, result, has, done, words, mistakes):
    """HTML of a piece and its flags; mistakes are collected."""
    flags = []

    def fill(match):
        ref = reference(match[1])
        try:
            value, text = look_up(ref, result, has, words)
        except LookupError as error:
            if piece.earlier or ref.table.partition(".")[0] not in done:
                flags.append(Flag(piece, "absent", match[0]))
            else:
                mistakes.append(f"{piece.file}, line {piece.line}: {match[0]}: {error.args[0]}")
            return ""
        if is_missing(value):
            flags.append(Flag(piece, "hidden", match[0]))
        elif ref.seen is not None and not isinstance(value, str) and _changed(ref, value):
            flags.append(Flag(piece, "changed", match[0], ref.seen, float(value)))
        return text

    text = _PLACE.sub(fill, piece.text)
    return render.paragraph(text), flags


def _changed(ref, value):
    return abs(float(value) - ref.seen) > 0.5 * 10.0**-ref.decimals + 1e-9


def look_up(ref, result, has, words):
    """Value and text of a reference; LookupError says what is there instead."""
    if not has(ref.table):
        raise LookupError(f"there is no table '{ref.table}'.")
    found = result(ref.table)
    table = found.table
    row, column = _split(ref.row, table)
    rows = _rows(table, row)
    if not len(rows):
        known = sorted({str(v) for key in _keys(table) for v in table[key].dropna()})
        raise LookupError(f"'{ref.table}' has no row '{row}'.{did_you_mean(row, known)} It has: {', '.join(known[:12])}.")
    if len(rows) > 1:
        raise LookupError(f"'{ref.table}' has {len(rows)} rows '{row}'. Name two of its keys, joined by a slash.")
    column = column or next((c for c in _MAIN if c in table), None)
    if column is None:
        raise LookupError(f"say which column of '{ref.table}': {', '.join(table.columns)}.")
    value = rows.iloc[0][column]
    return value, formatted(words, column, value, found)


def _split(text, table):
    """Row and column: the whole text as a row if it is one, else split at the last dot before a column's name."""
    if len(_rows(table, text)) or "." not in text:
        return (text, "") if len(_rows(table, text)) or text not in table else ("", text)
    row, _, column = text.rpartition(".")
    return (row, column) if column in table else (text, "")


def _keys(table):
    """Columns whose values can name a row."""
    return [c for c in table.columns if c != "status" and (table[c].dtype == object or str(table[c].dtype) in ("str", "string"))]


def _rows(table, row):
    """Rows named by a value of a key column, or by several of them joined by a slash; "" and ``whole`` mean everybody."""
    keys = _keys(table)
    if row in ("", "whole"):
        return table[table["by"] == "whole"] if "by" in table else table if len(table) == 1 else table.iloc[:0]
    exact = next((table[table[k].astype(str) == row] for k in keys if (table[k].astype(str) == row).any()), None)
    if exact is not None:
        return exact
    parts = row.split("/")
    if len(parts) < 2:
        return table.iloc[:0]
    inside = table
    for part in parts:
        hits = inside[keys].astype(str).eq(part).any(axis=1) if keys else False
        inside = inside[hits] if keys else inside.iloc[:0]
    return inside


def formatted(words, column, value, result):
    """A value as the report's tables would show it, by the meaning of its column."""
    if isinstance(value, str) or is_missing(value):
        return str(value) if isinstance(value, str) else words.number(None)
    base = re.sub(r"_(lo|hi)$", "", column)
    if base in ("p", "q", "diff_p", "diff_q", "p_adj", "p_holm", "noise_p"):
        return words.p_value(value)
    if base in ("nps",):
        return words.points(value)
    if base in ("n", "n_missing", "count", "n_eff") or base.startswith("n_"):
        return words.number(value)
    if _SHARES.search(base):
        return words.percent(value)
    if base in ("mean", "median", "raw", "pooled", "performance", "ci", "gain", "now", "then") or base.startswith("mean_"):
        return words.grade(value)
    return words.number(value, 0 if float(value).is_integer() and not math.isclose(value, 0) else 2)


def _flow(pieces):
    """Paragraphs, headings and lists."""
    html, items = [], []
    for piece, text in [*pieces, (None, "")]:
        if piece is not None and piece.kind == "item":
            items.append(f"<li>{text}</li>")
            continue
        if items:
            html.append(f"<ul>{''.join(items)}</ul>")
            items = []
        if piece is not None:
            html.append(f"<h3>{text}</h3>" if piece.kind == "heading" else f"<p>{text}</p>")
    return "".join(html)


# ---- for the notebook
@dataclass(frozen=True)
class Review:
    """The story as a consultant checks it in chapter 99."""

    rows: list

    @property
    def flagged(self):
        return [row for row in self.rows if row["state"] != "stands"]

    def _repr_html_(self):
        if not self.rows:
            return "<p>There is no story for this wave and language. Write one in <code>story/</code> of the study.</p>"
        head = "".join(f"<th>{escape(h)}</th>" for h in ("line", "section", "text", "state", "write it as"))
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(str(row[key]))}</td>" for key in ("line", "section", "text", "state", "write")) + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def review(here):
    """Every piece of the chapter's story with its numbers as they are now, and what to write so that they are watched.

    Parameters
    ----------
    here : Chapter

    Returns
    -------
    Review
    """
    path, of_wave = files(here.study, here.wave).get(here.language, (None, ""))
    if path is None:
        return Review([])

    def result(name):
        return here.saved(name).client

    rows = []
    for piece in parse(path):
        states, write = [], piece.text
        if of_wave != here.wave and not piece.watched:
            states.append(f"written for {of_wave}, and no number tells whether it still holds. Left out of the report")
        for match in _PLACE.finditer(piece.text):
            ref = reference(match[1])
            try:
                value, _ = look_up(ref, result, here.exists, here.words)
            except LookupError as error:
                states.append(error.args[0])
                continue
            if is_missing(value):
                states.append("hidden: a small group")
            elif not isinstance(value, str):
                if ref.seen is not None and _changed(ref, value):
                    states.append(f"changed: was {ref.seen:g}, is {float(value):.4g}. Left out of the report until you have read it again")
                row = f":{ref.row}" if ref.row else ""
                write = write.replace(match[0], f"{{{{{ref.table}{row}={round(float(value), max(ref.decimals, 2)):g}}}}}")
        rows.append(
            {
                "line": piece.line,
                "section": piece.section,
                "text": piece.text,
                "state": "; ".join(states) or "stands",
                "write": write if write != piece.text else "",
            }
        )
    return Review(rows)
