"""report.pdf: the same page, set by WeasyPrint as PDF/UA (tagged, for readers who listen); a report never stops for want of it."""

from __future__ import annotations

import base64
import io
import logging
import re
from functools import lru_cache
from pathlib import Path

WHY = "No PDF was made: {reason} The HTML report is complete, and a browser can print it to PDF."
NO_PANGO = (
    "WeasyPrint finds no Pango on this machine. Install it (Debian and Ubuntu: `apt install libpango-1.0-0 libpangoft2-1.0-0`; "
    "macOS: `brew install pango`; conda: `conda install -c conda-forge weasyprint`) and run again."
)
#: Text alternatives of figures: WeasyPrint reads them from a title, which a browser would show as a tooltip.
_SPOKEN = re.compile(r'(<svg role="img" aria-label="([^"]*)"[^>]*>)')


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
        weasyprint.HTML(string=_SPOKEN.sub(r"\1<title>\2</title>", _with_plain_fonts(page)), url_fetcher=only_inside).write_pdf(
            str(pdf_path), pdf_variant="pdf/ua-1"
        )
    except MemoryError:
        pdf_path.unlink(missing_ok=True)
        return None, WHY.format(reason="There was not enough memory.")
    return pdf_path, ""


def _with_plain_fonts(page):
    """The page with its fonts unpacked: WeasyPrint would do so for every report anew, which takes longer than setting two pages."""
    packed = r"data:font/woff2;base64,([A-Za-z0-9+/=]+)\) format\('woff2'\)"
    return re.sub(packed, lambda found: f"data:font/ttf;base64,{_unpacked(found[1])}) format('truetype')", page)


@lru_cache(maxsize=8)
def _unpacked(font):
    """A WOFF2 font as TrueType, both in base64."""
    from fontTools.ttLib import TTFont

    plain = TTFont(io.BytesIO(base64.b64decode(font)))
    plain.flavor = None
    file = io.BytesIO()
    plain.save(file)
    return base64.b64encode(file.getvalue()).decode()
