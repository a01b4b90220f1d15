"""The few lines of Python that reproduce a view, so that exploration becomes a chapter."""

from __future__ import annotations

from dataclasses import dataclass

from delight.scales import Scale

WIDTH = 100


@dataclass(frozen=True)
class Named:
    """A value too long to write out, with the expression that makes it."""

    value: object
    text: str


def values(options):
    """Arguments as a function takes them."""
    return {key: option.value if isinstance(option, Named) else option for key, option in options.items()}


def written(value):
    """A value as Python."""
    if isinstance(value, Named):
        return value.text
    if isinstance(value, Scale):
        step = "" if value.step == 1 else f", {value.step:g}"
        return f"Scale({value.min:g}, {value.max:g}{step})"
    if isinstance(value, dict):
        same = set(map(written, value.values()))
        if len(value) > 3 and len(same) == 1:
            return f"dict.fromkeys({written(list(value))}, {same.pop()})"
        return "{" + ", ".join(f"{written(k)}: {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        inside = ", ".join(written(v) for v in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' if len(value) == 1 else ''})"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return repr(value.item() if hasattr(value, "item") else value)


def call(name, function, *args, given=None, **options):
    """``name = function(args, option=value, …)``; options that are None or empty are left out.

    `given` is a `Named` dict of arguments: those of its entries that `options` repeat are written as ``**text``.
    """
    options = {key: v for key, v in options.items() if not _empty(v)}
    shared = {key: v for key, v in given.value.items() if not _empty(v)} if given is not None else {}
    if not shared.get("weights"):
        shared.pop("weights_kind", None)
    if shared and all(options.get(key) == v for key, v in shared.items()):
        args, options = (*args, f"**{given.text}"), {key: v for key, v in options.items() if key not in shared}
    given = [f"{key}={written(v)}" for key, v in options.items()]
    parts, line = [*args, *given], f"{name} = {function}({', '.join([*args, *given])})"
    if len(line) <= WIDTH:
        return line
    return f"{name} = {function}(\n" + "".join(f"    {part},\n" for part in parts) + ")"


def _empty(value):
    value = value.value if isinstance(value, Named) else value
    return value is None or (isinstance(value, (str, list, tuple, dict)) and not len(value))
