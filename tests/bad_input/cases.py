"""Broken inputs: how each is broken, where it strikes, the exit code, and what the message has to say.

A case names the place (file, row, column or option) and the remedy in `says`; `{...}` in a command is filled in by the test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests import small_study
from tests.bad_input import broken
from tests.bad_input.broken import add, both, chapter, cut, export, folder_instead, gone, put, raw, swap
from tests.tools import tiny

DATA, CODEBOOK = small_study.DATA, small_study.CODEBOOK
SAY = "<script>alert(1)</script>"


@dataclass(frozen=True)
class Case:
    """One broken input."""

    name: str
    how: Callable
    command: str
    code: int
    says: tuple

    def __str__(self):
        return self.name


def sound(study):
    """Nothing is broken but the command."""


def new(name, how, says, command="new export.csv --name fresh", code=1):
    """A raw export that `delight new` cannot draft a study from."""
    return Case(name, how, command, code, says)


def check(name, how, *says):
    """A study or its data that `check` lists as wrong, and that a run refuses."""
    return Case(name, how, "check small", 1, says)


def run(name, how, command, code, *says):
    """A run that cannot be."""
    return Case(name, how, command, code, says)


NEW = [
    new("no such file", sound, ("export.csv", "not there", "Check the path")),
    new("a folder", lambda study: (study.parents[2] / "export.csv").mkdir(), ("export.csv", "folder", "Name the export inside")),
    new("empty", export("export.csv", b""), ("export.csv", "empty", "Export the answers again")),
    new("blank lines only", export("export.csv", "\n\n  \n"), ("export.csv", "blank lines", "Export the answers again")),
    new("header only", export("export.csv", "id,overall\n"), ("export.csv", "no answers", "Export")),
    new("binary", export("export.csv", bytes(range(256)) * 40), ("export.csv", "binary", "Export")),
    new("a picture", export("export.csv", b"\x89PNG\r\n\x1a\n" + bytes(99)), ("export.csv", "picture", "CSV, Excel")),
    new("a web page", export("export.csv", "<!DOCTYPE html><html><body>Log in</body></html>"), ("export.csv", "web page", "Export")),
    new("an archive", export("export.zip", broken.archive), ("export.zip", "zip", "Export"), "new export.zip --name fresh"),
    new("json", export("export.json", '[{"id": 1, "overall": 9}]\n'), ("export.json", "JSON", "Export"), "new export.json --name fresh"),
    new("NUL bytes in text", export("export.csv", b"id,overall\nk1,9\nk\x002,8\n"), ("export.csv, line 3", "NUL", "again")),
    new("a device", sound, ("zero", "device", "Save the export as a file"), "new /dev/zero --name fresh"),
    new(
        "a quotation mark never closed",
        export("export.csv", 'id,remark\nk1,"fine\n' + "k2,good\n" * 300_000),
        ("export.csv, line 2", "quotation mark", "Close it"),
    ),
    new(
        "a cell of 50 MB",
        export("export.csv", "id,remark\nk1," + "a" * 50_000_000 + "\n"),
        ("export.csv, line 2", "1,000,000 characters", "again"),
    ),
    new("utf-16 cut in the middle", export("export.csv", DATA.encode("utf-16")[:-3]), ("export.csv", "breaks off", "again")),
    new(
        "excel cut off",
        export("export.xlsx", cut(broken.xlsx)),
        ("export.xlsx", "damaged or cut off", "again"),
        "new export.xlsx --name fresh",
    ),
    new(
        "excel with a password",
        export("export.xlsx", broken.locked_xlsx),
        ("export.xlsx", "password", "take the password off"),
        "new export.xlsx --name fresh",
    ),
    new("excel without cells", export("export.xlsx", broken.empty_xlsx), ("export.xlsx", "empty", "again"), "new export.xlsx --name fresh"),
    new(
        "old excel",
        export("export.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(900)),
        ("export.xls", "old Excel", "as .xlsx"),
        "new export.xls --name fresh",
    ),
    new("excel called csv", export("export.csv", broken.xlsx), ("export.csv", "Excel workbook", "Rename it to export.xlsx")),
    new(
        "csv called excel",
        export("export.xlsx", DATA),
        ("export.xlsx", "text file", "Rename it to export.csv"),
        "new export.xlsx --name fresh",
    ),
    new(
        "spss cut off",
        export("export.sav", cut(broken.sav, 0.3)),
        ("export.sav", "damaged or cut off", "again"),
        "new export.sav --name fresh",
    ),
    new(
        "parquet cut off",
        export("export.parquet", cut(broken.parquet)),
        ("export.parquet", "damaged or cut off", "again"),
        "new export.parquet --name fresh",
    ),
    new(
        "name leads out",
        export("export.csv", DATA),
        ("'../fresh'", "letters, digits and dashes", "--name"),
        "new export.csv --name ../fresh",
    ),
    new("name is absolute", export("export.csv", DATA), ("'/fresh'", "letters", "--name"), "new export.csv --name /fresh"),
    new("name is reserved", export("export.csv", DATA), ("'con'", "reserved", "Choose another"), "new export.csv --name con"),
    new("name is empty", export("export.csv", DATA), ("''", "letters", "--name"), "new export.csv --name ''"),
    new("the study exists", export("export.csv", DATA), ("small", "exists already", "Choose another name"), "new export.csv --name small"),
    new("no file", sound, ("FILE",), "new --name fresh", 2),
    new("no name", export("export.csv", DATA), ("--name",), "new export.csv", 2),
    new("unknown language", export("export.csv", DATA), ("--language", "nl"), "new export.csv --name fresh --language de", 2),
    new(
        "the folder is a file",
        both(export("export.csv", DATA), export("taken", "")),
        ("taken", "cannot be written", "another folder"),
        "new export.csv --name fresh --in taken",
    ),
    new("one file twice", export("export.csv", DATA), ("export.csv", "twice", "once"), "new export.csv export.csv --name fresh"),
    new("nothing but empty cells", export("export.csv", "id,overall\n,\n,\n,\n"), ("export.csv", "no answers", "Export")),
]

STUDY = [
    check("no organisation", swap("study.toml", 'organisation = "Small Care"\n', ""), "study.toml", "organisation' is missing", "Add it"),
    check("toml that is none", swap("study.toml", 'name = "small"', "name = small"), "study.toml, row 2", "not TOML", "quotation marks"),
    check(
        "toml in latin-1",
        put("study.toml", '[study]\nname = "sm\xe5ll"\n'.encode("latin-1")),
        "study.toml, row 2",
        "not in UTF-8",
        "Save it as UTF-8",
    ),
    check("toml empty", put("study.toml", ""), "study.toml", "'study'", "Add"),
    check("toml binary", put("study.toml", bytes(range(256))), "study.toml", "UTF-8"),
    check("unknown key", add("study.toml", "popultion = 3\n"), "study.toml, row 16", "'popultion'", "Did you mean 'population'"),
    check("unknown table", add("study.toml", "[privasy]\nminimum_group = 10\n"), "study.toml, row 16", "Did you mean 'privacy'"),
    check(
        "a text for a number",
        add("study.toml", '[privacy]\nminimum_group = "ten"\n'),
        "study.toml, row 17",
        "privacy.minimum_group",
        "a whole number",
    ),
    check("a group of nobody", add("study.toml", "[privacy]\nminimum_group = 0\n"), "study.toml, row 17", "minimum_group", "1"),
    check(
        "language nobody speaks",
        swap("study.toml", 'language = "nl"', 'language = "de"'),
        "study.toml, row 4",
        "'de'",
        "'nl', 'da' or 'en'",
    ),
    check("name that is a path", swap("study.toml", '"small"', '"../small"'), "study.toml, row 2", "'../small'", "letters"),
    check("name that is reserved", swap("study.toml", '"small"', '"con"'), "study.toml, row 2", "reserved", "Choose another"),
    check(
        "delighted from a point that is none",
        swap("study.toml", 'language = "nl"', 'language = "nl"\ndelight_from = 11'),
        "study.toml, row 5",
        "no point of the scale 1-10",
        "Choose a point",
    ),
    check(
        "no source",
        swap("study.toml", '[[sources]]\npath = "raw/answers.csv"\nwave = "2024-1"\n', ""),
        "study.toml",
        "names no raw file",
        "[[sources]]",
    ),
    check("source leads out", swap("study.toml", "raw/answers.csv", "../../../../etc/passwd"), "study.toml, row 7", "leads out", "--raw"),
    check("source is absolute", swap("study.toml", "raw/answers.csv", "/etc/passwd"), "study.toml, row 7", "leads out", "--raw"),
    check("source with NUL", swap("study.toml", "raw/answers.csv", "raw/\\u0000.csv"), "study.toml, row 7", "control character", "Correct"),
    check("source is a folder", swap("study.toml", "raw/answers.csv", "raw"), "study.toml, row 7", "is a folder", "Name the file"),
    check(
        "source not there",
        swap("study.toml", "raw/answers.csv", "raw/anwers.csv"),
        "study.toml, row 7",
        "Did you mean 'answers.csv'",
        "--raw",
    ),
    check(
        "source twice",
        add("study.toml", '[[sources]]\npath = "raw/answers.csv"\nwave = "2024-2"\n'),
        "study.toml",
        "named as 2 sources",
        "once",
    ),
    check("wave with a line break", swap("study.toml", '"2024-1"', '"2024\\n1"'), "study.toml, row 8", "control characters", "Correct it"),
    check(
        "format that is none",
        swap("study.toml", 'wave = "2024-1"', 'wave = "2024-1"\nformat = "qualtrix"'),
        "answers.csv",
        "Did you mean 'qualtrics'",
    ),
    check(
        "rename to nowhere",
        swap("study.toml", 'wave = "2024-1"', 'wave = "2024-1"\nrename = {Q1 = "overal"}'),
        "study.toml, row 9",
        "Did you mean 'overall'",
    ),
    check(
        "a database",
        swap("study.toml", 'path = "raw/answers.csv"', 'uri = "postgresql://x"\ntable = "t"'),
        "study.toml, row 7",
        "cannot be read yet",
        "CSV",
    ),
    check(
        "archetype with an unknown need",
        add("study.toml", '[[segments.archetypes]]\nname = "a"\nprofile = {waarmth = "high"}\n'),
        "study.toml, row 18",
        "'waarmth'",
        "role need",
    ),
    check(
        "archetype neither high nor low",
        add("study.toml", '[[segments.archetypes]]\nname = "a"\nprofile = {warmth = "big"}\n'),
        "study.toml, row 18",
        "'high' or 'low'",
    ),
    check("weights without a column", add("study.toml", '[weights]\nkind = "sampling"\n'), "study.toml, row 16", "role weight"),
    check("a target of nothing", add("study.toml", "[targets]\noverall_men = 8\n"), "study.toml, row 17", "Did you mean 'overall_mean'"),
    check("logo leads out", add("study.toml", '[report]\nlogo = "../../x.png"\n'), "study.toml, row 17", "leads out", "Copy it"),
    check("logo not there", add("study.toml", '[report]\nlogo = "x.png"\n'), "study.toml, row 17", "no file 'x.png'"),
    check("logo with NUL", add("study.toml", '[report]\nlogo = "x\\u0000.png"\n'), "study.toml, row 17", "logo"),
    check("colour that is none", add("study.toml", '[report]\ncolours = ["red;}"]\n'), "study.toml, row 17", "'red;}'", "#1b6e8c"),
    check("story in no language", put("story/2024-1.de.md", "# summary\nFine\n"), "story/2024-1.de.md", "nl|da|en"),
    check(
        "story with an unknown section", put("story/2024-1.nl.md", "# sumary\nFine\n"), "2024-1.nl.md", "row 1", "Did you mean 'summary'"
    ),
    check(
        "story with a broken placeholder", put("story/2024-1.nl.md", "# summary\nWe score {{levels}.\n"), "2024-1.nl.md", "row 2", "pairs"
    ),
    check("segmentation that is no JSON", put("segments.json", "{names"), "segments.json", "Copy the proposal"),
    check("segmentation of something else", put("segments.json", "[1, 2]"), "segments.json", "Copy the proposal"),
    check(
        "segmentation with a class missing",
        put("segments.json", '{"version": 1, "names": {"a": {}}, "needs": {}, "classes": []}'),
        "segments.json",
    ),
    check("no codebook", gone("codebook.csv"), "codebook.csv", "no codebook.csv", "delight new"),
    check("codebook empty", put("codebook.csv", ""), "codebook.csv", "empty", "column, role"),
    check(
        "codebook is excel",
        lambda study: broken.xlsx(study / "codebook.xlsx") or (study / "codebook.xlsx").replace(study / "codebook.csv"),
        "codebook.csv",
        "Excel workbook",
        "CSV UTF-8",
    ),
    check("codebook binary", put("codebook.csv", bytes(range(256)) * 9), "codebook.csv", "binary", "CSV"),
    check("codebook is a folder", folder_instead("codebook.csv"), "codebook.csv", "cannot be read"),
    check(
        "codebook without its header", put("codebook.csv", CODEBOOK.split("\n", 1)[1]), "codebook.csv, row 1", "lacks 'column' and 'role'"
    ),
    check(
        "codebook with a header twice",
        swap("codebook.csv", "label_nl", "label_en"),
        "codebook.csv, row 1",
        "'label_en' stands there 2 times",
        "Keep one",
    ),
    check(
        "codebook with a misspelt header",
        swap("codebook.csv", "missing_codes", "mising_codes"),
        "codebook.csv, row 1",
        "Did you mean 'missing_codes'",
    ),
    check(
        "codebook row too long",
        swap("codebook.csv", "id,respondent,,,,,,,,", "id,respondent,,,,,,,,,,x"),
        "codebook.csv, row 2",
        "12 cells",
        "quotation marks",
    ),
    check("a row without a column", add("codebook.csv", ",attribute,,,1,10,,,,\n"), "codebook.csv, row 11", "names no column"),
    check(
        "a column twice",
        add("codebook.csv", "overall,overall,,,1,10,,,,\n"),
        "codebook.csv, row 11, column 'overall'",
        "row 5 already",
        "Keep one",
    ),
    check(
        "two respondents", add("codebook.csv", "key,respondent,,,,,,,,\n"), "codebook.csv, row 11, column 'key'", "'id' (row 2)", "Keep one"
    ),
    check(
        "a role still open",
        swap("codebook.csv", "speed,attribute", "speed,?"),
        "codebook.csv, row 7, column 'speed'",
        "still '?'",
        "Decide",
    ),
    check("unknown role", swap("codebook.csv", "speed,attribute", "speed,atribute"), "codebook.csv, row 7", "Did you mean 'attribute'"),
    check(
        "no scale",
        swap("codebook.csv", "warmth,attribute,Warmth,Warmte,1,10", "warmth,attribute,Warmth,Warmte,,"),
        "codebook.csv, row 6, column 'warmth'",
        "needs its scale",
        "scale_min and scale_max",
    ),
    check("half a scale", swap("codebook.csv", "Warmte,1,10", "Warmte,1,"), "codebook.csv, row 6", "scale_max is empty", "both ends"),
    check("a scale upside down", swap("codebook.csv", "Warmte,1,10", "Warmte,10,1"), "codebook.csv, row 6", "10 is not below scale_max 1"),
    check("a scale of words", swap("codebook.csv", "Warmte,1,10", "Warmte,low,10"), "codebook.csv, row 6", "scale_min is 'low'", "Correct"),
    check(
        "steps that do not fit", swap("codebook.csv", "Warmte,1,10,", "Warmte,1,10,4"), "codebook.csv, row 6", "Steps of 4", "scale_step"
    ),
    check("a scale without end", swap("codebook.csv", "Warmte,1,10", "Warmte,1,1e999"), "codebook.csv, row 6", "'1e999'", "Correct"),
    check("an unknown answer set", swap("codebook.csv", ",expected,,", ",expectd,,"), "codebook.csv, row 9", "Did you mean 'expected'"),
    check(
        "nothing to reverse",
        swap("codebook.csv", "remark,comment,,,,,,,,", "remark,comment,,,,,,,,yes"),
        "codebook.csv, row 10",
        "no scale to reverse",
    ),
    check("maybe reversed", swap("codebook.csv", "1,5,,,,yes", "1,5,,,,perhaps"), "codebook.csv, row 8", "'perhaps'", "yes or no"),
    check(
        "a level of excellence too many",
        put("codebook.csv", CODEBOOK.replace("reverse", "level", 1).replace("yes", "7")),
        "codebook.csv, row 8",
        "level is '7'",
        "1, 2, 3 and 4",
    ),
    check("half a pair", add("codebook.csv", "k1,kano_functional,,,,,,,,\n"), "codebook.csv, row 11", "needs `pair`"),
    check(
        "a name the table needs",
        swap("codebook.csv", "speed,attribute", "weight,attribute"),
        "codebook.csv, row 7",
        "used by the feedback table",
        "rename",
    ),
    check("an answer without a code", add("answers.csv", "expected,,Veel beter,,,value\n"), "answers.csv, row 7", "no code", "Give it"),
    check(
        "an answer of an unknown kind",
        add("answers.csv", "expected,8,Geen idee,,,mising\n"),
        "answers.csv, row 7",
        "Did you mean 'missing'",
    ),
    check("an answer with two codes", add("answers.csv", "expected,2,Beter,,,value\n"), "answers.csv, row 7", "'3' in row 6", "Keep one"),
    check(
        "a code with two kinds",
        add("answers.csv", "expected,3,Geen,,,missing\n"),
        "answers.csv, row 7",
        "kind missing here and value",
        "one kind",
    ),
    check("codes outside the scale", add("answers.csv", "applies,7,Zeven,,,value\n"), "codebook.csv, row 7", "7", "outside 1-5"),
    check("a location twice", add("units.csv", "a,Weer,,,1,2\n"), "units.csv, row 4", "row 2 already", "one row a location"),
    check("a headcount in words", swap("units.csv", "10,20", "ten,20"), "units.csv, row 2", "'ten'", "whole number"),
    check("fewer people than invitations", swap("units.csv", "10,20", "30,20"), "units.csv, row 2", "30 were invited", "Correct"),
    check("units without locations", swap("codebook.csv", "place,location", "place,background"), "units.csv", "role location"),
]

DATA_CASES = [
    check("raw empty", raw(b""), "answers.csv", "empty", "Export"),
    check("raw header only", raw(DATA.split("\n")[0] + "\n"), "answers.csv", "no answers", "Export"),
    check("raw binary", raw(bytes(range(256)) * 40), "answers.csv", "binary", "Export"),
    check("raw excel cut off", raw(cut(broken.xlsx), "raw/a.xlsx"), "a.xlsx", "damaged or cut off"),
    check("raw excel locked", raw(broken.locked_xlsx, "raw/a.xlsx"), "a.xlsx", "password", "take the password off"),
    check(
        "raw formulas never calculated",
        raw(broken.formula_xlsx, "raw/a.xlsx"),
        "a.xlsx, row 2",
        "2 formulas have no stored value",
        "save it",
    ),
    check("raw spss cut off", raw(cut(broken.sav, 0.3), "raw/a.sav"), "a.sav", "damaged or cut off"),
    check("raw parquet cut off", raw(cut(broken.parquet), "raw/a.parquet"), "a.parquet", "damaged or cut off"),
    check(
        "raw with another delimiter than said",
        both(raw(DATA.replace(",", ";"), "raw/answers.tsv"), swap("study.toml", 'wave = "2024-1"', 'wave = "2024-1"\nformat = "xlsx"')),
        "answers.tsv",
        "text file",
    ),
    check(
        "raw cells run over",
        swap("raw/answers.csv", "k1,A,", "k1,A, Noord,"),
        "answers.csv, row 2",
        "more cells than the header",
        "quotation marks",
    ),
    check("raw column twice", swap("raw/answers.csv", "warmth,speed", "warmth,warmth"), "answers.csv", "column 'speed'", "rename"),
    check(
        "raw without a column", swap("raw/answers.csv", "overall", "overal"), "answers.csv", "'overall'", "Did you mean 'overal'", "rename"
    ),
    check("raw without its respondents", swap("raw/answers.csv", "id,", "nr,"), "answers.csv", "column 'id' (role respondent)"),
    check(
        "raw cell of 50 MB",
        swap("raw/answers.csv", "Fijn", "Fijn" * 12_500_000),
        "answers.csv, row 2",
        "1,000,000 characters",
        "quotation mark",
    ),
    check(
        "raw quotation mark never closed",
        both(swap("raw/answers.csv", "Fijn", '"Fijn'), add("raw/answers.csv", "k5,A,2024-03-01,9,8,4,1,Beter,Mooi\n" * 30_000)),
        "answers.csv, row 2",
        "quotation mark",
        "Close the quotation mark",
    ),
    check("raw NUL bytes", swap("raw/answers.csv", "Fijn", "Fi\0n"), "answers.csv, row 2", "NUL", "again"),
    check(
        "a grade off its scale",
        swap("raw/answers.csv", "k2,A,2024-03-02,7", "k2,A,2024-03-02,17"),
        "answers.csv, row 3, column 'overall'",
        "17",
        "missing_codes",
    ),
    check(
        "a grade below its scale",
        swap("raw/answers.csv", "k2,A,2024-03-02,7", "k2,A,2024-03-02,-7"),
        "answers.csv, row 3, column 'overall'",
        "-7",
    ),
    check(
        "a grade in words",
        swap("raw/answers.csv", "k2,A,2024-03-02,7", "k2,A,2024-03-02,seven"),
        "answers.csv, row 3, column 'overall'",
        "'seven'",
        "answers.csv",
    ),
    check(
        "a grade without end",
        swap("raw/answers.csv", "k2,A,2024-03-02,7", "k2,A,2024-03-02,inf"),
        "answers.csv, row 3, column 'overall'",
        "inf",
    ),
    check(
        "an answer not on the list",
        swap("raw/answers.csv", "Slechter", "Veel slechter"),
        "answers.csv, row 4, column 'expected'",
        "'Veel slechter'",
        "answers.csv",
    ),
    check("an answer that is a script", swap("raw/answers.csv", "Slechter", SAY), "answers.csv, row 4", SAY),
    check(
        "one id, two answers",
        add("raw/answers.csv", "k1,A,2024-03-01,2,8,4,1,Beter,Fijn\n"),
        "answers.csv, row 2, column 'id'",
        "row 2 and row 6",
        "Keep the row",
    ),
    check("a location nobody knows", swap("raw/answers.csv", "k1,A", "k1,C"), "answers.csv, row 2, column 'place'", "'C'", "units.csv"),
    check(
        "weights below zero",
        both(
            swap("codebook.csv", "speed,attribute,,Snelheid,1,5,,applies", "speed,weight,,,,,,"),
            swap("raw/answers.csv", "k2,A,2024-03-02,7,7,9", "k2,A,2024-03-02,7,7,-1"),
            swap("raw/answers.csv", "n.v.t.", "1"),
        ),
        "row 3, column 'speed'",
        "negative",
        "zero or more",
    ),
    check(
        "weights in words",
        swap("codebook.csv", "speed,attribute,,Snelheid,1,5,,applies", "speed,weight,,,,,,"),
        "answers.csv, row 4, column 'speed'",
        "'n.v.t.'",
    ),
    check(
        "weights all zero",
        both(
            swap("codebook.csv", "speed,attribute,,Snelheid,1,5,,applies", "speed,weight,,,,,,"),
            put("raw/answers.csv", DATA.replace(",4,1,", ",0,1,").replace(",9,2,", ",0,2,").replace("n.v.t.", "0")),
        ),
        "column 'speed'",
        "zero",
        "weights",
    ),
    check(
        "half a person",
        both(
            add("study.toml", '[weights]\nkind = "frequency"\n'),
            swap("codebook.csv", "speed,attribute,,Snelheid,1,5,,applies", "speed,weight,,,,,,"),
            swap("raw/answers.csv", "n.v.t.", "1.5"),
        ),
        "row 4, column 'speed'",
        "no whole numbers",
        "sampling",
    ),
    check(
        "a wave nobody filled in",
        both(
            swap("study.toml", 'wave = "2024-1"\n', ""),
            swap("codebook.csv", "speed,attribute,,Snelheid,1,5,,applies", "speed,wave,,,,,,"),
            swap("raw/answers.csv", "n.v.t.", ""),
        ),
        "row 4, column 'speed'",
        "does not say its wave",
        "study.toml",
    ),
    check(
        "no answer at all",
        put("raw/answers.csv", DATA.split("\n")[0] + "\n" + "k1,A,,,,,,,\nk2,B,,,,,,,\n"),
        "No row holds an answer",
        "missing codes",
    ),
]

RUN = [
    run("no such study", sound, "run smal", 1, "no study at", "smal'", "Did you mean 'small'"),
    run("a folder that is no study", sound, "run notebooks", 1, "holds no study.toml", "delight new"),
    run("study as a path out", sound, "run ../../etc", 1, "no study at", "study.toml"),
    run("study named nothing", sound, "run ''", 1, "No study is named"),
    run("study with NUL", sound, "run 'a\0b'", 1, "no study"),
    run("unknown chapter", sound, "run small --chapters 20,55", 2, "'55'", "10-feedback, 20-satisfaction"),
    run("unknown language", sound, "run small --languages nl,de", 2, "'de' is no language", "nl, da, en"),
    run("unknown format", sound, "run small --formats hmtl", 2, "'hmtl'", "Did you mean 'html'"),
    run("unknown wave", sound, "run small --wave 2024-2", 1, "'2024-2'", "Did you mean '2024-1'"),
    run("wave as a path", sound, "run small --wave ../../x", 1, "'../../x'", "2024-1"),
    run("unknown location", sound, "run small --location C", 1, "'C'", "A, B"),
    run("location as a path", sound, "run small --location ../../x", 1, "'../../x'", "A, B"),
    run(
        "location without locations",
        both(swap("codebook.csv", "place,location", "place,background"), gone("units.csv")),
        "run small --location A",
        1,
        "'A'",
        "role location",
    ),
    run("unknown option", sound, "run small --langauge nl", 2, "--language"),
    run("unknown command", sound, "rum small", 2, "'rum'", "run"),
    run("unknown parameter", sound, "run small -p n_bot=10", 2, "-p n_bot=10", "Did you mean 'n_boot'"),
    run("a parameter of no chapter", sound, "run small -p 55.n_boot=10", 2, "no chapter '55'"),
    run("a parameter without a value", sound, "run small -p n_boot", 2, "NAME=VALUE"),
    run("a parameter in words", sound, "run small -p n_boot=many", 2, "'n_boot' is a whole number", "'many'"),
    run("a parameter of the command", sound, "run small -p wave=2024-1", 2, "'wave'", "--wave"),
    run("confidence above one", sound, "run small -p ci_level=95", 2, "ci_level", "0.95"),
    run("confidence that is no number", sound, "run small -p ci_level=nan", 2, "ci_level", "0.95"),
    run("no draws", sound, "run small -p n_boot=0", 2, "n_boot", "at least 1"),
    run("a seed below zero", sound, "run small -p seed=-1", 2, "seed", "0 or more"),
    run("delighted from a point off the scale", sound, "run small -p delight_from=11", 2, "delight_from", "1-10"),
    run("raw folder not there", sound, "run small --raw nowhere", 1, "nowhere", "--raw"),
    run("out is a file", export("taken", ""), "run small --out taken", 5, "Cannot write to", "--out"),
    run("out with NUL", sound, "run small --out 'a\0b'", 5, "Cannot write", "--out"),
    run(
        "no notebooks",
        lambda study: [p.unlink() for p in (study.parents[2] / "notebooks" / "chain").glob("*")],
        "run small",
        5,
        "no chapters",
        "DELIGHT_HOME",
    ),
    run(
        "a notebook that is no JSON", chapter("{'cells': []"), "run small", 5, "20-satisfaction.ipynb", "not a readable notebook", "Restore"
    ),
    run("a notebook that is a list", chapter("[]"), "run small", 5, "20-satisfaction.ipynb", "not a readable notebook", "Restore"),
    run(
        "a notebook without parameters",
        chapter(tiny.notebook([([], "1")])),
        "run small",
        5,
        "20-satisfaction.ipynb",
        "0 cells tagged 'parameters'",
    ),
    run(
        "a parameter papermill would overlook",
        chapter(tiny.chapter("satisfaction", "1", parameters=tiny.PARAMETERS + '\nextra: str | None = ""')),
        "run small",
        5,
        "20-satisfaction.ipynb, line 10",
        "str, int, float, bool",
    ),
    run(
        "a default papermill would cut",
        chapter(tiny.chapter("satisfaction", "1", parameters=tiny.PARAMETERS + '\nextra: str = "a#b"')),
        "run small",
        5,
        "20-satisfaction.ipynb, line 10",
        "cuts a default at '#'",
    ),
    run(
        "a parameters cell that is no Python",
        chapter(tiny.chapter("satisfaction", "1", parameters="study: str =")),
        "run small",
        5,
        "20-satisfaction.ipynb",
        "not Python",
    ),
    run(
        "a notebook that needs an unknown role",
        chapter(tiny.chapter("satisfaction", "1", needs=[["overal"]])),
        "run small",
        5,
        "20-satisfaction.ipynb",
        "Did you mean 'overall'",
    ),
    run(
        "a notebook that fails halfway",
        chapter(tiny.chapter("satisfaction", "x = {}['no such key']")),
        "run small",
        3,
        "20-satisfaction",
        "cell 4",
        "no such key",
        "whole.failed",
    ),
    run(
        "a report cell that shows nothing",
        chapter(tiny.notebook([(["parameters"], tiny.PARAMETERS), (["report"], "None")])),
        "run small",
        3,
        "20-satisfaction",
        "cell 3",
        "no block",
    ),
    run(
        "a story with a number nobody made",
        put("story/2024-1.nl.md", "# summary\nWe score {{satisfaction.levles:whole}}.\n"),
        "run small",
        1,
        "2024-1.nl.md, line 2",
        "satisfaction.levles",
    ),
]
CASES = [*NEW, *STUDY, *DATA_CASES, *RUN]
