"""python -m delight.demo --out FOLDER: write a demo study."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from delight.demo import Truth, generate
from delight.errors import DelightError

VARIANTS = {
    "no-segments": Truth.without_segments,
    "no-delight": Truth.without_delight,
    "pure-halo": Truth.pure_halo,
    "clean": Truth.clean,
}


def main(arguments=None):
    """Read the arguments, make the study, write it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m delight.demo", description="Make a demo study with planted truth.")
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="study folder to write")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="truth.toml to use; the demo study's own if left out")
    parser.add_argument("--seed", type=int, help="seed; the truth's own if left out")
    parser.add_argument("--language", default="nl", choices=["nl", "da", "en"])
    parser.add_argument("--answers", type=int, metavar="N", help="answers over all waves, 1 to 1,000,000 or more")
    parser.add_argument("--variant", action="append", default=[], choices=sorted(VARIANTS), help="change the truth; may be repeated")
    parser.add_argument("--no-comments", action="store_true", help="leave the comments out (faster)")
    options = parser.parse_args(arguments)
    try:
        truth = Truth.load(options.truth)
        for name in options.variant:
            truth = VARIANTS[name](truth)
        name = options.out.resolve().name
        truth = truth.sized(options.answers or truth.demo["answers"], name=name, **({} if options.seed is None else {"seed": options.seed}))
        folder = generate(truth, language=options.language, with_comments=not options.no_comments).write(options.out)
    except DelightError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The study cannot be written: {error}.", file=sys.stderr)
        return 1
    print(f"{truth.demo['answers']} answers in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
