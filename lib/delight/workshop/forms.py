"""Forms that a group fills in together, and the exercises' controls in the no-code version. Every control can be reached by keyboard."""

from __future__ import annotations

import json
import uuid
from html import escape
from pathlib import Path

import ipywidgets
import pandas as pd

from delight.drivers import kano
from delight.errors import InputError
from delight.practice import teams
from delight.show import kano as wishes
from delight.show import practice as views
from delight.show import render
from delight.show.words import Words
from delight.study.labels import Labels
from delight.workshop import actions, exercise, looks, room
from delight.workshop.exercise import message as _

#: A group of fewer is not shown its own answers.
FLOOR = 5
#: Things a lunch may have, for the group's own Kano questions.
LUNCH = {
    "clean_cutlery": _("Clean cutlery"),
    "second_helping": _("Enough for a second helping"),
    "home_baked": _("Something home-baked with the coffee"),
    "music": _("Background music"),
}
HAVING = _("If there is: {feature}")
LACKING = _("If there is not: {feature}")
FEELINGS = (_("I like it"), _("I take it for granted"), _("I do not mind"), _("I can live with it"), _("I dislike it"))
WIDE = {"description_width": "initial"}
ALIGNED = {"description_width": "30em"}


def names(words):
    """Codes that exercises use, in words."""
    gettext = words.gettext
    known = {
        "petra": "Petra",
        "henk": "Henk",
        "same": gettext("no difference"),
        "step": gettext("there is a step"),
        "no_step": gettext("there is no step"),
        "cannot_say": gettext("it cannot be said"),
        "act": gettext("the acts"),
        "chance": gettext("possibly chance"),
    }
    return known | {f: views.factor_word(words, f) for group in teams.FACTORS.values() for f in group}


class Together:
    """Answers that a group gives, a file each; who gave one is not kept.

    Parameters
    ----------
    folder : Path
        Shared by everybody in the room.
    """

    def __init__(self, folder):
        self.folder, self.own = Path(folder), uuid.uuid4().hex

    def give(self, answers):
        """Keep the answers of this sitting; given again, they replace the earlier ones."""
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = self.folder / f".{self.own}"
        aside.write_text(json.dumps(answers), encoding="utf-8")
        aside.replace(self.folder / f"{self.own}.json")

    def all(self):
        """Everybody's answers, a row each, in an order that says nothing of when they came."""
        return pd.DataFrame([json.loads(p.read_text(encoding="utf-8")) for p in sorted(self.folder.glob("*.json"))])


def heading(text):
    return ipywidgets.HTML(f"<p style='font-weight:600;margin:.8em 0 .2em;max-width:44em'>{escape(text)}</p>")


def sentence(text):
    return f"<p role='status' style='margin:.3em 0;max-width:44em'>{escape(text)}</p>"


class Form(ipywidgets.VBox):
    """Questions, a button to hand in, a button to see the group; subclasses say which questions and what is shown."""

    kind = ""

    def __init__(self, desk):
        self.desk, self.words = desk, desk.words
        self.together = Together(room.together(desk.folder) / self.kind)
        gettext = self.words.gettext
        self.hand_in = ipywidgets.Button(description=gettext("Hand in"), button_style="primary")
        self.look = ipywidgets.Button(description=gettext("Show"))
        self.said, self.result = ipywidgets.HTML(), ipywidgets.HTML()
        self.hand_in.on_click(self._hand_in)
        self.look.on_click(self._look)
        super().__init__([*self.questions(), ipywidgets.HBox([self.hand_in, self.look]), self.said, self.result])

    def _hand_in(self, _button=None):
        gettext, answers = self.words.gettext, self.answers()
        if any(v is None for v in answers.values()):
            self.said.value = sentence(gettext("Not yet: some questions are open."))
            return
        self.together.give(answers)
        self.said.value = sentence(gettext("Thank you. Your answers count, your name is not kept."))

    def _look(self, _button=None):
        given = self.together.all()
        if len(given) < FLOOR:
            text = self.words.gettext("{n} have answered. The group's answers are shown from {floor} on, so that nobody can be recognised.")
            self.result.value = sentence(text.format(n=self.words.number(len(given)), floor=self.words.number(FLOOR)))
            return
        self.result.value = looks.Shown(self.shown(given))._repr_html_()

    def render(self, view, *results, words=None):
        block = {"view": view.name, "kind": view.kind, "options": {}, "key": self.kind}
        return render.block_html(block, list(results), words or self.words)


class KanoQuestionnaire(Form):
    """Two questions about each of a few features; the group sees them classified, and how sure that is.

    Parameters
    ----------
    desk : Desk
    features : dict of code to label, optional
        The lunch of the workshop by default.
    """

    kind = "kano"

    def __init__(self, desk, features=None):
        gettext = desk.words.gettext
        self.features = dict(features) if features else {code: gettext(label) for code, label in LUNCH.items()}
        super().__init__(desk)

    @property
    def pairs(self):
        return {code: (f"{code}_with", f"{code}_without") for code in self.features}

    def questions(self):
        gettext = self.words.gettext
        feelings = [("", None), *((gettext(text), code) for code, text in enumerate(FEELINGS, 1))]
        self.menus, rows = {}, []
        for code, label in self.features.items():
            for column, text in zip(self.pairs[code], (HAVING, LACKING)):
                asked = gettext(text).format(feature=label)
                self.menus[column] = ipywidgets.Dropdown(
                    options=feelings, value=None, description=asked, style=ALIGNED, layout={"width": "48em"}
                )
                rows.append(self.menus[column])
        return rows

    def answers(self):
        return {column: menu.value for column, menu in self.menus.items()}

    def shown(self, given):
        words = Words(self.words.language, Labels(self.words.language, columns=self.features))
        found = kano.classify(given, pairs=self.pairs)
        few = self.words.gettext(
            "{n} people have answered. With fewer than about a hundred a category is seldom certain; take it as a start of a talk."
        )
        parts = [sentence(few.format(n=self.words.number(len(given))))]
        parts += [self.render(view, found, words=words) for view in (wishes.kinds, wishes.count_table, wishes.better_worse)]
        return "".join(parts)


class TeamAssessment(Form):
    """Sixteen statements on success factors, basics and barriers, and the team's view beside its customers'."""

    kind = "team"

    def questions(self):
        gettext = self.words.gettext
        self.sliders, rows = {}, []
        titles = {
            "success": gettext("In every contact we offer:"),
            "basic": gettext("Our basics:"),
            "barrier": gettext("What stands in our way:"),
        }
        marks = [("", None), *((f"{n}", n) for n in range(1, 6))]
        rows.append(ipywidgets.HTML(sentence(gettext("1 is not at all true, 5 is entirely true."))))
        for group, factors in teams.FACTORS.items():
            rows.append(heading(titles[group]))
            for factor in factors:
                self.sliders[room.own(factor)] = ipywidgets.Dropdown(
                    options=marks, value=None, description=views.factor_word(self.words, factor), style=ALIGNED, layout={"width": "36em"}
                )
                rows.append(self.sliders[room.own(factor)])
        return rows

    def answers(self):
        return {column: slider.value for column, slider in self.sliders.items()}

    def shown(self, given):
        items = {f: [room.own(f)] for group in teams.FACTORS.values() for f in group}
        scales = dict.fromkeys((c for columns in items.values() for c in columns), room.TEAM_SCALE)
        parts = [self.render(views.team_table, teams.assessment(given, items=items, scales=scales).scores)]
        asked = {f: c for f, c in self.desk.book.factors.items() if f in items}
        customers = self.desk.customers()
        if asked and len(customers) >= self.desk.book.minimum_group:
            apart = teams.gap(given, customers, items={f: items[f] for f in asked}, asked=asked, scales={**scales, **self.desk.scales})
            parts += [self.render(view, apart) for view in (views.mirror, views.two_views)]
        return "".join(parts)


class ActionBoard(ipywidgets.VBox):
    """What, who, before when: a list that is saved as a study's story keeps it."""

    def __init__(self, desk, rows=3):
        self.desk, gettext = desk, desk.words.gettext
        self.rows = [self._row(gettext) for _row in range(rows)]
        self.more = ipywidgets.Button(description=gettext("One more"))
        self.keep = ipywidgets.Button(description=gettext("Save"), button_style="primary")
        self.more.on_click(self._more)
        self.keep.on_click(self._keep)
        self.list, self.said = ipywidgets.VBox([ipywidgets.HBox(row) for row in self.rows]), ipywidgets.HTML()
        super().__init__([self.list, ipywidgets.HBox([self.more, self.keep]), self.said])

    @staticmethod
    def _row(gettext):
        what = ipywidgets.Text(description=gettext("What"), layout={"width": "28em"})
        who = ipywidgets.Text(description=gettext("Who"), layout={"width": "16em"})
        return what, who, ipywidgets.DatePicker(description=gettext("Before"))

    def _more(self, _button=None):
        self.rows.append(self._row(self.desk.words.gettext))
        self.list.children = [ipywidgets.HBox(row) for row in self.rows]

    @property
    def folder(self):
        """Where the list is saved: ``story`` beside the room, to be copied into the study's folder."""
        return room.together(self.desk.folder).parent / "story"

    def _keep(self, _button=None):
        gettext = self.desk.words.gettext
        decided = [
            actions.Action(what.value, who.value, due.value) for what, who, due in self.rows if what.value.strip() or who.value.strip()
        ]
        if not decided:
            self.said.value = sentence(gettext("Not yet: the list is empty."))
            return
        try:
            path = actions.save(decided, self.folder, wave=self.desk.waves[-1], language=self.desk.words.language)
        except InputError as error:
            self.said.value = sentence(str(error))
            return
        self.said.value = sentence(gettext("Saved in {file}.").format(file=f"story/{path.name}"))


class Question(ipywidgets.VBox):
    """An exercise without code: what to read it from, a control, a button, a verdict."""

    def __init__(self, desk, about):
        self.desk, self.about = desk, about
        gettext = desk.words.gettext
        self.control = self._control(gettext)
        self.button = ipywidgets.Button(description=gettext("Check the answer"), button_style="primary")
        self.verdict = ipywidgets.HTML()
        self.button.on_click(self._check)
        evidence = []
        if about.evidence:
            evidence = [ipywidgets.HTML(about.evidence(desk)._repr_html_())]
        elif about.show and about.again:
            evidence = [ipywidgets.HTML(desk.show(*about.show(desk))._repr_html_())]
        super().__init__([heading(gettext(about.question)), *evidence, self.control, self.button, self.verdict])

    def _control(self, gettext):
        kind, about = self.about.kind, self.about
        if kind == "share":
            return ipywidgets.IntSlider(min=0, max=100, value=0, description="%", layout={"width": "30em"})
        if kind == "number":
            return ipywidgets.FloatText(value=None, description=gettext("Answer"), style=WIDE)
        if kind == "pair":
            return ipywidgets.HBox([ipywidgets.FloatText(description=gettext(d), style=WIDE) for d in (_("First"), _("Second"))])
        options = [(about.named(self.desk, code) if about.named else self.desk.named(code), code) for code in about.options(self.desk)]
        if kind == "choice":
            return ipywidgets.RadioButtons(options=options, value=None, layout={"width": "max-content"})
        return ipywidgets.SelectMultiple(options=options, rows=min(len(options), 12), layout={"width": "30em"})

    @property
    def answer(self):
        """What the control says, in the form of the exercise."""
        if self.about.kind == "share":
            return self.control.value / 100
        if self.about.kind == "pair":
            return tuple(part.value for part in self.control.children)
        return self.control.value

    def _check(self, _button=None):
        self.verdict.value = exercise.judge(self.about, self.answer, self.desk, guessed=True)._repr_html_()
