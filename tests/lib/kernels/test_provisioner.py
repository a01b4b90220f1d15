"""Forked kernels are Jupyter kernels in every way but their birth."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from delight.kernels import warm
from delight.kernels.provisioner import NAME
from jupyter_client import AsyncKernelManager, KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from tests.lib.kernels.made import notebook, shown
from tests.lib.kernels.test_engine import gone

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks are made on Linux only")

#: Standard streams that keep the kernel's own warnings out of the tests' output.
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@pytest.fixture(autouse=True)
def warm_kernels(monkeypatch):
    """Kernels of this test are forked; the imports are kept small."""
    from delight.kernels import provisioner
    from jupyter_client.provisioning.factory import KernelProvisionerFactory

    monkeypatch.setattr(provisioner, "LIBRARIES", ["numpy"])
    monkeypatch.setattr(KernelProvisionerFactory.instance(), "default_provisioner_name", NAME)


@pytest.fixture
def kernel():
    """A kernel manager with its connected client."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(**QUIET)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=30)
    yield manager, client
    client.stop_channels()
    if manager.is_alive():
        manager.shutdown_kernel(now=True)
    manager.cleanup_resources()


def run(*sources, **options):
    done = notebook(*sources)
    environment = {
        k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"
    }  # a kernel that sees it does not watch its descriptors
    NotebookClient(done, shutdown_kernel="immediate", **options).execute(env=environment, **QUIET)
    return done


def test_a_kernel_is_forked_interrupted_asked_and_restarted(kernel):
    manager, client = kernel
    assert isinstance(manager.provisioner.process, warm.Fork)
    client.execute("import time; print('begun'); time.sleep(60)")
    while client.get_iopub_msg(timeout=10)["msg_type"] != "stream":
        pass
    manager.interrupt_kernel()
    assert client.get_shell_msg(timeout=5)["content"]["ename"] == "KeyboardInterrupt"
    client.execute("print(input('name? '))", allow_stdin=True)
    assert client.get_stdin_msg(timeout=5)["content"]["prompt"] == "name? "
    client.input("Ada")
    assert client.get_shell_msg(timeout=5)["content"]["status"] == "ok"
    old = manager.provisioner.pid
    manager.restart_kernel(now=True, **QUIET)
    client.wait_for_ready(timeout=30)
    assert manager.provisioner.pid != old and gone(old)


@pytest.mark.parametrize(("end", "status"), [("import os; os._exit(3)", 3), ("import os; os.kill(os.getpid(), 11)", -signal.SIGSEGV)])
def test_the_exit_status_of_a_kernel_is_known(kernel, end, status):
    manager, client = kernel
    process = manager.provisioner.process
    client.execute(end)
    assert process.wait(10) == status


def test_a_kernel_leaves_when_it_is_asked_to():
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(**QUIET)
    process, pid = manager.provisioner.process, manager.provisioner.pid
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=30)
    manager.shutdown_kernel()
    assert process.returncode == 0 and gone(pid)
    client.stop_channels()


def test_a_notebook_runs_in_its_folder_with_its_environment_and_preloaded_libraries(tmp_path, monkeypatch):
    monkeypatch.setenv("OF_NOW", "1")
    look = "import os, sys; print(os.getcwd(), os.environ['OF_NOW'], 'numpy' in sys.modules, os.getsid(0) == os.getpid())"
    printed = "os.system('echo child'); os.write(1, b'raw\\n'); print('err', file=sys.stderr)"
    done = run(look, printed, resources={"metadata": {"path": str(tmp_path)}})
    assert shown(done)[0] == f"{tmp_path} 1 True True\n"
    assert {"child", "raw", "err"} <= set(shown(done)[1].split())
    monkeypatch.delenv("OF_NOW")
    assert shown(run("import os; print(os.environ.get('OF_NOW'))")) == ["None\n"]


@pytest.mark.long
def test_each_figure_is_drawn_once():
    from tests.lib.kernels.test_engine import COUNTED

    done = run(COUNTED, "plt.plot([1, 3]); plt.title('Once');", "print(len(drawn))")
    assert "image/png" in done.cells[1].outputs[-1].data and shown(done)[2] == "1\n"


@pytest.mark.long
def test_death_and_lack_of_time_are_seen_by_nbclient():
    with pytest.raises(DeadKernelError):
        run("import os; os.kill(os.getpid(), 9)")
    with pytest.raises(CellTimeoutError):
        run("import time; time.sleep(60)", timeout=1)
    done = run("import time; time.sleep(60)", "print('next')", timeout=1, interrupt_on_timeout=True, allow_errors=True)
    assert shown(done)[1] == "next\n"


@pytest.mark.long
def test_kernels_go_with_their_zygote_and_the_next_has_a_new_one(kernel):
    manager, _ = kernel
    for zygote in warm._zygotes.values():
        if zygote.alive:
            zygote.process.kill()
    assert manager.provisioner.process.wait(5) == -signal.SIGKILL and not manager.is_alive()
    assert shown(run("1 + 1")) == ["2"]


@pytest.mark.long
def test_eight_kernels_at_once_and_none_left():
    async def eight():
        managers = [AsyncKernelManager(kernel_name="python3") for _ in range(8)]
        await asyncio.gather(*(m.start_kernel(**QUIET) for m in managers))
        pids = {m.provisioner.pid for m in managers}
        await asyncio.gather(*(m.shutdown_kernel(now=True) for m in managers))
        return pids

    with ThreadPoolExecutor(1) as apart:  # a browser's tests may have left a loop running in this thread
        pids = apart.submit(asyncio.run, eight()).result()
    assert len(pids) == 8 and all(map(gone, pids))


def test_a_kernel_that_cannot_be_forked_is_started_as_ever(monkeypatch, caplog):
    def refuse(*arguments, **options):
        raise warm.Cold("this is a test")

    monkeypatch.setattr(warm, "fork", refuse)
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(**QUIET)
    try:
        assert isinstance(manager.provisioner.process, subprocess.Popen)
    finally:
        manager.shutdown_kernel(now=True)


def test_pipes_of_the_caller_are_the_kernels():
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    process = manager.provisioner.process
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=30)
    client.execute("import os; os.write(1, b'to the pipe')", reply=True, timeout=10)
    os.set_blocking(process.stdout.fileno(), False)
    time.sleep(0.2)
    assert process.stdout.read() is not None
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    assert process.stdout.closed
