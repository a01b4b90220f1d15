"""The chain of notebooks: which chapters there are, what they need, whether their parameters are sound, and running one."""

from __future__ import annotations

import ast
import json
import logging
import math
import os
import re
import time
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from delight.errors import DelightError, InputError, RunError, StudyError, did_you_mean
from delight.publish import folders
from delight.publish.notebooks import scrub
from delight.show.blocks import MIME
from delight.study.codebook import split_need

TYPES = {"str": str, "int": int, "float": float, "bool": bool}

#: Names every chapter has, in order (design §6).
COMMON = ("study", "wave", "location", "language", "out", "delight_from", "ci_level", "n_boot", "seed")

#: Lowest and highest value of the parameters every chapter has, and how to say it.
RANGES = {
    "ci_level": (0.5, 0.9999, "a share from 0.5 to 0.9999, such as 0.95"),
    "n_boot": (1, 1_000_000, "a whole number of at least 1 and at most 1000000"),
    "seed": (0, 2**32 - 1, "a whole number of 0 or more, below 4294967296"),
}

#: Longest a single cell, and a whole chapter, may take, in seconds.
CELL_TIMEOUT, CHAPTER_TIMEOUT = 1800, 3600
#: Libraries that chapters import when first needed; imported beforehand as well.
LATER = (
    *("pyarrow.parquet", "pyarrow.dataset", "pyarrow.pandas_compat", "openpyxl", "scipy.stats", "scipy.optimize"),
    *("matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg"),
)
#: What a kernel that never came up is told by.
NO_START = re.compile(r"Kernel (didn't respond|died before replying)")


@dataclass(frozen=True)
class Parameter:
    """A declared parameter: its type and default."""

    name: str
    type: type
    default: object
    help: str = ""


@dataclass(frozen=True)
class ChapterFile:
    """A notebook of the chain.

    Attributes
    ----------
    number, name : str
        ``50`` and ``drivers`` of ``50-drivers.ipynb``.
    path : Path
    needs : list of list of str
        And-of-ors of needs (`delight.study.codebook.split_need`); empty for a chapter that always runs.
    scope : {"any", "whole", "location"}
        ``whole`` chapters do not run for a single location, as models are fitted on the whole organisation; ``location`` chapters run
        for one only.
    parameters : dict of str to Parameter
    """

    number: str
    name: str
    path: Path
    needs: list
    scope: str
    parameters: dict

    @property
    def file(self):
        return self.path.stem

    def fits(self, location):
        """Whether the chapter belongs in the report of this location, or of the whole where `location` is empty."""
        return self.scope != ("whole" if location else "location")

    def lacks(self, asked):
        """The needs that are not met, given a function from need to bool."""
        return [choice for choice in self.needs if not any(asked(need) for need in choice)]


def chapters(root):
    """All chapters under ``notebooks/chain``, in order.

    Raises
    ------
    RunError
        There is none, or a notebook's parameters cell would be misread by papermill.
    """
    folder = Path(root) / "notebooks" / "chain"
    found = [_open(path) for path in sorted(folder.glob("[0-9]*-*.ipynb"))]
    if not found:
        raise RunError(f"There are no chapters in {folder}. Run inside the workbook, or set DELIGHT_HOME to its folder.", exit_code=5)
    return found


def _open(path):
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        about = notebook.get("metadata", {}).get("delight", {})
        tagged = [c for c in notebook["cells"] if "parameters" in c.get("metadata", {}).get("tags", [])]
        needs = [[str(role) for role in choice] for choice in about.get("needs", [])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}" if isinstance(error, (KeyError, TypeError, AttributeError)) else str(error)
        raise RunError(f"{path.name} is not a readable notebook ({why}). Restore it from version control.", exit_code=5) from None
    number, _, name = path.stem.partition("-")
    for need in (need for choice in needs for need in choice):
        try:
            split_need(need)
        except InputError as error:
            raise RunError(f"{path.name} needs what cannot be: {error}", exit_code=5) from None
    if len(tagged) != 1:
        raise RunError(f"{path.name} has {len(tagged)} cells tagged 'parameters'; a chapter has exactly one.", exit_code=5)
    return ChapterFile(number, name, path, needs, about.get("scope", "whole"), read_parameters(tagged[0]["source"], path.name))


def read_parameters(source, where="parameters cell"):
    """The parameters a cell declares, refusing every form that papermill would overlook or cut.

    Parameters
    ----------
    source : str or list of str
    where : str
        Named in messages.

    Returns
    -------
    dict of str to Parameter

    Raises
    ------
    RunError
        A line is no plain ``name: type = literal``: an annotation with ``|`` or a dot, a second ``=``, a ``#`` in a default,
        a derived value.
    """
    text = "".join(source)
    lines = text.splitlines()
    found = {}

    def refuse(line, why):
        raise RunError(f"{where}, line {line} of the parameters cell: {why} ({lines[line - 1].strip()!r}).", exit_code=5)

    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise RunError(f"{where}: the parameters cell is not Python (line {error.lineno}: {error.msg}).", exit_code=5) from None
    for node in tree.body:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None):
            refuse(node.lineno, "write each parameter as `name: type = default`; derived values go in the next cell")
        if not (isinstance(node.annotation, ast.Name) and node.annotation.id in TYPES):
            refuse(node.lineno, f"the type must be one of {', '.join(TYPES)}, without '|' or '.'")
        try:
            default = ast.literal_eval(node.value)
        except ValueError:
            refuse(node.lineno, "the default must be a plain value; derived values go in the next cell")
        kind = TYPES[node.annotation.id]
        if not (isinstance(default, kind) or kind is float and isinstance(default, int)) or (
            isinstance(default, bool) and kind is not bool
        ):
            refuse(node.lineno, f"the default {default!r} is not of type {node.annotation.id}")
        if isinstance(default, str) and ("#" in default or "=" in default):
            refuse(node.lineno, "papermill cuts a default at '#' and overlooks a line with a second '='")
        comment = lines[node.end_lineno - 1][node.end_col_offset :].strip().lstrip("#").strip()
        if "=" in comment:
            refuse(node.lineno, "papermill overlooks a line with a second '=', also in its comment")
        found[node.target.id] = Parameter(node.target.id, kind, default, comment)
    missing = [name for name in COMMON if name not in found]
    if missing:
        raise RunError(f"{where}: the parameters cell lacks {', '.join(missing)}; every chapter begins with the same lines.", exit_code=5)
    return found


def choose(all_chapters, wanted):
    """Chapters by number, name or both (``50``, ``drivers``, ``50-drivers``), in chain order.

    Raises
    ------
    RunError
        Exit code 2: a name that no chapter has.
    """
    if not wanted:
        return list(all_chapters)
    known = {key: c for c in all_chapters for key in (c.number, c.name, c.file)}
    unknown = [w for w in wanted if w not in known]
    if unknown:
        hints = "; ".join(f"'{w}'{did_you_mean(w, known)}" for w in unknown)
        raise RunError(f"No such chapter: {hints} The chapters are {', '.join(c.file for c in all_chapters)}.", exit_code=2)
    chosen = {known[w].file for w in wanted}
    return [c for c in all_chapters if c.file in chosen]


def overrides(all_chapters, given):
    """Sort ``[CHAPTER.]NAME=VALUE`` settings by chapter, typed as declared; every mistake in one message.

    Parameters
    ----------
    all_chapters : list of ChapterFile
    given : sequence of str

    Returns
    -------
    dict of str (chapter file) to dict of parameter values

    Raises
    ------
    RunError
        Exit code 2.
    """
    by_chapter, mistakes = {c.file: {} for c in all_chapters}, []
    known_chapters = {key: c for c in all_chapters for key in (c.number, c.name, c.file)}
    own = {"study", "wave", "location", "language", "out"}
    for setting in given:
        name, equals, value = setting.partition("=")
        chapter, dot, short = name.rpartition(".")
        if not equals:
            mistakes.append(f"-p {setting}: write it as NAME=VALUE or CHAPTER.NAME=VALUE.")
            continue
        if dot and chapter not in known_chapters:
            mistakes.append(f"-p {setting}: there is no chapter '{chapter}'.{did_you_mean(chapter, known_chapters)}")
            continue
        targets = [known_chapters[chapter]] if dot else [c for c in all_chapters if short in c.parameters]
        names = {p for c in ([known_chapters[chapter]] if dot else all_chapters) for p in c.parameters}
        if short in own:
            mistakes.append(f"-p {setting}: '{short}' is set by the command itself (STUDY, --wave, --location, --languages, --out).")
        elif short not in names:
            mistakes.append(
                f"-p {setting}: no chapter{' ' + chapter if dot else ''} has a parameter '{short}'.{did_you_mean(short, names)}"
            )
        else:
            for target in targets:
                try:
                    by_chapter[target.file][short] = typed(value, target.parameters[short])
                except ValueError as error:
                    mistakes.append(f"-p {setting}: {error}")
                    break
    if mistakes:
        raise RunError("\n".join(mistakes), exit_code=2)
    return by_chapter


def typed(value, parameter):
    """The text `value` as the parameter's type; ValueError says what was expected."""
    if parameter.type is bool:
        truth = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if value.lower() not in truth:
            raise ValueError(f"'{parameter.name}' is true or false, not '{value}'.")
        return truth[value.lower()]
    try:
        found = parameter.type(value)
    except ValueError:
        kind = "a whole number" if parameter.type is int else "a number with a decimal point"
        raise ValueError(f"'{parameter.name}' is {kind}, not '{value}'.") from None
    lowest, highest, what = RANGES.get(parameter.name, (None, None, ""))
    if parameter.type is float and not math.isfinite(found) or what and not lowest <= found <= highest:
        raise ValueError(f"'{parameter.name}' is {what or 'a number'}, not '{value}'.")
    return found


@dataclass(frozen=True)
class ChapterRun:
    """A chapter that has run: its blocks, the time it took, the state of each code cell, and why its kernel was a cold one ("" if warm)."""

    blocks: list
    seconds: float
    cells: list
    cold: str = ""


def run_chapter(chapter, parameters, target, *, environment=None, cold=False):
    """Execute a chapter through papermill into the notebook `target`, in a fork of a process that has imported what chapters import.

    Parameters
    ----------
    chapter : ChapterFile
    parameters : dict
    target : Path
    environment : dict, optional
        Variables the kernel sees in addition.
    cold : bool
        Start an ordinary kernel instead.

    Returns
    -------
    ChapterRun

    Raises
    ------
    StudyError, InputError
        The chapter stopped on the study or the data; the message is the chapter's own.
    RunError
        Any other failure: chapter, cell and error named; the notebook with the error stays at `target`.
    """
    unknown = [name for name in parameters if name not in chapter.parameters]
    if unknown:
        raise RunError(
            f"Chapter {chapter.file} has no parameter '{unknown[0]}'.{did_you_mean(unknown[0], chapter.parameters)}", exit_code=2
        )
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from delight.kernels import engine

    logging.getLogger("papermill").setLevel(logging.ERROR)
    target.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            options = dict(
                parameters=parameters,
                kernel_name="python3",
                engine_name=engine.NAME,
                environment=environment,
                modules=imports(chapter.path.parent),
                cold=cold,
                progress_bar=False,
                log_output=False,
                execution_timeout=CELL_TIMEOUT,
                notebook_timeout=CHAPTER_TIMEOUT,
                cwd=str(chapter.path.parent),
                extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
            )
            try:
                papermill.execute_notebook(str(chapter.path), str(target), **options)
            except RuntimeError as error:  # now and then another program takes a kernel's port before the kernel does
                if not NO_START.match(str(error)):
                    raise
                papermill.execute_notebook(str(chapter.path), str(target), **options)
    except PapermillExecutionError as error:
        message = _plain_message(error)
        cell = f"cell {error.cell_index + 1}" if isinstance(error.cell_index, int) else "a cell"
        kinds = {"StudyError": StudyError, "InputError": InputError}
        if error.ename in kinds:
            raise kinds[error.ename](message) from None
        if error.ename == "OSError" and (number := re.match(r"\[Errno (\d+)\]", message)) and int(number[1]) in folders.DISK_FULL:
            raise OSError(int(number[1]), os.strerror(int(number[1]))) from None
        raise RunError(f"Chapter {chapter.file} failed in {cell}: {error.ename}: {message}") from None
    except DelightError:
        raise
    except OSError:
        raise
    except Exception as error:  # the kernel died, or a cell ran out of time
        remedies = {
            "DeadKernelError": " Often the machine ran out of memory: close other programs, or run fewer chapters at a time with --chapters.",
            "CellTimeoutError": f" A cell may take {CELL_TIMEOUT // 60} minutes and a chapter {CHAPTER_TIMEOUT // 60}: "
            "lower -p n_boot, or run fewer chapters.",
        }
        kind, what = type(error).__name__, (str(error).strip().splitlines() or ["no message"])[0]
        raise RunError(
            f"Chapter {chapter.file} failed: {kind}: {what}{'' if what.endswith('.') else '.'}{remedies.get(kind, '')}"
        ) from None
    seconds = time.monotonic() - start
    notebook = json.loads(target.read_text(encoding="utf-8"))
    why_cold = notebook["metadata"].get("papermill", {}).get("cold", "")
    scrub(notebook)
    target.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return ChapterRun(collect_blocks(notebook, chapter.file), seconds, cell_states(notebook), why_cold)


@lru_cache
def imports(folder):
    """Modules that the notebooks of a folder import, and what these import while they run."""
    found = dict.fromkeys(LATER)
    for path in sorted(folder.glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                found |= dict.fromkeys(_imported("".join(cell["source"])))
    return tuple(found)


def _imported(source):
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:  # a magic, or a mistake that the chapter itself will tell
        return
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)  # a module or a name in one: who imports finds out


def _plain_message(error):
    text = str(error.evalue or "").strip()
    return text or "no message"


def collect_blocks(notebook, file="This chapter"):
    """Blocks of an executed notebook, in order; a cell tagged `report` without one is an error, unless it ends in ``else None``.

    Raises
    ------
    RunError
        A report cell that ends in no block.
    """
    blocks = []
    for position, cell in enumerate(notebook["cells"], 1):
        found = [o["data"][MIME] for o in cell.get("outputs", []) if MIME in o.get("data", {})]
        may_be_empty = "".join(cell.get("source", "")).rstrip().endswith("else None")  # a block on a condition, said so
        if "report" in cell.get("metadata", {}).get("tags", []) and not found and not may_be_empty:
            raise RunError(
                f"{file}, cell {position} is tagged 'report' but shows no block; end it in show.reading, show.table, show.figure or show.note."
            )
        blocks += found
    return blocks


def cell_states(notebook):
    """Status and duration of every code cell, for the manifest."""
    return [
        {
            "cell": position,
            "status": cell.get("metadata", {}).get("papermill", {}).get("status") or "pending",
            "seconds": cell.get("metadata", {}).get("papermill", {}).get("duration"),
        }
        for position, cell in enumerate(notebook["cells"], 1)
        if cell["cell_type"] == "code"
    ]
