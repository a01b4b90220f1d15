# A room of participants: one server a person on this machine, all in the workbook's environment.
#
#   DELIGHT_ROOM_PASSWORD=… jupyterhub -f jupyterhub_config.py
#
# Names end in the number on the badge: parent1, parent2, …; "trainer" gets the trainer's notebooks. See docs/workshops.md.
import os
import re
import shutil
import sys
from pathlib import Path

from jupyterhub.spawner import SimpleLocalProcessSpawner

c = get_config()  # noqa: F821
here = Path(__file__).resolve().parent if "__file__" in globals() else Path.cwd()
seats = Path(os.environ.get("DELIGHT_SEATS", here / "seats"))
password = os.environ.get("DELIGHT_ROOM_PASSWORD", "")
if not password:
    raise SystemExit("Set DELIGHT_ROOM_PASSWORD to the password that you write on the board.")


class Seat(SimpleLocalProcessSpawner):
    """A server in a folder of the participant's own, with the student notebooks copied there once."""

    def make_preexec_fn(self, name):
        return None  # everybody runs as the user who started the hub

    async def start(self):
        seat, number = seats / self.user.name, re.search(r"\d+$", self.user.name)
        badge = number[0] if number else "0"
        if not seat.exists():
            version = "trainer" if self.user.name == "trainer" else "student"
            shutil.copytree(here / version, seat)
            for lesson in seat.glob("*.ipynb"):
                text = lesson.read_text(encoding="utf-8")
                lesson.write_text(text.replace("participant = 1\\n", f"participant = {int(badge)}\\n"), encoding="utf-8")
        self.notebook_dir = str(seat)
        self.environment = {
            "DELIGHT_ROOM": str(here / "room"),
            "DELIGHT_TOGETHER": str(here / "together"),
            "DELIGHT_PARTICIPANT": badge,
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        return await super().start()


c.JupyterHub.spawner_class = Seat
c.Spawner.home_dir_template = str(seats / "{username}")
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # as in a container
first = min((lesson.name for lesson in (here / "student").glob("*.ipynb")), default="")
c.Spawner.default_url = f"/lab/tree/{first}"  # the first lesson is open when somebody has logged in
c.Spawner.args += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]  # no questions in a room
c.Spawner.start_timeout = c.Spawner.http_timeout = 120
c.Spawner.mem_limit = "1G"

c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = password
c.Authenticator.allow_all = True
c.Authenticator.username_pattern = r"[a-z]+[0-9]{0,3}"

c.JupyterHub.bind_url = os.environ.get("DELIGHT_HUB", "http://127.0.0.1:8000")
c.JupyterHub.hub_port = int(os.environ.get("DELIGHT_HUB_PORT", 8081))
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{os.environ.get('DELIGHT_PROXY_PORT', 8001)}"
c.JupyterHub.db_url = f"sqlite:///{seats / 'hub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(seats / "cookie_secret")
c.JupyterHub.cleanup_servers = True
seats.mkdir(parents=True, exist_ok=True)
