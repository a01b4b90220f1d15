"""Where reports go: a folder that all workers see, or an object store behind a URL, mirrored by each worker in a folder of its own.

On a store, each worker builds a report on its own disk and sends it when it is whole; ``run.json``, sent last, says that it is. What
the store knows already is not sent or fetched again.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import socket
import tempfile
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from delight.errors import RunError


class Unfit(RunError):
    """This worker cannot make reports of the batch; another may."""


def is_url(out):
    """Whether `out` is the URL of a store, not a folder."""
    return bool(re.match(r"[a-z][a-z0-9+.-]+://", str(out)))


def shown(url):
    """The URL without what follows a question mark or stands before an @: it may hold a secret."""
    return re.sub(r"//[^/@]*@", "//", str(url).partition("?")[0])


@contextlib.contextmanager
def reports(out):
    """The folder of reports at `out` to work in: `Shared`, or the `Mirror` of a store."""
    yield (mirror(str(out)) if is_url(out) else Shared(Path(out)))


class Shared:
    """A folder that every worker sees: nothing needs to be fetched or sent."""

    def __init__(self, folder):
        self.folder = folder

    def fetch(self, order, claim):
        """Make sure that this is the batch's folder, not another of the same name on this machine."""
        if claim and not Path(claim).exists():
            say = f"The worker on {socket.gethostname()} (process {os.getpid()}) does not see the folder {self.folder} that the batch writes to."
            raise Unfit(f"{say} Give all machines the same folder under the same path, or end that worker.", exit_code=5)

    def deliver(self, order, claim):
        pass

    def keep_failed(self, order, claim):
        pass


class Mirror:
    """The part of a store that this process needs, on its own disk.

    Parameters
    ----------
    url : str
        Such as ``s3://bucket/reports``; the credentials and the endpoint (``AWS_ENDPOINT_URL``) come from the environment.
    """

    def __init__(self, url):
        self.url, self.shown = url, shown(url)
        self.files, self.base = open_store(url)
        self.folder = Path(tempfile.mkdtemp(prefix="delight-", dir=_scratch()))
        self._known = {}
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)

    def fetch(self, order, claim):
        """Bring here what a report may start from: its work folder and shelf, the whole's, and the report itself."""
        for path in dict.fromkeys([order.whole_work, *self._own(order)]):
            self._pull(self._name(path))

    def deliver(self, order, claim):
        """Send the finished report, its work folder first and its run.json last, while the batch's claim on the store stands."""
        for path in dict.fromkeys([order.whole_work, *self._own(order)]):
            self._push(self._name(path), claim)
        self._remove(f"{self._name(order.target)}.failed")

    def keep_failed(self, order, claim):
        """Send the notebooks of a failed run, and the chapters that did finish."""
        self._push(f"{self._name(order.target)}.failed", claim)
        self._push(f"{self._name(order.work)}.chapters", claim)

    def write(self, name, data):
        """Write one file, such as the index."""
        self._send(name, data)

    def read(self, name):
        """One file's bytes.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        """
        with _told(self.url), self.files.open(f"{self.base}/{name}", "rb") as file:
            return file.read()

    def names(self, folder):
        """Files under a folder."""
        return sorted(self._there(folder))

    def exists(self, name):
        with _told(self.url):
            self.files.invalidate_cache()
            return self.files.exists(f"{self.base}/{name}")

    def modified(self, name):
        """When a file was written, by the store's clock; None where a store does not tell."""
        with _told(self.url):
            self.files.invalidate_cache()
            try:
                return self.files.modified(f"{self.base}/{name}")
            except NotImplementedError:
                return None

    def remove(self, name):
        with _told(self.url):
            self.files.rm_file(f"{self.base}/{name}")

    def _own(self, order):
        work = order.work
        return [work, work.with_name(f"{work.name}.chapters"), order.target]

    def _name(self, path):
        return path.relative_to(self.folder).as_posix()

    def _there(self, name):
        """Files under a folder of the store: path and what changes with them."""
        with _told(self.url):
            self.files.invalidate_cache()
            try:
                found = self.files.find(f"{self.base}/{name}", detail=True)
            except FileNotFoundError:
                return {}
        start = len(self.base.strip("/")) + 1
        return {path.strip("/")[start:]: _mark(about) for path, about in found.items() if about.get("type") != "directory"}

    def _here(self, name):
        folder = self.folder / name
        return {p.relative_to(self.folder).as_posix(): p for p in sorted(folder.rglob("*")) if p.is_file()} if folder.is_dir() else {}

    def _send(self, name, data):
        """Write one file whole; a store may stumble, so it gets three attempts."""
        for last in (False, False, True):
            try:
                with _told(self.url), self.files.open(f"{self.base}/{name}", "wb") as file:
                    file.write(data)
                return
            except RunError:
                if last:
                    raise
                time.sleep(1)

    def _pull(self, name):
        there, here = self._there(name), self._here(name)
        for path in set(here) - set(there):
            here[path].unlink()
        for path, mark in there.items():
            if path not in here or self._known.get(path, (None,))[0] != mark:
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                with _told(self.url):
                    self.files.get_file(f"{self.base}/{path}", str(self.folder / path))
                self._known[path] = mark, _stamp(self.folder / path)

    def _push(self, name, claim):
        if claim and not self.exists(claim):
            say = f"The claim of this batch on {self.shown} has ended, as its process was stopped for long or killed: another may write there."
            raise RunError(f"{say} This report was not sent. Run the batch again.", exit_code=5)
        there, here = self._there(name), self._here(name)
        last = f"{name}/run.json"
        for path in sorted(here, key=lambda path: path == last):
            mark, stamp = self._known.get(path, (None, None))
            if mark is None or mark != there.get(path) or stamp != _stamp(here[path]):
                self._send(path, here[path].read_bytes())
        for path in set(there) - set(here):
            self.remove(path)
        self._known |= {path: (mark, _stamp(here[path])) for path, mark in self._there(name).items() if path in here}

    def _remove(self, name):
        for path in self._there(name):
            self.remove(path)


def _scratch():
    """A worker's own folder, which Dask clears also after a kill; elsewhere that of temporary files."""
    try:
        from distributed import get_worker

        return get_worker().local_directory
    except ValueError:
        return None


_mirrors = {}


def mirror(url):
    """The mirror of a store in this process."""
    if url not in _mirrors:
        _mirrors[url] = Mirror(url)
    return _mirrors[url]


def open_store(url):
    """(file system, path) of a URL: through fsspec, and for S3 through Arrow, which needs no further package.

    Raises
    ------
    RunError
        The store cannot be opened.
    """
    import fsspec

    with _told(url):
        if urlsplit(url).scheme == "s3":
            return _s3(url)
        return fsspec.core.url_to_fs(url)


def _s3(url):
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow.fs import S3FileSystem

    parts = urlsplit(url)
    said = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    endpoint = said.get("endpoint") or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    options = {"region": said.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")}
    options["allow_delayed_open"] = True  # a small file in one request, not in parts
    if endpoint:
        options |= {"endpoint_override": endpoint, "scheme": urlsplit(endpoint).scheme or "https"}
    files = ArrowFSWrapper(S3FileSystem(**{name: value for name, value in options.items() if value}))
    return files, f"{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")


def _mark(about):
    """What changes when a file of a store does."""
    changed = about.get("ETag") or about.get("etag") or about.get("mtime") or about.get("LastModified") or about.get("created")
    return about.get("size"), str(changed)


def _stamp(path):
    about = path.stat()
    return about.st_size, about.st_mtime_ns


@contextlib.contextmanager
def _told(url):
    """Turn what a store may raise into one message that names it."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, ValueError, ImportError) as error:
        text = (str(error).strip().splitlines() or [type(error).__name__])[0]
        say = f"The store {shown(url)} cannot be used: {text} Check its address, credentials and AWS_ENDPOINT_URL, then run again."
        raise RunError(say, exit_code=5) from None
