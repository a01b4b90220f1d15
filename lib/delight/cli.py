"""The command line: a thin skin over the library. Heavy imports happen inside the commands, so that `--help` answers at once."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from delight import __version__
from delight.errors import DelightError, InputError, RunError, StudyError, did_you_mean, visible

EXIT_CODES = """exit codes:
  0 done · 1 the data or the study is wrong · 2 usage · 3 a chapter failed · 4 batch partly failed · 5 nothing ran · 130 interrupted"""


def main(arguments=None):
    """Run the command `delight`; returns never, exits with a code of `EXIT_CODES`."""
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = options.command(options)
    except KeyboardInterrupt:
        code = _fail("Interrupted. What was half made has been removed; earlier reports are as they were.", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader of our output went away
        code = 0
    except DelightError as error:
        if options.debug:
            raise
        code = _fail(str(error), exit_code(error))
    except Exception as error:
        if options.debug:
            raise
        code = _fail(f"Something the workbook did not expect: {type(error).__name__}: {error}\nRun again with --debug to see where.", 3)
    raise SystemExit(code or 0)


def exit_code(error):
    """Exit code of an error: 1 study or data, else the error's own."""
    if isinstance(error, (StudyError, InputError)):
        return 1
    return error.exit_code if isinstance(error, RunError) else 3


def _fail(message, code):
    sys.stdout.flush()
    print(f"delight: {visible(message)}", file=sys.stderr)
    return code


def _interrupt(number, frame):
    raise KeyboardInterrupt


class _Parser(argparse.ArgumentParser):
    """A parser that names the nearest option to one it does not know."""

    def parse_args(self, args=None, namespace=None):
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            parser = getattr(options, "parser", self)
            hints = "".join(did_you_mean(u.partition("=")[0], parser._option_string_actions) for u in unknown if u.startswith("-"))
            parser.error(f"unknown: {' '.join(unknown)}.{hints}")
        return options


def parser():
    """The commands and their options."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--debug", action="store_true", help="show the traceback of an error")
    top = _Parser(
        prog="delight",
        description="From raw customer feedback to what delights: studies, reports, exploration.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"delight {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=argparse.ArgumentParser)

    new = commands.add_parser("new", parents=[shared], help="draft a study from raw exports")
    new.add_argument("files", nargs="+", metavar="FILE", help="raw exports: csv, tsv, xlsx, sav or parquet; several are waves")
    new.add_argument("--name", required=True, help="name of the study: letters, digits and dashes")
    new.add_argument("--language", choices=("nl", "da", "en"), default="nl", help="language of the report (default nl)")
    new.add_argument("--in", dest="folder", metavar="DIR", help="folder for the study (default data/studies)")
    new.add_argument("--no-copy", action="store_true", help="refer to the raw files where they are instead of copying them")
    new.set_defaults(command=_new, parser=new)

    check = commands.add_parser("check", parents=[shared], help="check a study and its data, and list every finding")
    check.add_argument("study", metavar="STUDY", help="name under data/studies, or a folder")
    check.add_argument("--raw", metavar="DIR", help="folder with the raw files, if not the study's own")
    check.add_argument("--json", action="store_true", help="findings as JSON")
    check.set_defaults(command=_check, parser=check)

    run = commands.add_parser("run", parents=[shared], help="make the report of a study")
    run.add_argument("study", metavar="STUDY", help="name under data/studies, or a folder")
    run.add_argument("--wave", default="", metavar="W", help="wave to report on (default: the newest)")
    run.add_argument("--location", default="", metavar="L", help="one location (default: the whole organisation)")
    run.add_argument("--languages", default="", metavar="nl,da,en", help="languages of the report (default: the study's)")
    run.add_argument("--formats", default="", metavar="html,pdf,xlsx,pptx", help="formats of the report (default: all)")
    run.add_argument("--chapters", default="", metavar="10,50", help="only these chapters; the report is marked partial")
    run.add_argument(
        "-p", dest="parameters", action="append", default=[], metavar="[CHAPTER.]NAME=VALUE", help="set a parameter; may be repeated"
    )
    run.add_argument("--raw", metavar="DIR", help="folder with the raw files, if not the study's own")
    run.add_argument("--out", metavar="DIR", help="folder for reports (default reports/)")
    run.set_defaults(command=_run, parser=run)

    batch = commands.add_parser("batch", parents=[shared], help="make many reports, in several processes; what is done already is kept")
    batch.add_argument("studies", nargs="*", metavar="STUDY", help="names under data/studies, or folders")
    batch.add_argument("--plan", metavar="FILE", help="a plan in TOML instead: studies, waves, locations, languages, parameters")
    batch.add_argument("--by", choices=("location",), default="", help="also a report of each location")
    batch.add_argument("--languages", default="", metavar="nl,da,en", help="languages of the reports (default: each study's)")
    batch.add_argument("--formats", default="", metavar="html,pdf,xlsx,pptx", help="formats of the reports (default: all)")
    where = batch.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, metavar="N", help="processes on this machine (default: one a core, as memory allows)")
    where.add_argument("--scheduler", default="", metavar="ADDRESS", help="a running Dask cluster, such as tcp://10.0.0.1:8786")
    batch.add_argument(
        "-p", dest="parameters", action="append", default=[], metavar="[CHAPTER.]NAME=VALUE", help="set a parameter; may be repeated"
    )
    batch.add_argument("--raw", metavar="DIR", help="folder with the raw files, if not the studies' own")
    batch.add_argument("--out", metavar="DIR", help="folder or URL (s3://…) for reports (default reports/)")
    batch.add_argument("--no-resume", action="store_true", help="make every report anew, also what is unchanged")
    batch.add_argument("--quiet", action="store_true", help="only errors")
    batch.set_defaults(command=_batch, parser=batch)

    lab = commands.add_parser("lab", parents=[shared], help="open JupyterLab on the workbook, or its views without code")
    lab.add_argument("study", nargs="?", default="", metavar="STUDY", help="study that the exploration notebooks open")
    lab.add_argument("--app", action="store_true", help="only the views, without code (Voilà), for people who should see no code")
    lab.set_defaults(command=_lab, parser=lab)

    workshop = commands.add_parser("workshop", parents=[shared], help="make workshop notebooks")
    lessons = workshop.add_subparsers(title="commands", metavar="COMMAND", required=True)
    build = lessons.add_parser("build", parents=[shared], help="write the notebooks, data and hand-outs of every lesson")
    build.add_argument(
        "study", nargs="?", default="", metavar="STUDY", help="study whose answers the lessons take (default: an invented one)"
    )
    build.add_argument("--language", choices=("nl", "da", "en"), default="nl", help="language of the lessons (default nl)")
    build.add_argument("--participants", type=int, default=20, metavar="N", help="people who get data of their own (default 20)")
    build.add_argument("--raw", metavar="DIR", help="folder with the raw files of the study, if not its own")
    build.add_argument(
        "--out", metavar="DIR", help="folder for the workshop (default reports/workshop-LANGUAGE or reports/workshop-STUDY-LANGUAGE)"
    )
    build.set_defaults(command=_workshop_build, parser=build)
    shown = lessons.add_parser("show", parents=[shared], help="serve the lessons without code, for managers")
    shown.add_argument("folder", metavar="DIR", help="folder that `workshop build` wrote")
    shown.add_argument("--port", type=int, metavar="N", help="port of this machine (default: a free one)")
    shown.set_defaults(command=_workshop_show, parser=shown)
    return top


def _parts(text):
    return [part.strip() for part in text.split(",") if part.strip()]


def _new(options):
    from delight.study import draft

    folder = Path(options.folder) / options.name if options.folder else None
    report = draft.draft(options.files, name=options.name, language=options.language, folder=folder, copy=not options.no_copy)
    print(visible(report.text()))
    return 0


def _check(options):
    from delight.feedback import checks, table

    findings = [*table.check(options.study, raw=options.raw), *_beside_data(options)]
    print(checks.as_json(findings) if options.json else checks.as_text(findings, colour=sys.stdout.isatty()))
    return 1 if any(f.severity == "error" for f in findings) else 0


def _beside_data(options):
    """Findings about the story and the confirmed segmentation of a study that can be opened."""
    from delight.publish import chain, ready
    from delight.study import load, places

    study, _ = load(options.study, raw=options.raw)
    try:
        chapters = [c.name for c in chain.chapters(places.root())]
    except RunError:  # a study can be checked outside a workbook
        chapters = None
    return ready.check(study, chapters) if study is not None else []


def _run(options):
    from delight.publish.run import run

    report = run(
        options.study,
        wave=options.wave,
        location=options.location,
        languages=_parts(options.languages),
        formats=_parts(options.formats),
        chapters=_parts(options.chapters),
        parameters=options.parameters,
        raw=options.raw,
        out=options.out,
        say=lambda text: print(visible(text), flush=True),
    )
    print(f"Report ready in {report.seconds:.0f} s:")
    for path in report.files:
        print(f"  {path}")
    return 0


def _batch(options):
    from delight.publish.batch import plan
    from delight.publish.batch.progress import progress
    from delight.publish.batch.run import run

    if bool(options.plan) == bool(options.studies):
        options.parser.error("give either studies or --plan FILE")
    if options.plan:
        planned, name, base = plan.read(options.plan), Path(options.plan).stem, Path(options.plan).absolute().parent
    else:
        planned, name, base = plan.Plan(studies=[plan.PlannedStudy(study=s) for s in options.studies]), "batch", None
    batch = plan.settle(
        planned,
        name=name,
        base=base,
        resume=not options.no_resume,
        by=options.by,
        languages=_parts(options.languages),
        formats=_parts(options.formats),
        parameters=options.parameters,
        raw=str(Path(options.raw).absolute()) if options.raw else "",
        out=options.out,
        workers=options.workers,
    )
    with progress(quiet=options.quiet) as shown:
        made = run(batch, scheduler=options.scheduler, begun=shown.begun, told=shown.told)
    shown.done(made)
    return made.exit_code


def _lab(options):
    import subprocess

    from delight.show import without_code
    from delight.study import places

    root = places.root()
    environment = dict(os.environ, DELIGHT_HOME=str(root))
    environment.setdefault("JUPYTER_DEFAULT_PROVISIONER_NAME", "warm-provisioner")  # notebooks start at once
    if options.study:
        folder = places.find_study(options.study)  # a misspelt name is told here, not in a notebook
        environment["DELIGHT_STUDY"] = str(folder)
    explore = root / "notebooks" / "explore"
    command = ["jupyterlab", f"--notebook-dir={root}", str(explore)]
    if options.app:
        command, environment = without_code.command(explore), without_code.environment(environment)
    return subprocess.call([sys.executable, "-m", *command], env=environment)


def _workshop_build(options):
    from delight.study import open_study, places
    from delight.workshop import build

    name = f"{open_study(options.study, raw=options.raw).name}-" if options.study else ""
    out = Path(options.out) if options.out else places.reports_folder(None) / f"workshop-{name}{options.language}"
    about = {"study": options.study, "participants": options.participants, "raw": options.raw}
    made = build.build(options.language, out, **about, say=lambda text: print(visible(text), flush=True))
    for lesson, lacks in made.left_out.items():
        print(visible(f"{lesson} is left out: the study has no {lacks}."))
    for warning in made.warnings:
        print(visible(warning), file=sys.stderr)
    print(f"Workshop ready in {made.folder}: {len(made.files)} files. How to set up a room: docs/workshops.md")
    return 0


def _workshop_show(options):
    import subprocess

    from delight.errors import InputError
    from delight.show import without_code

    lessons = Path(options.folder) / "no-code"
    if not any(lessons.glob("*.ipynb")):
        raise InputError(
            f"'{options.folder}' holds no lessons without code. Write them with `delight workshop build`, and name its folder."
        )
    command = without_code.command(lessons, without=["anywidget"])  # the lessons have no use for it
    port = [f"--port={options.port}"] if options.port else []
    return subprocess.call([sys.executable, "-m", *command, *port], env=without_code.environment(os.environ))


if __name__ == "__main__":
    main()
