"""A person opens the exploration notebook in JupyterLab, runs it, and turns a menu."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def lab(root, tmp_path_factory):
    """JupyterLab on a free port, on loopback only; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("jupyter")
    environment = dict(
        os.environ,
        DELIGHT_HOME=str(root),
        DELIGHT_KEY="browser",
        JUPYTER_CONFIG_DIR=str(home / "config"),
        JUPYTER_DATA_DIR=str(home / "data"),
        JUPYTERLAB_SETTINGS_DIR=str(home / "settings"),
        JUPYTERLAB_WORKSPACES_DIR=str(home / "workspaces"),
    )
    copy = home / "book" / "notebooks" / "explore"
    shutil.copytree(root / "notebooks" / "explore", copy)
    options = ["--no-browser", f"--port={port}", "--ip=127.0.0.1", "--IdentityProvider.token=test", f"--notebook-dir={home / 'book'}"]
    options += ["--allow-root", "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=(home / "log").open("w"), stderr=subprocess.STDOUT
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/api/status?token=test", timeout=2)
            break
        except OSError:
            assert process.poll() is None, (home / "log").read_text()
            time.sleep(0.5)
    yield address
    process.terminate()
    process.wait(30)


@pytest.fixture
def page(root):
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("chromium is not installed; .ci/run installs it")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser.new_page(viewport={"width": 1300, "height": 1000})
        browser.close()


def test_the_numbers_follow_the_filter_and_the_console_stays_clean(lab, page, root):
    errors = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{lab}/lab/tree/notebooks/explore/satisfaction.ipynb?token=test&reset", timeout=120_000)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
    page.wait_for_selector("text=/Python 3.*\\| Idle/", timeout=120_000)
    page.click("text=Run >> nth=0")
    page.click("text=Run All Cells")
    level = page.locator("text=/Gemiddeld cijfer/").first
    level.wait_for(timeout=180_000)
    before = level.inner_text()
    assert re.search(r"Gemiddeld cijfer \d,\d \(\d,\d–\d,\d\)", before)
    menus = page.locator(".jupyter-widgets select, .widget-dropdown select")
    menus.first.select_option(index=1)
    page.wait_for_function(
        "before => [...document.querySelectorAll('p')].some(p => p.innerText.includes('Gemiddeld cijfer') && p.innerText !== before)",
        arg=before,
        timeout=60_000,
    )
    assert level.inner_text() != before
    assert page.locator("svg >> text=/%/").count() or page.locator(".jp-OutputArea svg").count()
    folder = root / "artefacts"
    folder.mkdir(exist_ok=True)
    page.screenshot(path=str(folder / "explore-satisfaction.png"))
    serious = [e for e in errors if "favicon" not in e and "404" not in e]
    assert not serious, serious
