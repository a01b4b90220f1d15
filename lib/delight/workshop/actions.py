"""The actions a group decides, saved as a study's ``story/`` keeps them: ``- what | who | 2025-12-01`` under ``# actions``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from delight.errors import InputError
from delight.publish import story

HEADING = "# actions"


@dataclass(frozen=True)
class Action:
    """What is done, by whom, before when; `who` and `due` may be empty."""

    what: str
    who: str = ""
    due: date | None = None

    def line(self):
        """The action as a line of a story.

        Raises
        ------
        InputError
            There is nothing to do, or a text holds a mark that the story reads otherwise.
        """
        what, who = (" ".join(str(text).split()) for text in (self.what, self.who))
        if not what:
            raise InputError("An action needs at least what is to be done.")
        for mark in ("|", "{{", "}}"):
            if mark in what + who:
                raise InputError(f"An action cannot contain '{mark}': the story would read it otherwise. Write it in other words.")
        return "- " + " | ".join([what, who, self.due.isoformat() if self.due else ""]).rstrip(" |")


def save(actions, folder, *, wave, language):
    """Write actions to ``<folder>/<wave>.<language>.md``, after what stands there already; one that is there is not repeated.

    Parameters
    ----------
    actions : sequence of Action
    folder : Path
        The study's ``story`` folder, or a folder whose files are copied there.
    wave : str
    language : {"nl", "da", "en"}

    Returns
    -------
    Path

    Raises
    ------
    InputError
        An action that cannot be written; then nothing is.
    """
    lines = [action.line() for action in actions]
    path = Path(folder) / f"{wave}.{language}.md"
    text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
    standing = text.splitlines()
    at = next((i for i, line in enumerate(standing) if line.strip().lower() == HEADING), None)
    if at is None:
        standing += [*([""] if standing and standing[-1].strip() else []), HEADING, ""]
        end = len(standing)
    else:
        later = next((i for i in range(at + 1, len(standing)) if standing[i].startswith("# ")), len(standing))
        end = max(i for i in range(at, later) if standing[i].strip()) + 1
    fresh = [line for line in dict.fromkeys(lines) if line not in standing]
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".aside")
    aside.write_text("\n".join([*standing[:end], *fresh, *standing[end:]]) + "\n", encoding="utf-8")
    aside.replace(path)
    return path


def read(folder, *, wave, language):
    """Actions that stand in a story: list of (what, who, due), in order."""
    path = Path(folder) / f"{wave}.{language}.md"
    pieces = story.parse(path) if path.is_file() else []
    return [(p.text, p.owner, p.due) for p in pieces if p.kind == "action"]
