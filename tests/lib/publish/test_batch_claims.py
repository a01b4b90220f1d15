"""Two batches that want the same study of a store: never do both go on."""

import json
import threading
import time
import uuid
from types import SimpleNamespace

import pytest
from delight.errors import RunError
from delight.publish.batch import claims, store


@pytest.fixture
def place(monkeypatch):
    """A store in memory, where claims end soon."""
    monkeypatch.setattr(claims, "HOLDS", 1.5)
    monkeypatch.setattr(claims, "RENEWED", 0.3)
    made = store.Mirror(f"memory://{uuid.uuid4().hex}")
    yield made
    made.files.store.clear()


def standing(place):
    return [json.loads(place.read(name)) for name in place.names(claims.FOLDER)]


def test_a_study_is_claimed_by_one_batch_at_a_time_and_others_go_on(place):
    with claims.held(place, "night", ["alfa", "beta"]) as claim:
        assert place.exists(claim) and standing(place)[0]["studies"] == ["alfa", "beta"]
        with claims.held(place, "day", ["gamma"]):
            assert len(standing(place)) == 2
        with pytest.raises(RunError, match="Another batch writes to memory://.*'night' .*studies alfa, beta") as refused:
            claims.held(place, "day", ["beta"]).__enter__()
        assert refused.value.exit_code == 5
        with pytest.raises(RunError):
            claims.held(place, "night", ["gamma"]).__enter__()
        assert [c["batch"] for c in standing(place)] == ["night"]
    assert not standing(place)


def test_a_claim_is_renewed_and_that_of_a_killed_batch_ends(place):
    dead = f"{claims.FOLDER}/{uuid.uuid4().hex}.json"
    place.write(dead, json.dumps({"batch": "night", "studies": ["alfa"], "host": "h", "process": 1, "held": True}).encode())
    begun = time.monotonic()
    with claims.held(place, "night", ["alfa"]) as claim:
        assert claims.HOLDS * 0.7 < time.monotonic() - begun < claims.HOLDS + 2 and not place.exists(dead)
        first = place.modified(claim)
        time.sleep(3 * claims.RENEWED)
        assert place.modified(claim) > first


def test_a_batch_whose_claim_was_taken_for_dead_sends_nothing_more(place):
    with claims.held(place, "night", ["alfa"]) as claim:
        folder = place.folder / "alfa" / "2025" / "whole"
        folder.mkdir(parents=True)
        (folder / "run.json").write_text("{}")
        order = SimpleNamespace(whole_work=place.folder / "w", work=place.folder / "w", target=folder)
        place.deliver(order, claim)
        assert place.exists("alfa/2025/whole/run.json")
        (folder / "run.json").write_text('{"later": 1}')
        place.remove(claim)
        with pytest.raises(RunError, match="not sent. Run the batch again"):
            place.deliver(order, claim)
        assert place.read("alfa/2025/whole/run.json") == b"{}"
        time.sleep(2 * claims.RENEWED)
        assert not place.exists(claim), "what another took is not taken back"


def test_of_many_that_begin_together_one_at_most_goes_on(place):
    inside, most, refused = [], [], []

    def work(number):
        try:
            with claims.held(place, f"batch {number}", ["alfa"]):
                inside.append(number)
                most.append(len(inside))
                time.sleep(1)
                inside.remove(number)
        except RunError:
            refused.append(number)

    together = [threading.Thread(target=work, args=(n,)) for n in range(5)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert most and set(most) == {1} and len(most) + len(refused) == 5 and not standing(place)
