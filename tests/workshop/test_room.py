"""A room: JupyterHub with a server a person, three of whom run the first lesson at once; and the lessons without code in Voilà."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from delight.workshop import lesson as lessons

pytestmark = pytest.mark.long
PASSWORD = "written-on-the-board"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_for(url, process, log, *, seconds=150):
    requests = pytest.importorskip("requests")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, Path(log).read_text()[-3000:]
        try:
            if requests.get(url, timeout=10).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"{url} does not answer:\n{Path(log).read_text()[-3000:]}")


def stop(process):
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# ---- JupyterHub
@pytest.fixture(scope="module")
def hub(workshop, tmp_path_factory):
    """The room's JupyterHub on free ports; skipped where its proxy is not installed."""
    pytest.importorskip("jupyterhub", reason="jupyterhub is not installed (it belongs to the test requirements)")
    proxy = shutil.which("configurable-http-proxy")
    if proxy is None:
        pytest.skip("configurable-http-proxy is not installed: make test-servers")
    seats = tmp_path_factory.mktemp("seats")
    port, log = free_port(), seats / "hub.log"
    environment = dict(
        os.environ,
        DELIGHT_ROOM_PASSWORD=PASSWORD,
        DELIGHT_SEATS=str(seats),
        DELIGHT_HUB=f"http://127.0.0.1:{port}",
        DELIGHT_HUB_PORT=str(free_port()),
        DELIGHT_PROXY_PORT=str(free_port()),
    )
    with log.open("w") as out:
        command = [sys.executable, "-m", "jupyterhub", "-f", str(workshop / "jupyterhub_config.py")]
        process = subprocess.Popen(command, cwd=seats, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            wait_for(f"http://127.0.0.1:{port}/hub/login", process, log)
            yield f"http://127.0.0.1:{port}", seats
        finally:
            stop(process)


class Participant:
    """Somebody at a laptop: logs in, opens a notebook, runs its cells."""

    def __init__(self, address, name):
        import requests

        self.address, self.name, self.web = address, name, requests.Session()
        self.web.get(f"{address}/hub/login", timeout=60)
        form = {"username": name, "password": PASSWORD, "_xsrf": self._xsrf()}
        self.web.post(f"{address}/hub/login", params={"_xsrf": self._xsrf()}, data=form, timeout=60, allow_redirects=False)
        asked = self.web.post(f"{address}/hub/api/users/{name}/tokens", headers={"X-XSRFToken": self._xsrf()}, json={}, timeout=60)
        assert asked.status_code in (200, 201), (asked.status_code, asked.text)
        self.token = asked.json()["token"]

    def _xsrf(self):
        return next((c.value for c in self.web.cookies if c.name == "_xsrf" and c.path.startswith("/hub")), "")

    def api(self, method, path, **options):
        import requests

        headers = {"Authorization": f"token {self.token}"}
        return requests.request(method, f"{self.address}{path}", headers=headers, timeout=120, **options)

    def sit_down(self):
        assert self.api("POST", f"/hub/api/users/{self.name}/server").status_code in (201, 202)
        end = time.monotonic() + 240
        while self.api("GET", f"/user/{self.name}/api/status").status_code != 200:
            assert time.monotonic() < end, "the server does not start"
            time.sleep(1)

    def open(self, notebook):
        return self.api("GET", f"/user/{self.name}/api/contents/{notebook}").json()["content"]["cells"]

    def run(self, cells):
        """What the code cells show, as one text, and the errors."""
        import websocket

        kernel = self.api("POST", f"/user/{self.name}/api/kernels", json={"name": "python3"}).json()["id"]
        address = self.address.replace("http", "ws", 1)
        key = [f"Authorization: token {self.token}"]
        line = websocket.create_connection(f"{address}/user/{self.name}/api/kernels/{kernel}/channels", header=key, timeout=240)
        shown, errors = [], []
        for source in cells:
            number = uuid.uuid4().hex
            header = {"msg_id": number, "msg_type": "execute_request", "username": "", "session": number, "version": "5.3", "date": ""}
            content = {"code": source, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": False}
            line.send(json.dumps({"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}))
            while True:
                got = json.loads(line.recv())
                if got["parent_header"].get("msg_id") != number:
                    continue
                shown.append(json.dumps(got["content"].get("data", {}), ensure_ascii=False))
                errors += [got["content"]["evalue"]] if got["msg_type"] == "error" else []
                if got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
                    break
        line.close()
        return "\n".join(shown), errors


def first_lesson(address, name, solutions):
    somebody = Participant(address, name)
    somebody.sit_down()
    cells = [c for c in somebody.open("1-from-satisfied-to-delighted.ipynb") if c["cell_type"] == "code"]
    code = []
    for cell in cells:
        about = cell["metadata"].get("nbgrader", {})
        code.append("\n".join(solutions[about["grade_id"]]) if about.get("solution") else lessons.text(cell))
    return *somebody.run([*code, "desk.number", "round(share_delighted, 6)"]), "".join(lessons.text(c) for c in cells)


def test_three_people_run_the_first_lesson_at_once(hub, root):
    address, seats = hub
    solutions = lessons.solutions(lessons.lessons(root)[0].notebook["cells"])
    names = ["parent1", "parent2", "parent3"]
    with ThreadPoolExecutor(3) as room:
        done = list(room.map(lambda name: first_lesson(address, name, solutions), names))
    shares = set()
    for number, (shown, errors, code) in enumerate(done, 1):
        assert not errors and shown.count("✓") == 5
        assert f"participant = {number}" in code and "SOLUTION" not in code
        shares.add(re.findall(r'"text/plain": "(?:np\.float64\()?(0\.\d+)', shown)[-1])
    assert len(shares) == 3  # everybody has other customers
    assert {p.name for p in seats.iterdir() if p.is_dir()} >= set(names)


def test_a_wrong_password_gets_no_seat(hub):
    import requests

    address, seats = hub
    web = requests.Session()
    web.get(f"{address}/hub/login", timeout=60)
    xsrf = next(c.value for c in web.cookies if c.name == "_xsrf")
    form = {"username": "parent9", "password": "guessed", "_xsrf": xsrf}
    answer = web.post(f"{address}/hub/login", params={"_xsrf": xsrf}, data=form, timeout=60)
    assert answer.status_code == 403 and not (seats / "parent9").exists()


# ---- without code
@pytest.fixture
def app(workshop):
    """Address of the lessons without code, served by Voilà."""
    pytest.importorskip("voila")
    port, log = free_port(), workshop / "voila.log"
    with log.open("w") as out:
        command = [sys.executable, "-m", "delight", "workshop", "show", str(workshop), f"--port={port}"]
        environment = {**os.environ, "BROWSER": "true"}
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            wait_for(f"http://127.0.0.1:{port}/", process, log)
            yield f"http://127.0.0.1:{port}/voila/render"
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # Voilà too, which ends its kernels
            stop(process)
            log.unlink()


def test_a_lesson_without_code_shows_none_and_answers_a_click(app):
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or pytest.skip("Debian's chromium is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page, errors, asked = browser.new_page(), [], []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{app}/1-from-satisfied-to-delighted.ipynb", timeout=240_000)
        page.get_by_text("Which share of the customers gave a 9 or a 10?").wait_for(timeout=120_000)
        page.get_by_label("Petra", exact=True).check()
        page.get_by_role("button", name="Check the answer").nth(1).press("Enter")
        page.get_by_text("Right: Petra.").wait_for(timeout=60_000)
        page.get_by_role("button", name="Check the answer").nth(0).press("Enter")
        page.get_by_text("Count those who gave 9 or 10, and divide by all who answered.").wait_for(timeout=60_000)
        size = "() => parseFloat(getComputedStyle(document.querySelector('p')).fontSize)"
        small = page.evaluate(size)
        page.get_by_role("button", name="Large type").press("Enter")
        page.wait_for_function(f"small => ({size})() > 1.4 * small", arg=small)
        source = page.content()
        browser.close()
    assert "From satisfied to delighted" in source and "<svg" in source
    assert not [e for e in errors if "404" not in e]
    assert not [url for url in asked if not url.startswith(("http://127.0.0.1", "data:", "blob:"))], "nothing is asked of other machines"
    for hidden in ("desk.ask", "desk.known", "import numpy", "Traceback", "<details>"):
        assert hidden not in source
