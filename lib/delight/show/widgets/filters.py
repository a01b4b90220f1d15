"""The filter bar: which responses are looked at, how many they are, and why they may not be shown."""

from __future__ import annotations

import ipywidgets

from delight.errors import InputError

#: Value of a menu that is not set; a menu cannot stand at None.
EVERYBODY = ""
#: Menus that stand in the bar; further questions fold away below it.
IN_SIGHT = 6


class FilterBar(ipywidgets.VBox):
    """One menu a grouping; together they say which responses are looked at, and how many they are.

    Parameters
    ----------
    data : Data
    only : sequence of str, optional
        Columns to offer; by default all that `data` filters on.
    start : dict, optional
        Choice to begin with, such as the newest wave.
    title : str, optional
        Set before the bar where there are two.
    """

    def __init__(self, data, *, only=None, start=None, title=""):
        self.data, self.words, self._listeners, self._quiet = data, data.words, [], False
        columns = list(data.by if only is None else only)
        unknown = [c for c in columns if c not in data.by]
        if unknown:
            raise InputError(f"There is no menu of {', '.join(map(repr, unknown))}: the data filter on {', '.join(data.by) or 'nothing'}.")
        self.menus = {c: self._menu(c) for c in columns}
        self._count = ipywidgets.HTML()
        self.heading = ipywidgets.HTML(f"<b>{title}</b>" if title else "", layout={"display": "" if title else "none"})
        menus, row = list(self.menus.values()), {"flex_flow": "row wrap", "overflow": "visible"}
        parts = [self.heading, ipywidgets.HBox(menus[:IN_SIGHT], layout=row)]
        if menus[IN_SIGHT:]:
            more = ipywidgets.Accordion([ipywidgets.HBox(menus[IN_SIGHT:], layout=row)], selected_index=None)
            more.set_title(0, self.words.gettext("More questions"))
            parts.append(more)
        super().__init__([*parts, self._count])
        for column, menu in self.menus.items():
            if (start or {}).get(column) is not None:
                menu.value = start[column]
            menu.observe(self._changed, names="value")
        self._show_count()

    def _menu(self, column):
        words, coded = self.words, self.data.coded(column)
        options = [(words.gettext("Everybody"), EVERYBODY)]
        options += [(words.group(column, v), v.item() if hasattr(v, "item") else v) for v in coded.values]
        name = words.by(column)
        return ipywidgets.Dropdown(
            options=_distinct(options),
            value=EVERYBODY,
            description=name,
            tooltip=name,
            style={"description_width": "initial"},
            layout={"width": "auto", "max_width": "30em", "margin": "2px 1em 2px 0"},
        )

    @property
    def choice(self):
        """Column → value of every menu that is set."""
        return {c: menu.value for c, menu in self.menus.items() if menu.value != EVERYBODY}

    def choose(self, **choice):
        """Set menus and unset the others, as one change: ``bar.choose(wave="2025-1")``."""
        self._quiet = True
        try:
            for column, menu in self.menus.items():
                menu.value = choice.get(column, EVERYBODY)
        finally:
            self._quiet = False
        self._changed(None)

    @property
    def mask(self):
        """Rows that the menus leave; None for everybody."""
        return self.data.mask(self.choice)

    @property
    def why_not(self):
        """Why nothing may be shown of the selection, or an empty string."""
        reason, words, _ = self.data.sheltered(self.choice), self.words, self.words.gettext
        minimum = words.number(self.data.minimum_group)
        if reason == "few":
            n = self.data.n(self.mask)
            return words.ngettext(
                "This selection has {n} response. Groups of fewer than {minimum} are not shown, to protect the respondents.",
                "This selection has {n} responses. Groups of fewer than {minimum} are not shown, to protect the respondents.",
                n,
            ).format(n=words.number(n), minimum=minimum)
        if reason == "told":
            return _(
                "This selection is not shown: taken from the whole, it would tell what a group of fewer than {minimum} respondents answered."
            ).format(minimum=minimum)
        return ""

    def on_change(self, function):
        """Call `function()` whenever the selection changes."""
        self._listeners.append(function)

    def _changed(self, _change):
        if self._quiet:
            return
        self._show_count()
        for function in self._listeners:
            function()

    def _show_count(self):
        words, mask = self.words, self.mask
        n = self.data.n(mask)
        text = words.ngettext("{n} response", "{n} responses", n).format(n=f"<b>{words.number(n)}</b>")
        effective = words.gettext("effective n {n}").format(n=words.number(self.data.n_eff(mask)))
        self._count.value = f'<span class="delight-n" role="status">{text} · {effective}</span>'


def _distinct(options):
    """Menu entries with different names: two answers of one name show their codes."""
    names = [name for name, _value in options]
    return [(name if names.count(name) == 1 else f"{name} ({value})", value) for name, value in options]
