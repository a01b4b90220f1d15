"""The engine runs a notebook as Jupyter would, in a fork of its own, and tells at once how it ended."""

import base64
import io
import os
import signal
import socket
import subprocess
import sys
import time

import nbformat
import numpy as np
import papermill
import pytest
from delight.kernels import SESSION, figures, warm
from delight.kernels.notebook import Session
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from tests.lib.kernels.made import MODULES, execute, notebook, shown

needs_fork = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks are made on Linux only")
pytestmark = needs_fork


def outputs(done, cell=0):
    return [(o.output_type, o.get("name") or o.get("ename") or o.data.get("text/plain")) for o in done.cells[cell].outputs]


def test_outputs_come_in_order_whoever_wrote_them(tmp_path):
    done = execute(
        tmp_path,
        "import os, sys\nfrom IPython.display import display\n"
        "print('a'); os.system('echo b'); os.write(1, b'c\\n'); print('d', file=sys.stderr); print('e'); display(1); print('f'); 2",
    )
    texts = [o.get("text") or o.data["text/plain"] for o in done.cells[0].outputs]
    assert texts == ["a\nb\nc\n", "d\n", "e\n", "1", "f\n", "2"]
    assert [kind for kind, _ in outputs(done)] == ["stream"] * 3 + ["display_data", "stream", "execute_result"]
    assert done.cells[0].execution_count == done.cells[0].outputs[-1].execution_count == 1


def test_displays_are_updated_and_outputs_cleared(tmp_path):
    done = execute(
        tmp_path,
        "from IPython.display import clear_output, display\nhandle = display('old', display_id=True)",
        "handle.update('new'); print('gone'); clear_output(wait=True); print('kept')",
    )
    assert shown(done) == ["'new'", "kept\n"]


def test_state_lasts_over_cells_and_magics_and_await_work(tmp_path):
    done = execute(tmp_path, "x = 6", "import asyncio\nawait asyncio.sleep(0)\nx * 7", "%%time\nprint('timed')", "_ + 1")
    assert shown(done)[1] == "42" and "timed" in shown(done)[2] and shown(done)[3] == "43"


def test_a_failing_cell_ends_the_notebook_with_its_traceback(tmp_path):
    with pytest.raises(PapermillExecutionError, match="ValueError: no") as error:
        execute(tmp_path, "print('before')", "raise ValueError('no')", "print('never')")
    assert error.value.cell_index == 1
    done = nbformat.read(tmp_path / "n.out.ipynb", 4)
    statuses = [c.metadata.papermill.status for c in done.cells if c.cell_type == "code"]
    assert statuses == ["completed", "failed", "pending"] and shown(done)[0] == "before\n" and shown(done)[2] == ""


def test_a_cell_that_asks_for_input_fails(tmp_path):
    with pytest.raises(PapermillExecutionError, match="cannot ask for input"):
        execute(tmp_path, "input('name? ')")


def test_leaving_early_is_no_error_and_stops_there(tmp_path):
    assert shown(execute(tmp_path, "raise SystemExit(0)", "print('never')"))[1] == ""


def test_the_death_of_the_process_is_told_at_once_with_its_cell_and_what_it_printed(tmp_path):
    execute(tmp_path, "1")
    start = time.monotonic()
    with pytest.raises(DeadKernelError, match="died in cell 2: killed by SIGKILL"):
        execute(tmp_path, "1", "import os, signal; print('last words', end=''); os.kill(os.getpid(), signal.SIGKILL)")
    assert time.monotonic() - start < 5
    done = nbformat.read(tmp_path / "n.out.ipynb", 4)
    assert done.cells[1].outputs[0].text == "last words" and done.cells[1].outputs[1].ename == "DeadKernelError"
    with pytest.raises(DeadKernelError, match="it ended with status 3"):
        execute(tmp_path, "import os; os._exit(3)")


def test_a_cell_that_takes_too_long_is_stopped_and_shows_where_it_stood(tmp_path):
    with pytest.raises(CellTimeoutError, match=r"cell 1: a cell may take 0\.3 s"):
        execute(tmp_path, "import time\ntime.sleep(60)", execution_timeout=0.3)
    done = nbformat.read(tmp_path / "n.out.ipynb", 4)
    assert [o.ename for o in done.cells[0].outputs] == ["KeyboardInterrupt", "CellTimeoutError"]


def test_a_notebook_that_takes_too_long_is_stopped(tmp_path):
    with pytest.raises(CellTimeoutError, match="cell 2: the time for the whole notebook"):
        execute(tmp_path, "1", "import time; time.sleep(60)", execution_timeout=30, notebook_timeout=1)


def test_a_cell_that_never_stops_printing_is_stopped(tmp_path):
    with pytest.raises(CellTimeoutError):
        execute(tmp_path, "while True:\n    print('again')", execution_timeout=0.3)


def test_a_notebook_that_closes_its_output_goes_on(tmp_path):
    assert shown(execute(tmp_path, "import os; os.close(1)", "6 * 7")) == ["", "42"]


@pytest.mark.long
def test_a_cell_that_does_not_listen_is_killed(tmp_path):
    deaf = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(60)"
    start = time.monotonic()
    with pytest.raises(CellTimeoutError):
        execute(tmp_path, deaf, execution_timeout=0.3)
    assert time.monotonic() - start < 20


def test_the_notebook_is_written_once_and_at_its_end(tmp_path, monkeypatch):
    from papermill import engines

    written = []
    monkeypatch.setattr(engines, "write_ipynb", lambda nb, path: written.append([c.metadata.papermill.status for c in nb.cells]))
    execute(tmp_path, "1", "2", "3")
    assert written == [["completed"] * 3]


def test_papermill_and_jupyter_find_engine_and_provisioner_by_their_entry_points():
    from delight.kernels.engine import Engine
    from delight.kernels.provisioner import NAME, WarmProvisioner
    from jupyter_client.provisioning.factory import KernelProvisionerFactory
    from papermill.engines import papermill_engines

    assert papermill_engines.get_engine("delight") is Engine
    assert KernelProvisionerFactory.instance().provisioners[NAME].load() is WarmProvisioner


@pytest.mark.long
def test_the_engine_can_be_imported_before_papermill():
    code = "from delight.kernels.engine import Engine; from papermill.engines import papermill_engines as e; assert e.get_engine('delight') is Engine"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_notebook_for_another_kernel_is_given_that_kernel(tmp_path):
    nb = notebook("1")
    nb.metadata.kernelspec.name = "nonesuch"
    nbformat.write(nb, tmp_path / "in.ipynb")
    with pytest.raises(Exception, match="nonesuch"):
        papermill.execute_notebook(
            str(tmp_path / "in.ipynb"), str(tmp_path / "out.ipynb"), engine_name="delight", progress_bar=False, language="python"
        )


# ---- nothing of one notebook reaches the next


LEAVE = """import builtins, locale, os, random, signal, sys, tempfile, threading, warnings
import matplotlib, numpy as np, pandas as pd
import matplotlib.pyplot as plt
os.environ["CLIENT_A"] = "secret"; os.chdir("/"); os.umask(0o777)
random.seed(1); np.random.seed(1)
pd.options.display.max_rows = 3; pd.DataFrame.secret = "module state"; builtins.secret = 1
matplotlib.rcParams["figure.figsize"] = (1, 1); sys.path.insert(0, "/client/a"); sys.modules["client_a"] = sys
warnings.simplefilter("error"); signal.signal(signal.SIGINT, signal.SIG_IGN)
secret = pd.DataFrame({"answer": ["of client A"]})
kept = tempfile.NamedTemporaryFile(delete=False); kept.write(b"of client A"); kept.close()
threading.Thread(target=threading.Event().wait, daemon=True).start()
import subprocess; child = subprocess.Popen(["sleep", "300"])
kept.name, child.pid, os.getcwd(), tempfile.gettempdir()"""

LOOK = """import builtins, os, signal, sys, tempfile, warnings
import matplotlib, pandas as pd
import matplotlib.pyplot as plt
old = os.umask(0); os.umask(old)
dict(environment=os.environ.get("CLIENT_A"), cwd=os.getcwd(), umask=old, names="secret" in globals(), builtin=hasattr(builtins, "secret"),
     rows=pd.options.display.max_rows, module=hasattr(pd.DataFrame, "secret"), size=list(matplotlib.rcParams["figure.figsize"]),
     path="/client/a" in sys.path, modules="client_a" in sys.modules, filters=warnings.filters[:1], threads=len(os.listdir("/proc/self/task")),
     sigint=signal.getsignal(signal.SIGINT) is signal.default_int_handler, temporary=os.listdir(tempfile.gettempdir()), history=In[1:-1])"""


def test_nothing_that_one_notebook_leaves_reaches_the_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = shown(execute(tmp_path, LOOK))[0]
    file, child, cwd, temporary = eval(shown(execute(tmp_path, LEAVE))[0])
    after = shown(execute(tmp_path, LOOK))[0]
    assert after == before
    assert f"'cwd': '{tmp_path}'" in after and "'temporary': []" in after and "'threads': 1" in after
    assert cwd == "/" and not os.path.exists(file) and not os.path.exists(temporary)
    assert gone(child), "what a notebook started ends with it"
    assert "CLIENT_A" not in os.environ


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_random_states_differ_between_notebooks(tmp_path):
    draw = "import random, numpy as np; print(random.random(), np.random.rand(), np.random.default_rng().random())"
    drawn = [shown(execute(tmp_path, draw))[0] for _ in range(2)]
    assert len(set(" ".join(drawn).split())) == 6


def test_a_notebook_sees_the_environment_of_its_caller_at_that_moment(tmp_path, monkeypatch):
    look = "import os; print(os.environ.get('OF_NOW'), os.environ.get('GIVEN'))"
    monkeypatch.setenv("OF_NOW", "1")
    assert shown(execute(tmp_path, look, environment={"GIVEN": "2"})) == ["1 2\n"]
    monkeypatch.delenv("OF_NOW")
    assert shown(execute(tmp_path, look)) == ["None None\n"]


# ---- figures


def png(done, cell=-1):
    from PIL import Image

    [picture] = [o.data["image/png"] for o in done.cells[cell].outputs if "image/png" in o.get("data", {})]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")).astype(int)


COUNTED = """import matplotlib.pyplot as plt
from matplotlib.axes import Axes
drawn, draw = [], Axes.draw
def counted(self, *args, **options):
    drawn.append(self)
    return draw(self, *args, **options)
Axes.draw = counted"""


def test_each_figure_is_drawn_once(tmp_path):
    done = execute(tmp_path, COUNTED, "plt.plot([1, 3]); plt.title('Once');", "print(len(drawn))")
    assert len(png(done, 1)) and shown(done)[2] == "1\n"
    later = execute(tmp_path, COUNTED, "plt.ioff(); plt.ion(); plt.plot([1, 3]);", "print(len(drawn))", modules=())
    assert len(png(later, 1)) and shown(later)[2] == "1\n", "also where pyplot is imported by the notebook only"


def test_a_figure_is_cut_to_what_jupyter_would_show():
    from IPython.core.pylabtools import print_figure
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(layout="constrained", dpi=72, facecolor="white")
    ax = figure.subplots()
    ax.plot([1, 3, 2])
    ax.set(title="A title", xlabel="below", ylabel="beside")
    ours = np.asarray(Image.open(io.BytesIO(figures.draw(figure, 72))).convert("L")).astype(int)
    theirs = np.asarray(Image.open(io.BytesIO(print_figure(figure))).convert("L")).astype(int)
    assert abs(np.array(ours.shape) - theirs.shape).max() <= 2
    assert abs((ours < 128).sum() / (theirs < 128).sum() - 1) < 0.15
    assert figure.dpi == 72


def test_what_sticks_out_of_a_figure_is_not_cut_off(tmp_path):
    stick_out = "plt.figure(facecolor='white'); plt.plot([1, 2]); plt.text(1.5, 1.5, 'far beyond the edge of this figure', fontsize=20);"
    wide = png(execute(tmp_path, "import matplotlib.pyplot as plt", stick_out)).shape[1]
    assert wide > 640 * 1.4


# ---- forks


def test_a_zygote_with_threads_refuses_and_the_run_says_so(tmp_path):
    module = tmp_path / "starts_a_thread.py"
    module.write_text("import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with pytest.raises(warm.Cold, match=r"imported beforehand has started 1 thread"):
        warm.fork("delight.kernels.session", modules=["starts_a_thread"], environment=environment)


def test_elsewhere_than_on_linux_there_is_no_fork(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(warm.Cold, match="only safe on Linux, and this is darwin"):
        warm.fork("delight.kernels.session", modules=())


def test_a_cold_kernel_takes_over_and_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(warm, "fork", lambda *a, **b: (_ for _ in ()).throw(warm.Cold("this is a test")))
    done = execute(tmp_path, "import tempfile; print(tempfile.gettempdir())", environment={"A": "b"})
    assert done.metadata.papermill.cold == "this is a test"
    assert not os.path.exists(shown(done)[0].strip()) and "A" not in os.environ


def test_a_killed_zygote_takes_its_forks_along_and_is_replaced(tmp_path):
    modules = (*MODULES, *SESSION)
    with Session({}, MODULES) as session:
        zygote = next(z for key, z in warm._zygotes.items() if key[0] == modules and z.alive)
        os.kill(zygote.process.pid, signal.SIGKILL)
        assert session.fork.wait(5) == -signal.SIGKILL
        for _ in range(100):
            if gone(session.fork.pid):
                break
            time.sleep(0.02)
        assert gone(session.fork.pid)
    assert shown(execute(tmp_path, "1 + 1")) == ["2"]


def test_nothing_is_left_over_from_many_runs(tmp_path):
    execute(tmp_path, "1")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(10):
        with Session({}, MODULES) as session:
            assert session.run(nbformat.v4.new_code_cell("1"), float("inf")) is False
    assert len(os.listdir("/proc/self/fd")) == before
    zygotes = [z.process.pid for z in warm._zygotes.values() if z.alive]
    for pid in zygotes:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            assert not file.read().split(), "the zygote holds no dead forks"
        assert len(os.listdir(f"/proc/{pid}/task")) == 1


def test_eight_forks_at_once(tmp_path):
    sessions = [Session({}, MODULES).__enter__() for _ in range(8)]
    try:
        cells = [nbformat.v4.new_code_cell(f"{number} * 10") for number in range(8)]
        for session, cell in zip(sessions, cells):
            session.run(cell, time.monotonic() + 30)
        assert [c.outputs[0].data["text/plain"] for c in cells] == [str(10 * n) for n in range(8)]
        assert len({s.fork.pid for s in sessions}) == 8
    finally:
        for session in sessions:
            session.__exit__()


def test_a_fork_that_ends_as_its_owner_lets_go_of_it_takes_no_other_with_it(monkeypatch):
    from delight.kernels import zygote

    killed = []
    monkeypatch.setattr(zygote, "_kill", killed.append)
    control, _other = socket.socketpair()
    life, owners = socket.socketpair()
    parent = zygote.Zygote(control)
    pid = os.fork()
    if not pid:
        os._exit(0)
    end = os.pidfd_open(pid)
    parent.forks[pid] = end, life
    parent.waiting.register(end, 1)
    parent.waiting.register(life, 1)
    parent.ended(pid)  # both were found ready in one round
    parent.let_go(pid, life)
    assert killed == [pid], "its own group, once"
    owners.close()


def test_when_the_owner_is_killed_all_that_it_started_goes():
    code = (
        "import nbformat, sys, time\nfrom delight.kernels import warm\nfrom delight.kernels.notebook import Session\n"
        "s = Session({}, ()).__enter__()\n"
        'c = nbformat.v4.new_code_cell(\'import subprocess; print(subprocess.Popen(["sleep", "300"]).pid)\')\n'
        "s.run(c, float('inf'))\n"
        "print(s.fork.pid, next(iter(warm._zygotes.values())).process.pid, c.outputs[0].text, flush=True); time.sleep(100)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        pids = [int(word) for word in owner.stdout.readline().split()]
    finally:
        owner.kill()
        owner.wait()
    for _ in range(100):
        if all(map(gone, pids)):
            break
        time.sleep(0.03)
    assert len(pids) == 3 and all(map(gone, pids))


@pytest.mark.long
def test_libraries_with_threads_and_processes_work_in_a_fork(tmp_path):
    done = execute(
        tmp_path,
        "import numpy as np, threadpoolctl\nthreadpoolctl.threadpool_limits(2)\na = np.random.rand(600, 600); (a @ a).shape",
        "import pyarrow as pa, pyarrow.compute as pc; pc.sum(pa.array(range(10**6))).as_py()",
        "import concurrent.futures as cf\nwith cf.ProcessPoolExecutor(2) as pool: print(list(pool.map(abs, [-1, -2])))",
        "from sklearn.cluster import KMeans; bool(KMeans(3, n_init=2).fit(a).inertia_ > 0)",
        "from joblib import Parallel, delayed; Parallel(2)(delayed(abs)(i) for i in (-1, -2))",
        "import duckdb; duckdb.sql('select sum(i) from range(1000000) t(i)').fetchall()",
    )
    assert shown(done) == ["(600, 600)", "499999500000", "[1, 2]\n", "True", "[1, 2]", "[(Decimal('499999500000'),)]"] or (
        "499999500000" in shown(done)[5] and shown(done)[:5] == ["(600, 600)", "499999500000", "[1, 2]\n", "True", "[1, 2]"]
    )
