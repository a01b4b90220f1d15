"""Templates of slides: the client's own, checked before a run, or our look in the study's colour."""

from __future__ import annotations

import re
from pathlib import Path

from delight.show import theme

WIDTH, HEIGHT, EDGE = 12192000, 6858000, 540000  # 16:9, in EMU


def kept(work):
    """The template that the run kept in its work folder, or None."""
    return next(iter(sorted(Path(work).glob("template.*"))), None)


def keep(study, work):
    """Keep the study's slide template in the work folder, so that slides can be made without the study."""
    for old in Path(work).glob("template.*"):
        old.unlink()
    name = (study.report or {}).get("template", "")
    if name and not problem(study):
        (Path(work) / "template.pptx").write_bytes((study.path / name).read_bytes())


def problem(study):
    """Why the study's slide template cannot be used, with what to do, or ""."""
    import zipfile

    name = (study.report or {}).get("template", "")
    if not name:
        return ""
    path = study.path / name
    if path.suffix.lower() not in (".pptx", ".potx"):
        return f"The slide template '{path.name}' is no .pptx file. Save it in PowerPoint as a presentation (.pptx)."
    if not path.is_file():
        return f"The slide template '{path.name}' is not in the study. Put it beside study.toml, or take 'template' out of [report]."
    import pptx

    try:
        deck = pptx.Presentation(str(path))
        layouts(deck)
    except (ValueError, KeyError, zipfile.BadZipFile, pptx.exc.PackageNotFoundError) as error:
        reason = str(error) if isinstance(error, _NoLayout) else f"cannot be opened ({type(error).__name__})"
        return (
            f"The slide template '{path.name}' {reason}. Save it again in PowerPoint as a presentation (.pptx) with a layout 'Title only'."
        )
    return ""


class _NoLayout(ValueError):
    """A template without a layout that has a title."""


def layouts(deck):
    """Layouts of a deck for the cover and for everything else: of those with a title, the one made for a cover and the emptiest."""
    from pptx.enum.shapes import PP_PLACEHOLDER as KIND

    small = {KIND.DATE, KIND.FOOTER, KIND.SLIDE_NUMBER}
    titled = []
    for layout in deck.slide_layouts:
        kinds = [p.placeholder_format.type for p in layout.placeholders]
        if KIND.TITLE in kinds or KIND.CENTER_TITLE in kinds:
            titled.append((layout, kinds))
    body = [(len([k for k in kinds if k not in small]), i, layout) for i, (layout, kinds) in enumerate(titled) if KIND.TITLE in kinds]
    if not body:
        raise _NoLayout("has no layout with a title")
    plain = min(body)[2]
    covering = next((layout for layout, kinds in titled if KIND.CENTER_TITLE in kinds), plain)
    return covering, plain


def without_slides(deck):
    """A template may hold example slides: they go, its layouts stay."""
    listed = deck.slides._sldIdLst
    for slide in list(listed):
        deck.part.drop_rel(slide.rId)
        listed.remove(slide)


def dress(deck, brand):
    """Our own look on python-pptx's empty deck: wide, the title at the left, the study's colour."""
    from pptx.enum.shapes import PP_PLACEHOLDER as KIND
    from pptx.enum.text import MSO_ANCHOR

    deck.slide_width, deck.slide_height = WIDTH, HEIGHT
    covering, plain = layouts(deck)
    places = {
        KIND.TITLE: (EDGE, 330000, WIDTH - 2 * EDGE, 880000),
        KIND.DATE: (EDGE, 6430000, 2000000, 280000),
        KIND.FOOTER: (EDGE + 2200000, 6430000, 6000000, 280000),
        KIND.SLIDE_NUMBER: (WIDTH - EDGE - 900000, 6430000, 900000, 280000),
    }
    for part in (deck.slide_master, *deck.slide_layouts):
        for placeholder in part.placeholders:
            place = places.get(placeholder.placeholder_format.type)
            if place:
                placeholder.left, placeholder.top, placeholder.width, placeholder.height = place
    for placeholder in deck.slide_master.placeholders:
        if placeholder.placeholder_format.type == KIND.TITLE:
            placeholder.text_frame.vertical_anchor = MSO_ANCHOR.MIDDLE
    for placeholder in covering.placeholders:
        kind = placeholder.placeholder_format.type
        if kind == KIND.CENTER_TITLE:
            placeholder.left, placeholder.top, placeholder.width, placeholder.height = EDGE, 1900000, WIDTH - 2 * EDGE, 1700000
            placeholder.text_frame.vertical_anchor = MSO_ANCHOR.BOTTOM
        elif kind == KIND.SUBTITLE:
            placeholder.left, placeholder.top, placeholder.width, placeholder.height = EDGE, 4200000, WIDTH - 2 * EDGE, 1500000
            placeholder._element.find(".//{http://schemas.openxmlformats.org/drawingml/2006/main}lvl1pPr").set("algn", "l")
    _styles(deck.slide_master, brand)
    for layout in deck.slide_layouts:
        area = (0, 0, WIDTH, 3900000) if layout is covering else (EDGE, 1270000, WIDTH - 2 * EDGE, 28000)
        layout.shapes._spTree.insert(2, _bar(brand, *area))


def _styles(master, brand):
    """Titles at the left in a serif and the study's colour; the palette of figures as the theme's, so that a client who adds one keeps it."""
    from pptx.oxml.ns import qn

    title = master._element.find(qn("p:txStyles")).find(qn("p:titleStyle")).find(qn("a:lvl1pPr"))
    title.set("algn", "l")
    theme_part = next(r.target_part for r in master.part.rels.values() if r.reltype.endswith("/theme"))
    text = theme_part.blob.decode("utf-8")
    for i, colour in enumerate([brand, *theme.CYCLE[1:]], 1):
        text = re.sub(rf"(<a:accent{i}>).*?(</a:accent{i}>)", rf'\1<a:srgbClr val="{colour.lstrip("#")}"/>\2', text, flags=re.S)
    text = re.sub(r'(<a:majorFont>\s*<a:latin typeface=")[^"]*', r"\1Georgia", text)
    theme_part._blob = text.encode("utf-8")


def _bar(brand, left, top, wide, high):
    """A rule or field in the study's colour, for a layout."""
    from pptx.oxml import parse_xml

    return parse_xml(
        '<p:sp xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><p:nvSpPr><p:cNvPr id="9001" name="Rule" descr=""/><p:cNvSpPr/><p:nvPr userDrawn="1"/></p:nvSpPr>'
        f'<p:spPr><a:xfrm><a:off x="{left}" y="{top}"/><a:ext cx="{wide}" cy="{high}"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom>'
        f'<a:solidFill><a:srgbClr val="{brand.lstrip("#")}"/></a:solidFill><a:ln><a:noFill/></a:ln></p:spPr></p:sp>'
    )
