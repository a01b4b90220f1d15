"""JupyterLab or Voilà on a free port, and a browser that looks at them."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from delight.show import without_code

TOKEN = "test"
#: What a browser says that is no fault of ours.
HARMLESS = ("favicon", "404", "ResizeObserver")
#: Where everything that a page asks for must come from.
OURS = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")


class Server:
    """A running server: its address, and a folder to look into."""

    def __init__(self, address, home, process):
        self.address, self.home, self.process = address, home, process

    def ask(self, path, method="GET"):
        request = urllib.request.Request(f"{self.address}{path}", method=method, headers={"Authorization": f"token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def end_kernels(self):
        """Let go of the kernels that a test started."""
        for kernel in self.ask("/api/kernels"):
            self.ask(f"/api/kernels/{kernel['id']}", "DELETE")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def workbook(root, home):
    """A workbook of its own: the notebooks copied, the studies as they are."""
    book = home / "book"
    for name in ("chain", "explore"):
        shutil.copytree(root / "notebooks" / name, book / "notebooks" / name)
    (book / "data").mkdir()
    (book / "data" / "studies").symlink_to(root / "data" / "studies")
    return book


def environment(home):
    """Settings of nobody, and kernels that start at once."""
    return dict(
        os.environ,
        DELIGHT_KEY="browser",
        OPENBLAS_NUM_THREADS="1",
        OMP_NUM_THREADS="1",
        JUPYTER_DEFAULT_PROVISIONER_NAME="warm-provisioner",
        JUPYTER_CONFIG_DIR=str(home / "config"),
        JUPYTER_DATA_DIR=str(home / "data"),
        JUPYTERLAB_SETTINGS_DIR=str(home / "settings"),
        JUPYTERLAB_WORKSPACES_DIR=str(home / "workspaces"),
    )


def serve(home, module, options, ready, port):
    """Start a server and wait until it answers."""
    log = (home / f"{module}.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", module, *options],
        env=without_code.environment(environment(home)),
        cwd=home / "book",
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}{ready}", timeout=5)
            return Server(address, home, process)
        except OSError:
            assert process.poll() is None, (home / f"{module}.log").read_text()
            time.sleep(0.5)
    raise AssertionError(f"{module} does not answer: " + (home / f"{module}.log").read_text()[-2000:])


@pytest.fixture(scope="session")
def book(root, tmp_path_factory):
    home = tmp_path_factory.mktemp("jupyter")
    workbook(root, home)
    return home


@pytest.fixture(scope="session")
def lab(book):
    """JupyterLab on a free port, on loopback only."""
    port = free_port()
    options = ["--no-browser", f"--port={port}", "--ip=127.0.0.1", f"--IdentityProvider.token={TOKEN}", f"--notebook-dir={book / 'book'}"]
    options += ["--allow-root", "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    server = serve(book, "jupyterlab", options, f"/api/status?token={TOKEN}", port)
    yield server
    server.process.terminate()
    server.process.wait(30)


@pytest.fixture(scope="session")
def voila(book):
    """The views without code, on a free port."""
    port = free_port()
    module, *options = without_code.command(book / "book" / "notebooks" / "explore")
    server = serve(book, module, [*options, "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"], "/", port)
    yield server
    server.process.terminate()
    server.process.wait(30)


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("chromium is not installed; .ci/run installs it")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, root):
    """A page that notes every error of the console, and whatever it asks of another machine; fails the test if there is one."""
    page, errors = browser.new_page(viewport={"width": 1300, "height": 2200}), []
    page.set_default_timeout(120_000)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: request.url.startswith(OURS) or errors.append(f"asked elsewhere: {request.url}"))
    page.shot = lambda name: _shot(page, root, name)
    yield page
    page.close()
    serious = [e for e in errors if not any(word in e for word in HARMLESS)]
    assert not serious, serious


def _shot(page, root, name):
    folder = root / "artefacts"
    folder.mkdir(exist_ok=True)
    page.screenshot(path=str(folder / f"{name}.png"))
