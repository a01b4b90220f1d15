"""What the chapters on expectations and on the pyramid need from a study: which question is what, by role and tie of the codebook."""

from __future__ import annotations

#: Constructs of emotion questions that are stages of their own on the path of delight; any other counts as delight.
FEELINGS = {"surprise": "surprise", "arousal": "arousal", "affect": "affect", "positive_affect": "affect", "positive affect": "affect"}


def _scales(here, columns):
    return {c: here.study.scale(c) for c in columns}


def _shared(here):
    """Weights and bootstrap of a method of several columns."""
    model = here.study.measure("overall")
    return {name: model[name] for name in ("weights", "weights_kind")} | {"ci_level": here.ci_level}


def direct(here):
    """Arguments of the methods on the direct question, or None where it was not asked: ``y, x, scales, delight_from``, weights, design.

    The direct question about the service as a whole is the one without `level` and `pair`; others belong to a part of it.
    """
    asked = here.columns("disconfirmation")
    if not asked:
        return None
    whole = [c for c in asked if not here.study.questions[c].level and not here.study.questions[c].pair]
    y, x = here.measure("overall")["y"], (whole or asked)[0]
    return {"y": y, "x": x, "scales": _scales(here, [y, x]), "delight_from": here.delight_from, **_shared(here), **here.design()}


def promoters(here):
    """`direct` with the question on recommending, for the three-way table; None where one of the three was not asked."""
    found = direct(here)
    if not found or not here.has("recommend") or not here.has("overall"):
        return None
    column = here.study.column("recommend")
    scale = here.study.scale(column)
    if (scale.min, scale.max) != (0, 10):
        return None
    return {**found, "recommend": column, "scales": {**found["scales"], column: scale}}


def satisfaction(here):
    """Questions on satisfaction as a whole: `overall`, and those that share its construct."""
    overall = here.study.question("overall")
    same = here.study.constructs(here.answered).get(overall.construct, []) if overall.construct else []
    return same or [overall.column]


def measures(here):
    """Arguments of `expectations.measures`: gap, direct question and feelings, those that were asked."""
    pairs, question = expected(here), direct(here)
    affect, y = here.columns("emotion"), here.measure("overall")["y"]
    x = question["x"] if question else None
    columns = [y, *pairs, *pairs.values(), *affect, *([x] if x else [])]
    return {"y": y, "gaps": pairs, "direct": x, "affect": affect, "scales": _scales(here, columns), **_shared(here)}


def constructs(here):
    """Arguments of `expectations.distinct`: satisfaction and delight; None without feelings."""
    feelings = here.columns("emotion")
    if not feelings or not here.has("overall"):
        return None
    found = {"satisfaction": satisfaction(here), "delight": feelings}
    return {"constructs": found, "scales": _scales(here, sum(found.values(), [])), "clusters": here.design()["clusters"], **_shared(here)}


def stages(here):
    """Arguments of `expectations.path`; None without a question on loyalty, or without feelings and the direct question.

    Feelings are told apart by `construct` (surprise, arousal, affect; all others delight). Loyalty is recommending, else choosing again,
    else the intention to stay.
    """
    found, question = {}, direct(here)
    for column in here.columns("emotion"):
        found.setdefault(FEELINGS.get(here.study.questions[column].construct.lower(), "delight"), []).append(column)
    loyal = next((here.columns(role)[:1] for role in ("recommend", "repurchase", "stayed") if here.has(role)), [])
    if not loyal or not here.has("overall") or not (found or question):
        return None
    found |= {"disconfirmation": [question["x"]] if question else [], "satisfaction": satisfaction(here), "intention": loyal}
    found = {name: columns for name, columns in found.items() if columns}
    return {"stages": found, "scales": _scales(here, sum(found.values(), [])), "clusters": here.design()["clusters"], **_shared(here)}


def expected(here, role="expectation"):
    """Attribute → question on what was expected of it: its `pair` is the attribute's column, or the same word as the attribute's `pair`."""
    attributes = {c: here.study.questions[c] for c in here.columns("attribute")}
    by_word = {q.pair: c for c, q in attributes.items() if q.pair}
    found = {}
    for column in here.columns(role):
        pair = here.study.questions[column].pair
        attribute = pair if pair in attributes else by_word.get(pair)
        if attribute:
            found.setdefault(attribute, column)
    return {c: found[c] for c in attributes if c in found}


def gaps(here):
    """Arguments of `gaps.gaps`; None where no question on an expectation is tied to an attribute.

    A question of role `importance` with a `group` and no `pair` holds the points (of 100) given to that dimension.
    """
    pairs = expected(here)
    if not pairs:
        return None
    adequate = {c: q for c, q in expected(here, "expectation_adequate").items() if c in pairs}
    questions = here.study.questions
    dimensions = {c: questions[c].group for c in pairs}
    points = {questions[c].group: c for c in here.columns("importance") if questions[c].group and not questions[c].pair}
    points = points if set(dimensions.values()) <= set(points) else {}
    columns = [*pairs, *pairs.values(), *adequate.values()]
    return {
        "expected": pairs,
        "adequate": adequate,
        "dimensions": dimensions,
        "importance": {d: points[d] for d in dict.fromkeys(dimensions.values())} if points else {},
        "not_applicable": here.model()["not_applicable"],
        "scales": _scales(here, columns),
        **_shared(here),
        **here.design(),
    }


def pyramid(here):
    """Arguments of `pyramid.pyramid`: questions with a `level`, and which of them compare with what was expected."""
    questions, y = here.study.questions, here.measure("overall")["y"]
    compared = [c for c in here.columns("disconfirmation") if questions[c].level]
    items = [c for c in here.columns("attribute") if questions[c].level] + compared
    return {
        "y": y,
        "levels": {c: questions[c].level for c in items},
        "expected": compared,
        "not_applicable": here.model()["not_applicable"],
        "scales": _scales(here, [y, *items]),
        **_shared(here),
        **here.design(),
    }
