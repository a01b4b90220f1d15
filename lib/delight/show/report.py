"""Fixed words of the report: cover, contents, titles of chapters, what to ask next time, methods and definitions."""

from __future__ import annotations

from datetime import date, datetime

from delight.show.words import NO_WAVE, is_missing

#: Order in which a client reads; chapters not named here follow in the order they ran.
STORY = (
    *("summary", "feedback", "satisfaction", "expectations", "segments", "loyalty", "relation", "path"),
    *("drivers", "differences", "kano", "pyramid"),
)

#: Chapters that the report knows by name.
CHAPTERS = (*STORY, "retention", "comments", "journey", "practice", "claims")


def in_order(chapters):
    """Chapters that were run or asked for, in the order in which a client reads."""
    place = {name: i for i, name in enumerate(STORY)}
    return sorted((c for c in chapters if c.status != "not_run"), key=lambda c: place.get(c.name, len(place)))


def cover(words, about):
    """Texts of the cover: title, subtitle lines and, for a report of some chapters only, the mark "partial"."""
    _ = words.gettext
    made = _moment(about.get("made_at"))
    return {
        "title": (about.get("report") or {}).get("title") or _("Customer satisfaction and delight"),
        "wave": _("Wave {wave}").format(wave=words.wave(about["wave"])) if about.get("wave") not in (None, "", NO_WAVE) else "",
        "location": words.location(about["location"]) if about.get("location") else "",
        "label": about.get("label", ""),
        "made": _("Report of {date}").format(date=words.date(made)) if made else "",
        "partial": _("Partial report: some chapters were left out.") if about.get("partial") else "",
        "contents": _("Contents"),
        "skip": _("To the report"),
    }


def _moment(text):
    try:
        return datetime.fromisoformat(text).date()
    except (TypeError, ValueError):
        return None


def title(words, name):
    """Title of a chapter."""
    _ = words.gettext
    known = {
        "summary": _("Summary"),
        "feedback": _("Who answered"),
        "satisfaction": _("How satisfied customers are"),
        "expectations": _("What customers expected, and what they felt"),
        "segments": _("Which customers there are"),
        "loyalty": _("What satisfaction does for loyalty"),
        "relation": _("What binds customers beyond a grade"),
        "path": _("How image, quality and value lead to loyalty"),
        "drivers": _("What drives satisfaction and delight"),
        "differences": _("What delights one customer and not another"),
        "kano": _("What customers want, and what they take for granted"),
        "pyramid": _("From basics to surprise"),
        "retention": _("Which customers stay"),
        "comments": _("What customers say"),
        "journey": _("The customer journey"),
        "practice": _("What was tried, and what it did"),
        "claims": _("What we know about delight, put to the test"),
        "actions": _("Actions"),
        "next_time": _("What to ask next time"),
        "location": _("How our location is doing"),
        "overleaf": _("What works for customers, and how we do"),
        "annex": _("Annex"),
    }
    return known.get(name, str(name).replace("_", " ").capitalize())


def heading(words, name):
    """Headings inside the report."""
    _ = words.gettext
    return {
        "fieldwork": _("Account of the research"),
        "methods": _("How it was computed"),
        "definitions": _("Words used in this report"),
        "action": _("Action"),
        "owner": _("Owner"),
        "due": _("By when"),
    }[name]


def result_in_words(words, name, n):
    """Name of a result, with the answers it rests on."""
    return name if is_missing(n) else words.gettext("{result} (n = {n})").format(result=name, n=words.number(n))


def made_with_method(words, results):
    """The results of the report that were made with a method."""
    return words.ngettext("Result: {results}.", "Results: {results}.", len(results)).format(results=", ".join(results))


def next_time(words):
    """Sentence above the list of questions that would make the chapters that are missing now."""
    return words.gettext(
        "Some parts of this research could not be made, because the questions they rest on were not asked. For the next wave we advise to ask:"
    )


def to_ask(words, choices):
    """Which questions a chapter that could not be made was waiting for: one text for each.

    Parameters
    ----------
    choices : list of list of str
        Needs that were not met; of each inner list one is enough.
    """
    asked = []
    for choice in choices:
        texts = list(dict.fromkeys(question(words, need) for need in choice))
        asked.append(texts[0] if len(texts) == 1 else words.gettext("one of these: {questions}").format(questions="; ".join(texts)))
    return asked


def question(words, need):
    """The question to ask so that a need of a chapter is met next time."""
    _ = words.gettext
    if need.startswith("construct="):
        return _("several questions on each of image, expectations, quality, value, satisfaction and loyalty (the ECSI questionnaire)")
    role, _colon, tie = need.partition(":")
    if tie == "level":
        return _("for each part of the service, to which level it belongs: core, handling of problems, personal attention or surprise")
    known = {
        "overall": _("“All things considered, how satisfied are you with us?”, on a scale of 1 to 10"),
        "recommend": _("“How likely are you to recommend us to family, friends or colleagues?”, on a scale of 0 to 10"),
        "repurchase": _("“How likely are you to choose us again?”, on a scale of 0 to 10"),
        "stayed": _("“Do you expect to be our customer still in a year's time?”"),
        "churned": _("whether the respondent has left since, from the customer records"),
        "attribute": _("a grade for each part of the service, such as opening hours, staff and information"),
        "importance": _("how important each part of the service is to the respondent"),
        "need": _("“What matters most to you?”, choosing three from a list of wishes"),
        "expectation": _("what the respondent expected of each part of the service"),
        "expectation_adequate": _("what the respondent would still find acceptable of each part of the service"),
        "disconfirmation": _("“Was it better or worse than you expected?”, from much worse to much better"),
        "emotion": _("how the service made the respondent feel, such as pleasantly surprised or disappointed"),
        "kano_functional": _("how the respondent would feel if each feature were there"),
        "kano_dysfunctional": _("how the respondent would feel if each feature were not there"),
        "comment": _("an open question: “What should we certainly keep, and what could be better?”"),
        "incident": _("an open question about one occasion that was very good or very bad"),
        "switch_after_one": _("“Would you consider leaving after one bad experience?”"),
        "switch_after_two": _("“Would you consider leaving after two bad experiences?”"),
        "tenure": _("how long the respondent has been a customer"),
        "spend": _("what the respondent spends with us, from the customer records"),
        "location": _("at which location the respondent is a customer"),
        "segment": _("the customer group the respondent belongs to"),
        "background": _("a few background questions"),
        "touchpoint": _("a grade for each contact moment"),
    }
    return known.get(role, need)


def fieldwork(words, declared, locations=True):
    """The account of the research as (heading, text) pairs: what the study declares, in a fixed order."""
    _ = words.gettext
    designs = {"all": _("all locations were surveyed"), "sample": _("a sample of the locations was surveyed")}
    if not locations:
        designs = {"all": _("all customers were surveyed"), "sample": _("a sample of the customers was surveyed")}
    headings = {
        "population": _("Population"),
        "design": _("Design"),
        "sample": _("Sample"),
        "sampling_frame": _("Sampling frame"),
        "invited": _("Invited"),
        "mode": _("Mode"),
        "dates": _("Dates"),
        "start": _("Start of fieldwork"),
        "end": _("End of fieldwork"),
        "languages": _("Languages of the questionnaire"),
        "questionnaire": _("Questionnaire"),
        "incentive": _("Incentive"),
        "weighting": _("Weighting"),
        "commissioned_by": _("Commissioned by"),
        "conducted_by": _("Carried out by"),
        "funded_by": _("Funded by"),
        "contact": _("Contact"),
        "remarks": _("Remarks"),
    }
    rows = []
    for key, heading_text in headings.items():
        value = (declared or {}).get(key)
        if isinstance(value, dict):  # said in several languages
            value = value.get(words.language) or next((said for said in value.values() if said), "")
        if value in (None, "", []):
            continue
        if key == "languages":
            value = [words.locale.languages.get(code, code) for code in value]
        rows.append((heading_text, designs[value] if key == "design" else _value(words, value)))
    return rows


def _value(words, value):
    if isinstance(value, (list, tuple)):
        return words.listed([_value(words, v) for v in value])
    if isinstance(value, (int, float)):
        return words.number(value, 0 if float(value).is_integer() else 1)
    day = _day(value)
    return words.date(day) if day else str(value)


def _day(text):
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return None


def method(words, method_id):
    """Name, one sentence and source of a method; None for one that is not known here."""
    _ = words.gettext
    known = {
        "M01": (
            _("Data quality"),
            _("Answers are checked against the questionnaire; signs of careless answering are flagged, and nobody is removed for them."),
            "Curran 2016",
        ),
        "M02": (
            _("Mean grade and shares"),
            _("Means have t intervals, shares have score intervals; where every location was surveyed, locations are the strata."),
            "Wilson 1927",
        ),
        "M03": (
            _("Net promoter score"),
            _("Share of promoters (9–10) minus share of detractors (0–6), in points, with an adjusted Wald interval."),
            "Reichheld 2003; Rocks 2016",
        ),
        "M04": (
            _("Expectations and delight"),
            _(
                "What was better than expected is asked directly; feelings are a scale of their own, and whether they differ from satisfaction is tested."
            ),
            "Oliver, Rust & Varki 1997; Henseler et al. 2015",
        ),
        "M05": (
            _("Gaps between expectation and experience"),
            _("The difference between what was experienced and what was expected, within the same respondent, with a paired t interval."),
            "Parasuraman, Zeithaml & Berry 1988, 1994",
        ),
        "M06": (
            _("Satisfaction–loyalty curve and the 8.5 rule"),
            _(
                "Loyalty by grade, adjusted for background, with robust errors; the rule holds if the step from 8 to 9 is larger than the step from 7 to 8."
            ),
            "Finn 2012; Hansen 2000",
        ),
        "M07": (
            _("Levels of service"),
            _(
                "Respondents are placed at the highest level whose parts they all found in order; the order of the levels counts only if it beats parts put into levels at random."
            ),
            "Mokken 1971; Jonckheere 1954",
        ),
        "M08": (
            _("Effect of poor and of good performance"),
            _(
                "The effect of each aspect is estimated below and above a good grade; the kind of driver follows from a test whether both are equal, corrected for the number of aspects."
            ),
            "Brandt 1987; Benjamini & Hochberg 1995",
        ),
        "M09": (
            _("Stated and derived importance"),
            _("What respondents say is important beside what goes together with their overall grade, split at the medians."),
            "Vavra 1997",
        ),
        "M10": (
            _("Priorities"),
            _("Aspects in the order of the delighted customers that one point of improvement may bring, with the interval of that gain."),
            "Martilla & James 1977; Mikulić & Prebežac 2008",
        ),
        "M11": (
            _("Kano questionnaire"),
            _(
                "Each feature is asked twice, as if it were there and as if it were not; the kind it is named after must beat the next kind in an exact test."
            ),
            "Kano et al. 1984; Berger et al. 1993",
        ),
        "M12": (
            _("Changes in what delights"),
            _("Whether features lose their power to delight from wave to wave; unreliable answers are not taken for change."),
            "Borgianni 2018",
        ),
        "M13": (
            _("Relative weights"),
            _("The explained variation of satisfaction divided over aspects that go together, with bootstrap intervals."),
            "Johnson 2000; Tonidandel et al. 2009",
        ),
        "M14": (
            _("Shapley values"),
            _(
                "The explained variation divided over the aspects as an average over all orders; ranks are given as the range the data allow."
            ),
            "Lindeman, Merenda & Gold 1980; Mogstad et al. 2024",
        ),
        "M15": (
            _("Driver regression"),
            _("Regression of satisfaction on all aspects together, with robust errors; expected gains are associations, not promises."),
            "Long & Ervin 2000",
        ),
        "M16": (
            _("Key dissatisfiers and enhancers"),
            _("The few aspects whose failure, in any of them, tells dissatisfied customers best from the others; and their mirror image."),
            "Conklin, Powaga & Lipovetsky 2004",
        ),
        "M17": (
            _("Latent classes"),
            _("Customers with alike wishes are grouped; the number of groups is judged by fit, size, stability and response style."),
            "Linzer & Lewis 2011; Nylund et al. 2007",
        ),
        "M18": (
            _("Differences between segments"),
            _(
                "Whether an aspect works differently in segments is tested for all segments together, and whether it delights one and annoys another by a test of opposite signs."
            ),
            "Gail & Simon 1985",
        ),
        "M19": (
            _("Satisfaction and loyalty together"),
            _("Customers by satisfaction and loyalty, with the share of each combination."),
            "Jones & Sasser 1995",
        ),
        "M20": (
            _("Loyalty regression"),
            _("Regression of loyalty on satisfaction and delight, adjusted for background, reported as average marginal effects."),
            "Long & Ervin 2000",
        ),
        "M21": (
            _("Switching after bad experiences"),
            _(
                "Shares that would consider switching, beside the published figures; equal means that the whole interval lies within the margin."
            ),
            "Schuirmann 1987",
        ),
        "M22": (
            _("Goodwill after a failure"),
            _(
                "Whether a failure costs less loyalty among those who were delighted before; it must hold as a difference of shares and as odds alike."
            ),
            "Ai & Norton 2003; Grégoire, Tripp & Legoux 2009",
        ),
        "M27": (
            _("Path model"),
            _(
                "Scores of image, expectations, quality, value, satisfaction and loyalty, and how they lead to one another (partial least squares)."
            ),
            "Tenenhaus et al. 2005",
        ),
        "M32": (
            _("Employees and delight"),
            _("The part of explained satisfaction that belongs to aspects of staff, and whether they matter more for the step to 9 or 10."),
            "Lindeman, Merenda & Gold 1980",
        ),
        "M36": (
            _("Published claims, tested"),
            _(
                "Each claim has a margin that was fixed before the data were seen; verdicts follow from intervals and are corrected for the number of claims."
            ),
            "Schuirmann 1987; Benjamini & Hochberg 1995",
        ),
        "M38": (
            _("Comparison of waves"),
            _(
                "Waves are compared by tests, corrected for all measures and waves; beside them stands the change that would have shown with a probability of 80%."
            ),
            "Benjamini & Hochberg 1995",
        ),
        "M40": (
            _("Protection of respondents"),
            _("Results of small groups are not shown, nor results from which they could be worked out."),
            "",
        ),
        "M42": (
            _("Small locations"),
            _("Means of small locations are drawn towards the mean of their label, the more so the fewer answers they rest on."),
            "Rubin 1981",
        ),
    }
    return known.get(method_id)


def definitions(words, about):
    """Terms as (term, explanation) pairs."""
    _ = words.gettext
    rows = []
    start, scale = about.get("delight_from"), about.get("scale") or {}
    if start is not None and (scale.get("min"), scale.get("max")) != (0, 1):
        text = _("Respondents whose overall grade is {grade} or more.")
        if start == scale.get("max"):
            text = _("Respondents whose overall grade is the highest one, {grade}.")
        grade = words.number(start, 0 if float(start).is_integer() else 1)
        rows.append((_("Delighted customers"), text.format(grade=grade)))
    rows += [
        (
            _("Interval"),
            _(
                "The range in which the true figure lies with {level} confidence, given the number of answers. Figures whose intervals overlap widely should not be put in an order."
            ).format(level=words.percent(about.get("ci_level") or 0.95)),
        ),
        (
            _("Basic factor"),
            _("An aspect that costs satisfaction when it is poor, and adds little when it is excellent."),
        ),
        (
            _("Experience factor"),
            _("An aspect that works both ways: the better, the more satisfied."),
        ),
        (
            _("Delight factor"),
            _("An aspect that adds satisfaction when it is excellent, and costs little when it is ordinary."),
        ),
    ]
    if about.get("minimum_group"):
        rows.append(
            (
                _("Small groups"),
                _("Groups of fewer than {n} respondents are not shown, and nothing from which they could be worked out.").format(
                    n=words.number(about["minimum_group"])
                ),
            )
        )
    return rows


def made_with(words, about):
    """Closing line."""
    return words.gettext("Made with the Delight Workbook, version {version}.").format(version=about.get("version", ""))
