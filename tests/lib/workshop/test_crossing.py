"""Crossed answers are nobody's, and together they say what the answers say."""

import numpy as np
import pandas as pd
import pytest
from delight.errors import RunError
from delight.workshop import room
from delight.workshop.crossing import ALIKE, cross

OUTCOMES = ["overall", "recommend"]


@pytest.fixture(scope="module")
def answers():
    frame, book = room.answers(1)
    newest = frame[frame["wave"] == book.waves[-1]].drop(columns=["wave", "location", "block", "act"])
    return newest.dropna(subset=OUTCOMES).astype(float).reset_index(drop=True), book


@pytest.fixture(scope="module")
def crossed(answers):
    frame, book = answers
    return cross(frame, outcomes=OUTCOMES, n=len(frame), rng=np.random.default_rng(1), together=book.pairs.values(), apart=["churned"])


def test_no_row_is_anybodys(answers, crossed):
    frame, _ = answers
    assert list(crossed) == list(frame) and len(crossed) == len(frame)
    assert crossed.fillna(-1).merge(frame.fillna(-1), how="inner", on=[c for c in frame if c != "churned"]).empty


def test_who_knows_many_answers_of_a_customer_cannot_tell_whether_she_left(answers):
    frame, book = answers
    shuffled = frame.sample(frac=1, random_state=1)
    asked, others = shuffled.iloc[:1000].reset_index(drop=True), shuffled.iloc[1000:]
    known = [c for c in frame if c != "churned"]

    def found(apart):
        """Of those said to have left, judged by the rows most alike, how many did: customers in the room and customers elsewhere."""
        crossed = cross(asked, outcomes=OUTCOMES, n=1000, rng=np.random.default_rng(5), together=book.pairs.values(), apart=apart)
        rows, left = crossed[known].fillna(-1).to_numpy(), crossed["churned"].to_numpy()
        for people in (asked, others):
            same = [(rows == person).sum(axis=1) for person in people[known].fillna(-1).to_numpy()]
            said = np.array([left[s == s.max()].mean() >= 0.5 for s in same])
            yield people["churned"][said].mean()

    inside, elsewhere = found(["churned"])
    assert inside < elsewhere + 0.12 and inside < 0.25, (inside, elsewhere)
    assert next(found([])) > 0.5  # the attack finds them where they are not drawn apart


def test_what_is_apart_follows_the_grades(answers, crossed):
    frame, _ = answers
    of = [f.groupby(f["recommend"] >= 9)["churned"].mean() for f in (frame, crossed)]
    assert np.abs(of[0] - of[1]).max() < 0.03


def test_a_row_is_made_of_answers_to_the_same_grades(answers, crossed):
    frame, _ = answers
    asked = crossed.fillna(-1)[[*OUTCOMES, "warmth"]].drop_duplicates()
    assert len(asked.merge(frame.fillna(-1)[[*OUTCOMES, "warmth"]].drop_duplicates())) == len(asked)


def test_grades_that_one_or_two_gave_are_left_out(answers, crossed):
    frame, _ = answers
    counted = frame.groupby(OUTCOMES).size()
    assert (counted < ALIKE).any() and all(counted[tuple(pair)] >= ALIKE for pair in crossed[OUTCOMES].drop_duplicates().to_numpy())


def test_a_kano_pair_stays_as_somebody_gave_it(answers, crossed):
    frame, book = answers
    for pair in book.pairs.values():
        given = set(map(tuple, frame[list(pair)].fillna(-1).to_numpy()))
        assert set(map(tuple, crossed[list(pair)].fillna(-1).to_numpy())) <= given


def test_means_spreads_and_relations_stay(answers, crossed):
    frame, book = answers
    columns = [*OUTCOMES, *book.attributes, *book.needs]
    assert np.abs(crossed[columns].mean() - frame[columns].mean()).max() < 0.15
    assert np.abs(crossed[columns].std() / frame[columns].std() - 1).max() < 0.12
    assert np.abs((crossed[columns].corr() - frame[columns].corr()).to_numpy()).max() < 0.15


def test_weights_say_whose_answers_are_drawn():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {"overall": np.repeat([7.0, 9.0], 200), "a": rng.integers(1, 11, 400), "b": rng.integers(1, 11, 400), "c": rng.integers(1, 11, 400)}
    )
    drawn = cross(frame, outcomes=["overall"], n=300, rng=rng, chance=np.repeat([0.0, 1.0], 200))
    assert (drawn["overall"] == 9).all()


def test_answers_that_many_gave_alike_may_be_anybodys():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.integers(0, 2, (400, 4)).astype(float), columns=["overall", "a", "b", "c"])
    drawn = cross(frame, outcomes=["overall"], n=200, rng=rng)
    counted = frame.value_counts()
    assert len(drawn) == 200 and all(counted.get(tuple(row), ALIKE) >= ALIKE for row in drawn.to_numpy())


def test_too_few_alike_is_said():
    with pytest.raises(RunError, match="too alike, or too few"):
        cross(pd.DataFrame({"overall": np.arange(10.0), "a": np.arange(10.0)}), outcomes=["overall"], n=5, rng=np.random.default_rng(4))
