"""Notebooks made of code cells, and ways to run them."""

import nbformat
import papermill
from delight.kernels import engine


def notebook(*sources):
    """A notebook of code cells."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources], metadata=kernel)


def execute(folder, *sources, name="n", **options):
    """Run cells through papermill's API with our engine; the executed notebook as it stands on disk."""
    source, target = folder / f"{name}.ipynb", folder / f"{name}.out.ipynb"
    nbformat.write(notebook(*sources), source)
    options = {"engine_name": engine.NAME, "progress_bar": False, "kernel_name": "python3", "modules": MODULES, **options}
    papermill.execute_notebook(str(source), str(target), **options)
    return nbformat.read(target, 4)


def shown(done):
    """What each code cell shows, as text."""
    found = []
    for cell in done.cells:
        if cell.cell_type == "code":
            found.append("".join(o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.outputs))
    return found


#: Imported before the forks of these tests.
MODULES = ("numpy", "pandas", "matplotlib.pyplot", "pyarrow.parquet")
