"""report.pdf: the same page, set by WeasyPrint as PDF/UA (tagged, for readers who listen); a report never stops for want of it."""

from __future__ import annotations

import atexit
import base64
import logging
import re
from functools import lru_cache
from pathlib import Path

from delight.publish import html

WHY = "No PDF was made: {reason} The HTML report is complete, and a browser can print it to PDF."
NO_PANGO = (
    "WeasyPrint finds no Pango on this machine. Install it (Debian and Ubuntu: `apt install libpango-1.0-0 libpangoft2-1.0-0`; "
    "macOS: `brew install pango`; conda: `conda install -c conda-forge weasyprint`) and run again."
)
_FIGURE = re.compile(r'<svg role="img" aria-label="([^"]*)"[^>]*? style="([^"]*)".*?</svg>', re.S)


def write(page, pdf_path):
    """Write a report as PDF.

    Parameters
    ----------
    page : str
        The report as `delight.publish.html.page` makes it.
    pdf_path : Path

    Returns
    -------
    (Path or None, str)
        The file, or None and a sentence that says why and what to do.
    """
    pdf_path = Path(pdf_path)
    for name in ("weasyprint", "fontTools", "fontTools.subset", "fontTools.ttLib"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        import weasyprint
    except (ImportError, OSError):  # OSError: the Python package is there, the Pango library is not
        return None, WHY.format(reason=NO_PANGO)
    pdf_path.parent.mkdir(parents=True, exist_ok=True)
    try:
        only_inside = weasyprint.urls.URLFetcher(allowed_protocols={"data"})  # a report takes nothing from elsewhere
        printed = _FIGURE.sub(_picture, page.replace(html.font_faces(), ""))
        _page()(string=printed, url_fetcher=only_inside).write_pdf(str(pdf_path), font_config=_fonts(), pdf_variant="pdf/ua-1")
    except MemoryError:
        pdf_path.unlink(missing_ok=True)
        return None, WHY.format(reason="There was not enough memory.")
    return pdf_path, ""


def _picture(figure):
    """A figure as a picture of its own: its marks are no elements of the page then, of which each would be styled and laid out."""
    packed = base64.b64encode(figure[0].encode("utf-8")).decode()
    return f'<img alt="{figure[1]}" style="{figure[2]}" src="data:image/svg+xml;base64,{packed}">'


@lru_cache(maxsize=1)
def _fonts():
    """The shipped fonts, unpacked once for all reports of a process: that takes longer than setting two pages."""
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration

    found = FontConfiguration()
    weasyprint.CSS(string=html.font_faces(), font_config=found)
    atexit.register(_fonts.cache_clear)  # its folder goes with it
    return found


@lru_cache(maxsize=1)
def _page():
    """WeasyPrint's page without what a report never has.

    Its own style sheet gives every element a list marker and five kinds of calls and markers of notes, each with a style of its own: six
    styles computed for one that is used. A report has lists and no footnotes. Where a later WeasyPrint keeps its sheet elsewhere, the
    page is its own, and takes longer.
    """
    import weasyprint
    from weasyprint import html as its

    if not all(hasattr(its, name) for name in ("UA", "UA_COUNTER_STYLE")):
        return weasyprint.HTML
    lean = re.sub(r"(?m)^::(?:foot)?note-\w+ \{[^}]*\}$", "", its.UA).replace("\n::marker {", "\nli::marker {")
    sheet = weasyprint.CSS(string=lean, counter_style=its.UA_COUNTER_STYLE)
    return type("Page", (weasyprint.HTML,), {"_ua_stylesheets": lambda self, forms=False: [sheet]})
