import pandas as pd
import pytest
from delight.feedback import dates
from hypothesis import given, settings
from hypothesis import strategies as st


def parse(*cells):
    return dates.parse(pd.Series(cells, dtype="str"))


@pytest.mark.parametrize(
    ("cells", "first", "order"),
    [
        (["2024-03-01"], "2024-03-01", "year"),
        (["2024-03-01T10:20:30Z"], "2024-03-01 10:20:30", "year"),
        (["01-03-2024 09:05", "13-03-2024"], "2024-03-01 09:05", "day"),
        (["1/3/2024", "1/25/2024"], "2024-01-03", "month"),
        (["3/1/2024 2:15:33 PM", "3/25/2024 12:05:00 AM"], "2024-03-01 14:15:33", "month"),
        (["1.3.24", "31.3.24"], "2024-03-01", "day"),
        (["12 mrt 2024 10:15"], "2024-03-12 10:15", "year"),
        (["Mar 12, 2024"], "2024-03-12", "year"),
        (["vrijdag 1 maart 2024"], "2024-03-01", "year"),
        (["2024/03/01 2:15:33 PM CET"], "2024-03-01 14:15:33", "year"),
        (["45352"], "2024-03-01", "serial"),
        (["20240301"], "2024-03-01", "year"),
    ],
)
def test_dates_read_as_tools_write_them(cells, first, order):
    found = parse(*cells)
    assert (found.values[0], found.order, found.bad.any()) == (pd.Timestamp(first), order, False)


def test_one_day_above_twelve_decides_for_the_whole_column():
    found = parse("03-04-2024", "05-06-2024", "25-06-2024")
    assert found.values.dt.day.tolist() == [3, 5, 25]
    found = parse("03/04/2024", "05/06/2024", "06/25/2024")
    assert found.values.dt.month.tolist() == [3, 5, 6]


def test_dates_that_leave_the_order_open_are_called_ambiguous():
    assert parse("03-04-2024").order == "ambiguous"


def test_a_cell_against_the_order_of_its_column_is_no_date():
    found = parse("13-01-2024", "14-01-2024", "01-25-2024", "31-02-2024", "soon", None)
    assert found.bad.tolist() == [False, False, True, True, True, False] and found.values.isna().sum() == 4


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.datetimes(min_value=pd.Timestamp("2000-01-01").to_pydatetime(), max_value=pd.Timestamp("2060-01-01").to_pydatetime()), min_size=1
    ),
    st.sampled_from(["%Y-%m-%d %H:%M:%S", "%d-%m-%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M:%S"]),
)
def test_what_was_written_is_read_back(moments, style):
    moments = [pd.Timestamp(m).floor("s") for m in [*moments, pd.Timestamp("2024-01-31")]]
    assert parse(*[m.strftime(style) for m in moments]).values.tolist() == moments


def test_a_long_column_reads_as_a_short_one():
    moments = pd.Series(pd.date_range("2024-01-25", periods=2500, freq="37min"))
    texts = moments.dt.strftime("%d/%m/%Y %H:%M:%S").astype("str")
    texts[5], texts[6] = "12 mrt 2024", "nonsense"
    found = dates.parse(texts)
    assert found.bad.sum() == 1 and found.values[5] == pd.Timestamp("2024-03-12")
    keep = [i for i in range(2500) if i not in (5, 6)]
    assert (found.values[keep] == moments[keep]).all()
