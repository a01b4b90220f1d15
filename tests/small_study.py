"""A small study, written to a folder, for tests to change."""

from pathlib import Path

TOML = """[study]
name = "small"
organisation = "Small Care"
language = "nl"

[[sources]]
path = "raw/answers.csv"
wave = "2024-1"

[fieldwork]
population = "parents"
design = "all"
mode = "web"
start = 2024-03-01
commissioned_by = "Small Care"
"""

CODEBOOK = """column,role,label_en,label_nl,scale_min,scale_max,scale_step,answer_set,missing_codes,reverse
id,respondent,,,,,,,,
place,location,Place,Locatie,,,,,,
when,date,,,,,,,,
overall,overall,Overall,Totaal,1,10,,,99,
warmth,attribute,Warmth,Warmte,1,10,,,,
speed,attribute,,Snelheid,1,5,,applies,,
worry,attribute,Worry,Zorgen,1,5,,,,yes
expected,disconfirmation,,,,,,expected,,
remark,comment,,,,,,,,
"""

ANSWERS = """answer_set,code,text,label_en,label_nl,kind
applies,9,n.v.t.,,,not_applicable
applies,0,blank,,,missing
expected,1,Slechter,Worse,Slechter,value
expected,2,Zoals verwacht,As expected,Zoals verwacht,value
expected,3,Beter,Better,Beter,value
"""

UNITS = """location,name,label,manager,invited,population
A,De Aap,Noord,Anja de Vries,10,20
B,De Beer,Noord,,10,20
"""

DATA = """id,place,when,overall,warmth,speed,worry,expected,remark
k1,A,2024-03-01,9,8,4,1,Beter,Fijn
k2,A,2024-03-02,7,7,9,2,Zoals verwacht,
k3,B,2024-03-03,99,6,n.v.t.,5,Slechter,"Bel 06-12345678"
k4,B,2024-03-04,,10,0,3,,
"""


def write(folder, *, toml=TOML, codebook=CODEBOOK, answers=ANSWERS, units=UNITS, data=DATA, **files):
    """Write a study; None leaves a file out. Further files are named by `files` (``raw/b.csv`` as ``raw__b_csv``)."""
    folder = Path(folder)
    if folder.name != "small":
        folder = folder / "small"
    (folder / "raw").mkdir(parents=True, exist_ok=True)
    texts = {"study.toml": toml, "codebook.csv": codebook, "answers.csv": answers, "units.csv": units, "raw/answers.csv": data}
    texts |= {name.replace("__", "/").replace("_csv", ".csv"): text for name, text in files.items()}
    for name, text in texts.items():
        if text is None:
            (folder / name).unlink(missing_ok=True)
        elif isinstance(text, bytes):
            (folder / name).write_bytes(text)
        else:
            (folder / name).write_text(text, encoding="utf-8")
    return folder
