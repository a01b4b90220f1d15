"""Imports point one way: running → showing → methods → the small core."""

import ast

#: Lower may not import higher. `study` and `feedback` stand together: a study reads raw files to draft itself and to name its waves.
LAYERS = {
    **dict.fromkeys(
        ["errors", "findings", "result", "scales", "estimate", "logit", "moments", "resample", "arrows", "reliability", "__init__"], 0
    ),
    "study": 1,
    "feedback": 1,
    **dict.fromkeys(["satisfaction", "segments", "drivers", "loyalty", "practice", "comments"], 2),
    "claims": 3,
    "show": 4,
    "kernels": 4,
    "publish": 5,
    "demo": 5,
    "workshop": 6,
    "cli": 7,
    "__main__": 8,
}
METHODS = {"satisfaction", "segments", "drivers", "loyalty", "practice", "comments"}


def imported(path, library):
    """(part of the library, line) for everything a module imports from it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "delight":
            deep = node.module.split(".")
            names = [deep[1]] if len(deep) > 1 else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [a.name.split(".")[1] for a in node.names if a.name.startswith("delight.")]
        for name in names:
            if name in LAYERS:
                yield name, node.lineno


def test_no_module_imports_from_above(root):
    library = root / "lib" / "delight"
    wrong = []
    for path in library.rglob("*.py"):
        own = path.relative_to(library).parts[0].removesuffix(".py")
        assert own in LAYERS, f"{own}: say in LAYERS where it stands"
        for name, line in imported(path, library):
            method_on_study = own in METHODS and LAYERS[name] == 1
            method_on_method = own in METHODS and name in METHODS and name != own
            if LAYERS[name] > LAYERS[own] or method_on_study or method_on_method:
                wrong.append(f"{path.relative_to(root)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_notebooks_of_the_chain_define_nothing(root):
    import json

    for path in sorted((root / "notebooks" / "chain").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for number, cell in enumerate(cells, 1):
            if cell["cell_type"] != "code":
                continue
            tree = ast.parse("".join(cell["source"]))
            kinds = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Lambda, ast.With, ast.Try)
            found = [type(node).__name__ for node in ast.walk(tree) if isinstance(node, kinds)]
            assert not found, f"{path.name}, cell {number}: {', '.join(found)} belongs in lib/"
