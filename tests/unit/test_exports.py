"""Reading exports: manifests, shares, parts from any position, and everything that can be wrong with them."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from dynadex import exports
from dynadex.aws import Service
from dynadex.bucket import Bucket
from dynadex.exports import ExportError, Part
from dynadex.pacing import OutOfTime, Patience
from tests.unit.stored_exports import FOLDER, MANIFEST, TABLE_ARN, Storage, storage, store

TIME = "2027-01-15T08:00:00.934Z"
SECOND = 1_800_000_000


@pytest.fixture
def stored() -> Iterator[Storage]:
    with storage() as made:
        yield made


def waiting(seconds: float = 20.0) -> Patience:
    return Patience(seconds, first=0.001, longest=0.01)


def items(count: int, name: str = "k") -> list[dict[str, Any]]:
    return [{"id": {"S": f"{name}{number}"}, "title": {"S": "One"}} for number in range(count)]


def everything(
    found: exports.Pages, start: Mapping[str, Any] | None = None
) -> tuple[list[str], list[Mapping[str, Any] | None]]:
    """The ids of all items from a position on, and the position after each page."""
    ids: list[str] = []
    keys: list[Mapping[str, Any] | None] = []
    try:
        while True:
            page = found.fetch(start, waiting()).result(20)
            assert page.capacity == 0
            ids += [item["id"]["S"] for item in page.items]
            keys.append(page.last_key)
            start = page.last_key
            if start is None:
                return ids, keys
    finally:
        found.close()


def pages(stored: Storage, segment: int = 0, segments: int = 1) -> exports.Pages:
    found = exports.manifest(stored.bucket, MANIFEST, waiting())
    parts = exports.parts(stored.bucket, found, waiting())
    return exports.Pages(stored.bucket, exports.share(parts, segment, segments), found.time)


# -- Manifests


def test_a_manifest_tells_the_time_rounded_down_and_the_table(stored: Storage) -> None:
    store(stored, [items(3), []], TIME)
    found = exports.manifest(stored.bucket, MANIFEST, waiting())
    assert found == exports.Manifest(SECOND, TABLE_ARN, 3, f"{FOLDER}/manifest-files.json")
    assert [part.items for part in exports.parts(stored.bucket, found, waiting())] == [3, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outputFormat": "ION"}, "a full export in DYNAMODB_JSON is needed, this is FULL_EXPORT in ION"),
        ({"exportType": "INCREMENTAL_EXPORT"}, "this is INCREMENTAL_EXPORT in DYNAMODB_JSON"),
        ({"exportTime": "soon"}, "not the summary of an export: ValueError"),
        ({"itemCount": None}, "not the summary of an export: TypeError"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(stored: Storage, change: dict[str, Any], message: str) -> None:
    store(stored, [items(1)], TIME, **change)
    with pytest.raises(ExportError, match=message):
        exports.manifest(stored.bucket, MANIFEST, waiting())


def test_a_manifest_that_is_not_there_or_not_json_is_told_by_its_key(stored: Storage) -> None:
    with pytest.raises(ExportError, match=f"s3://exports-of-mine/{MANIFEST} cannot be read: .*NoSuchKey"):
        exports.manifest(stored.bucket, MANIFEST, waiting())
    stored.objects[MANIFEST] = b"{"
    with pytest.raises(ExportError, match="not the summary of an export"):
        exports.manifest(stored.bucket, MANIFEST, waiting())


def test_a_list_of_parts_that_is_broken_or_cut_off_is_refused(stored: Storage) -> None:
    store(stored, [items(2), items(3)], TIME)
    found = exports.manifest(stored.bucket, MANIFEST, waiting())
    whole = stored.objects[found.parts_key]
    stored.objects[found.parts_key] = whole.splitlines(keepends=True)[0]
    with pytest.raises(ExportError, match="its parts hold 2 items, the export 5"):
        exports.parts(stored.bucket, found, waiting())
    stored.objects[found.parts_key] = whole[:-20]
    with pytest.raises(ExportError, match="not a list of parts"):
        exports.parts(stored.bucket, found, waiting())


def test_an_export_of_another_table_or_region_is_refused() -> None:
    found = exports.Manifest(SECOND, TABLE_ARN, 0, "")
    exports.check_table(found, "shop-lessons", "us-east-1")
    for table, region in (("shop-songs", "us-east-1"), ("shop-lessons", "eu-west-1")):
        with pytest.raises(ExportError, match=f"not of {table} in {region}"):
            exports.check_table(found, table, region)


def test_an_export_from_before_the_generation_knew_all_deletions_is_refused() -> None:
    found = exports.Manifest(SECOND, TABLE_ARN, 0, "")
    exports.check_time(found, "lessons-v1", SECOND)
    with pytest.raises(ExportError, match=r"of 2027-01-15T08:00:00\+00:00, but lessons-v1 .* 2027-01-15T08:00:01"):
        exports.check_time(found, "lessons-v1", SECOND + 1)


# -- Shares


def test_segments_share_all_parts_by_their_items_and_always_alike() -> None:
    parts = [Part(f"p{number}", count, "") for number, count in enumerate((5, 90, 0, 40, 41, 4))]
    shares = [exports.share(parts, segment, 3) for segment in range(3)]
    assert [sum(part.items for part in share) for share in shares] == [90, 45, 45]
    assert sorted(part.key for share in shares for part in share) == ["p0", "p1", "p3", "p4", "p5"]
    assert shares == [exports.share(reversed(parts), segment, 3) for segment in range(3)]
    assert exports.share(parts[:1], 1, 2) == []


# -- Parts


def test_all_items_of_all_parts_are_read_in_pages(stored: Storage) -> None:
    first, second = store(stored, [items(2500, "a"), [], items(2, "b")], TIME)[::2]
    ids, keys = everything(pages(stored))
    assert ids == [f"a{number}" for number in range(2500)] + ["b0", "b1"]
    lines = [{"part": first, "line": 1000}, {"part": first, "line": 2000}, {"part": second, "line": 0}, None]
    assert keys == lines


def test_a_page_ends_with_a_megabyte_too(stored: Storage) -> None:
    big = [{"id": {"S": str(number)}, "text": {"S": "x" * 350_000}} for number in range(7)]
    (key,) = store(stored, [big], TIME)
    assert everything(pages(stored))[1] == [{"part": key, "line": 3}, {"part": key, "line": 6}, None]


def test_a_segment_without_parts_has_an_empty_page(stored: Storage) -> None:
    store(stored, [items(3)], TIME)
    assert everything(pages(stored, 1, 2)) == ([], [None])


def test_reading_goes_on_from_every_position(stored: Storage) -> None:
    store(stored, [items(2100, "a"), items(1100, "b")], TIME)
    ids, keys = everything(pages(stored))
    for number, key in enumerate(keys[:-1]):
        rest, after = everything(pages(stored), key)
        assert after == keys[number + 1 :]
        assert rest == ids[-len(rest) :]


def test_a_position_at_a_part_s_last_line_goes_on_with_the_next(stored: Storage) -> None:
    (first, _) = store(stored, [items(1000, "a"), items(1, "b")], TIME)
    assert everything(pages(stored))[1][0] == {"part": first, "line": 1000}
    assert everything(pages(stored), {"part": first, "line": 1000})[0] == ["b0"]


@pytest.mark.parametrize(
    ("position", "message"),
    [
        ({"part": "elsewhere", "line": 0}, "elsewhere is not a part of this segment"),
        ({"part": f"{FOLDER}/data/part0.json.gz", "line": 4}, "has 3 lines, line 4 was to go on from"),
    ],
)
def test_a_position_that_cannot_be_is_refused(stored: Storage, position: dict[str, Any], message: str) -> None:
    store(stored, [items(3)], TIME)
    with pytest.raises(ExportError, match=message):
        everything(pages(stored), position)


def test_values_of_all_types_come_through_as_they_were(stored: Storage) -> None:
    item = {
        "id": {"S": "ö ☃"},
        "n": {"N": "1E+125"},
        "b": {"B": "AAEC"},
        "set": {"BS": ["AA==", "AQ=="]},
        "deep": {"M": {"list": {"L": [{"NULL": True}, {"BOOL": False}, {"NS": ["1", "2.50"]}]}}},
    }
    store(stored, [[item]], TIME)
    found = pages(stored)
    assert found.fetch(None, waiting()).result(20).items == [item]
    found.close()


# -- What breaks


def test_a_connection_that_breaks_is_taken_up_where_it_was(stored: Storage) -> None:
    (key,) = store(stored, [items(3000)], TIME)
    found = pages(stored)
    stored.whole, stored.breaks = 2500, 3
    assert everything(found)[0] == [f"k{number}" for number in range(3000)]
    assert stored.ranges == ["bytes=2500-", "bytes=5000-", "bytes=7500-"]
    assert stored.gets[-4:] == [key] * 4


def test_a_part_that_is_replaced_while_it_is_read_is_refused(stored: Storage) -> None:
    (key,) = store(stored, [items(3000)], TIME)
    found = pages(stored)
    stored.whole, stored.breaks = 3000, 1
    stored.on_break = lambda: stored.objects.update({key: stored.objects[key] + b"more"})
    with pytest.raises(ExportError, match=f"{key}: broken after line .*PreconditionFailed"):
        everything(found)


def test_a_storage_that_is_busy_is_asked_again_while_there_is_time(stored: Storage) -> None:
    store(stored, [items(3)], TIME)
    stored.busy = 3
    assert everything(pages(stored))[0] == ["k0", "k1", "k2"]
    found = pages(stored)
    stored.busy = 1_000_000
    with pytest.raises(OutOfTime, match="SlowDown"):
        found.fetch(None, waiting(0.05)).result(20)
    found.close()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (gzip.compress(b'{"Item": {"id": {"S": "k0"}}}\n', mtime=0)[:-9], "broken after line"),
        (b"plain text", "broken after line 0: Not a gzipped file"),
        (gzip.compress(b"{}\n"), 'line 1 is not {"Item": …}'),
        (gzip.compress(b"[]\n"), 'line 1 is not {"Item": …}'),
        (gzip.compress(b'{"Item"'), 'line 1 is not {"Item": …}'),
        (gzip.compress(b""), "has 0 items, its manifest says 1"),
        (gzip.compress(b'{"Item": {"id": {"S": "k0"}}}\n' * 2), "has 2 items, its manifest says 1"),
        (gzip.compress(b'{"Item": {"id": {"S": "other"}}}\n'), "has the MD5 .*==, its manifest says"),
    ],
    ids=["cut off", "no gzip", "no item", "a list", "no JSON", "empty", "too long", "other content"],
)
def test_a_broken_part_is_refused_by_its_key(stored: Storage, body: bytes, message: str) -> None:
    (key,) = store(stored, [items(1)], TIME)
    stored.objects[key] = body
    with pytest.raises(ExportError, match=f"^export: {key}: {message}"):
        everything(pages(stored))


def test_a_flipped_byte_in_the_middle_is_found(stored: Storage) -> None:
    (key,) = store(stored, [items(50)], TIME)
    body = bytearray(stored.objects[key])
    body[len(body) // 2] ^= 0x40
    stored.objects[key] = bytes(body)
    with pytest.raises(ExportError, match=key):
        everything(pages(stored))


def test_a_part_that_is_gone_is_told(stored: Storage) -> None:
    (key,) = store(stored, [items(1)], TIME)
    del stored.objects[key]
    with pytest.raises(ExportError, match=f"{key}: broken after line 0: s3 GET: NoSuchKey"):
        everything(pages(stored))


def test_memory_stays_flat_however_long_a_part_is(stored: Storage) -> None:
    def peak(count: int) -> int:
        text = "".join(
            json.dumps({"Item": {"id": {"S": str(number)}, "t": {"S": "word " * 100}}}) + "\n"
            for number in range(count)
        )
        body = gzip.compress(text.encode(), 1)
        stored.objects["part"] = body
        found = exports.Pages(stored.bucket, [Part("part", count + 1, "")], SECOND)
        start: Mapping[str, Any] | None = None
        tracemalloc.start()
        try:
            for number in range(count // 1000):
                start = found.fetch(start, waiting()).result(20).last_key
                assert start == {"part": "part", "line": (number + 1) * 1000}
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            found.close()

    peak(4_000)  # whatever is made once
    assert peak(80_000) < 1.2 * peak(4_000)


# -- Addresses


def test_a_bucket_is_a_host_on_aws_and_a_path_elsewhere() -> None:
    def url(endpoint: str | None, bucket: str, region: str = "us-east-1") -> str:
        return Bucket(bucket, Service("s3", region, endpoint=endpoint))._url("a b/c+d.gz")

    assert url(None, "mine") == "https://mine.s3.us-east-1.amazonaws.com/a%20b/c%2Bd.gz"
    assert url(None, "mine", "cn-north-1") == "https://mine.s3.cn-north-1.amazonaws.com.cn/a%20b/c%2Bd.gz"
    assert url(None, "my.bucket") == "https://s3.us-east-1.amazonaws.com/my.bucket/a%20b/c%2Bd.gz"
    assert url("http://127.0.0.1:4566", "mine") == "http://127.0.0.1:4566/mine/a%20b/c%2Bd.gz"
