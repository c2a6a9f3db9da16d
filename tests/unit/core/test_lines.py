"""A file becomes one item or one problem a line, and cells become what the schema says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dynadex.core.lines import WrongFile, csv_lines, json_lines

PROPERTIES = {
    "id": {"type": "string"},
    "year": {"type": "integer"},
    "rating": {"type": ["number", "null"]},
    "draft": {"type": "boolean"},
    "chords": {"type": "array", "items": {"type": "string"}},
    "numbers": {"type": "array", "items": {"type": "integer"}},
    "by": {"type": "object"},
}


def test_cells_are_what_the_schema_says() -> None:
    text = '\ufeffid,year,rating,draft,chords,numbers,by,other\r\n007,1979,4.50,TRUE,Am; C#m ;G,1; 2,"{""a"": 1}",5\r\n'
    [line] = csv_lines(text, PROPERTIES)
    assert line.problems == {}
    assert line.item == {
        "id": "007",
        "year": 1979,
        "rating": Decimal("4.50"),
        "draft": True,
        "chords": ["Am", "C#m", "G"],
        "numbers": [1, 2],
        "by": {"a": 1},
        "other": "5",
    }


def test_an_empty_cell_is_no_attribute_and_an_empty_line_no_item() -> None:
    lines = list(csv_lines("id,year\na,\n\n,\nb,1\n", PROPERTIES))
    assert [(line.number, line.item) for line in lines] == [(2, {"id": "a"}), (5, {"id": "b", "year": 1})]


def test_a_quoted_cell_may_go_over_lines_and_the_next_line_keeps_its_number() -> None:
    lines = list(csv_lines('id,text\na,"one\ntwo, three"\nb,x\n', PROPERTIES))
    assert [(line.number, line.item and line.item["text"]) for line in lines] == [(2, "one\ntwo, three"), (4, "x")]


def test_wrong_cells_are_told_by_column() -> None:
    [line] = csv_lines("id,year,draft,by,numbers\na,x,maybe,{,1;x\n", PROPERTIES)
    assert set(line.problems) == {"year", "draft", "by", "numbers"}


def test_a_line_with_too_many_cells_is_a_problem_of_its_own() -> None:
    wrong, right = csv_lines("id\na,b\nc\n", PROPERTIES)
    assert (wrong.item, list(wrong.problems)) == (None, [""])
    assert right.item == {"id": "c"}


def test_only_line_feeds_and_carriage_returns_end_a_line() -> None:
    others = "\u2028\u2029\x85\v\f\x1c"
    lines = list(csv_lines(f'id,text\na,1{others}2\r"b","3{others}\n4"\r\nc,\n', PROPERTIES))
    assert [(line.number, line.item) for line in lines] == [
        (2, {"id": "a", "text": f"1{others}2"}),
        (3, {"id": "b", "text": f"3{others}\n4"}),
        (5, {"id": "c"}),
    ]


@pytest.mark.parametrize("text", ["", "a,a\n", "a,,b\n", "\n"])
def test_a_first_line_that_names_no_columns_is_refused(text: str) -> None:
    with pytest.raises(WrongFile):
        list(csv_lines(text, PROPERTIES))


@pytest.mark.parametrize(
    "text",
    [
        '{"id": NaN}',
        '{"id": [-Infinity]}',
        '{"id": "\\ud800"}',
        '{"\\ud800": 1}',
        '{"id": 1e9999999999999999999}',
        '{"id": ' + "[" * 600 + "]" * 600 + "}",
        '{"id": ' + "[" * 100_000,
    ],
)
def test_a_line_that_no_json_can_say_fails_alone(text: str) -> None:
    wrong, right = json_lines(text + '\n{"id": "b"}\n')
    assert (wrong.item, wrong.problems) == (None, {"": "is not JSON"})
    assert right.item == {"id": "b"}


def test_a_cell_that_no_json_can_say_is_a_problem_of_its_column() -> None:
    deep = "[" * 600 + "]" * 600
    lines = list(csv_lines(f'id,chords\na,"[""\\ud800""]"\nb,[NaN]\nc,{deep}\nd,\n', PROPERTIES))
    assert [dict(line.problems) for line in lines] == [{"chords": "is not JSON"}] * 3 + [{}]


def test_json_lines_keep_numbers_and_report_what_is_no_object() -> None:
    text = '{"n": 1.10000000000000000000000001}\n\n[1]\n{"n":\r\n{"n": 2.0}'
    lines = list(json_lines(text))
    assert [line.number for line in lines] == [1, 3, 4, 5]
    assert lines[0].item == {"n": Decimal("1.10000000000000000000000001")}
    assert [bool(line.problems) for line in lines] == [False, True, True, False]
    assert lines[3].item == {"n": 2}
