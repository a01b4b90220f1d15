"""Batches that write to an object store: a real S3 server on this machine."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys

import pytest

from tests.batch import book

pytestmark = [pytest.mark.long, pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes by /proc")]


@pytest.fixture
def bucket(root, monkeypatch):
    """A bucket of a real S3 server on this machine; its file system."""
    server = shutil.which("moto_server")
    if not server:
        pytest.skip("no S3 server is installed: make test-servers")
    port = book.free_port()
    process = subprocess.Popen([server, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        book.until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, what="the S3 server")
        for name, value in {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        }.items():
            monkeypatch.setenv(name, value)
        from pyarrow.fs import S3FileSystem

        made = S3FileSystem(endpoint_override=f"http://127.0.0.1:{port}", scheme="http", region="us-east-1", allow_bucket_creation=True)
        made.create_dir("clients")
        yield made
    finally:
        process.kill()
        process.wait()


def test_a_batch_delivers_to_an_object_store_and_resumes_from_it(tmp_path, bucket, undisturbed):
    folder = book.write(tmp_path / "book")
    out = ("--out", "s3://clients/reports", "--workers", "2", *book.HTML)
    process = book.start(folder, "batch", "alfa", "beta", "gamma", *out)

    def begun():
        assert process.poll() is None, "".join(process.communicate())
        return any(name.endswith("run.json") for name in stored(bucket))

    book.until(begun, pause=1.0, what="a first report in the store")
    os.kill(book.workers(process)[0], signal.SIGKILL)
    said, err = process.communicate(timeout=240)
    assert process.returncode == 0, said + err
    assert tables(bucket) == undisturbed
    said, _ = book.batch(folder, "alfa", "beta", "gamma", "--languages", "en,nl", *out)
    assert said.count("languages or formats added") == 3 and tables(bucket) == undisturbed
    manifest = json.loads(bucket.open_input_file("clients/reports/beta/2025/whole/run.json").readall())
    assert manifest["study"] == "beta" and not (folder / "reports").exists()
    page = bucket.open_input_file("clients/reports/batch/index.html").readall().decode()
    assert 'href="../beta/2025/whole/nl/report.html"' in page


def stored(bucket):
    """Everything in the folder of reports: {name: bytes}."""
    from pyarrow.fs import FileSelector

    found = bucket.get_file_info(FileSelector("clients/reports", recursive=True, allow_not_found=True))
    return {f.path.removeprefix("clients/reports/"): bucket.open_input_file(f.path).readall() for f in found if f.is_file}


def tables(bucket):
    return {name: data for name, data in stored(bucket).items() if "/tables/" in name and not name.startswith(".work")}


def whole(found, name):
    """That a report in the store is one that one run has made: its files are those that were noted beside the run.json that stands there."""
    note = json.loads(found[f".work/{name.partition('/')[0]}/2025/made.json"])
    folder = {path.removeprefix(f"{name}/"): data for path, data in found.items() if path.startswith(f"{name}/")}
    assert {path: len(data) for path, data in folder.items()} == note["files"]
    assert hashlib.sha256(folder["run.json"]).hexdigest() == note["manifest"]
    return json.loads(folder["run.json"])


def test_of_two_batches_at_one_place_one_goes_on_and_the_other_says_who_is_there(tmp_path, bucket, undisturbed):
    folder = book.write(tmp_path / "book")
    out = ("--out", "s3://clients/reports", "--workers", "1", *book.HTML)
    (folder / "night.toml").write_text('[[studies]]\nstudy = "gamma"\n[[studies]]\nstudy = "alfa"\n')
    both = [
        book.start(folder, "batch", "alfa", "beta", *out),
        book.start(folder, "batch", "--plan", "night.toml", "-p", "ci_level=0.8", *out),
    ]
    said = [process.communicate(timeout=240) for process in both]
    codes = [process.returncode for process in both]
    assert sorted(codes) == [0, 5], said
    refusal = said[codes.index(5)][1]
    assert "Another batch writes to s3://clients/reports" in refusal and "studies alfa" in refusal and "Traceback" not in refusal
    made = ("alfa", "beta") if codes[0] == 0 else ("alfa", "gamma")
    found = stored(bucket)
    assert {name.partition("/")[0] for name in found if name.endswith("/whole/run.json")} == set(made)
    assert not [name for name in found if ".claims" in name]
    for name in made:
        whole(found, f"{name}/2025/whole")
    if codes[0] == 0:
        assert tables(bucket) == {name: data for name, data in undisturbed.items() if not name.startswith("gamma")}
