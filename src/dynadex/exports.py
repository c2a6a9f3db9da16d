"""Point-in-time exports of a table to S3, read as a refill reads a scan: page by page.

An export is a folder `…/AWSDynamoDB/EXPORT-ID/`:
- `manifest-summary.json`: the time that the export is of, its table, format and number of items;
- `manifest-files.json`: a line of JSON for each part, with its key, number of items, and MD5 (of the bytes stored: the
  ETag of a single-part upload, which AWS gives beside it, is the MD5 of that);
- `data/….json.gz`: the parts, a line `{"Item": {…}}` in DynamoDB's typed JSON for each item.

The position in an export is a part's key and a number of lines. A part cannot be entered in its middle, so going on
from a position reads the part from its beginning; in return its MD5 is known whenever its end is reached.
"""

from __future__ import annotations

import base64
import gzip
import heapq
import io
import zlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from .aws import AwsError
from .bucket import Bucket
from .core.attributes import Item
from .errors import DynadexError
from .pacing import Patience

_ITEMS_A_PAGE = 1000
_BYTES_A_PAGE = 1024 * 1024
_BUFFER_BYTES = 256 * 1024


class ExportError(DynadexError):
    """An export cannot be refilled from: not complete, of another kind or table, or broken. Trying again won't help."""

    #: How its message begins: not every platform tells the class of a function's error.
    PREFIX = "export: "

    def __init__(self, reason: str) -> None:
        super().__init__(self.PREFIX + reason)


class Part(NamedTuple):
    """One of an export's data files."""

    key: str
    items: int
    md5: str  # in Base64


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export is. `time` is what it is a snapshot of, in whole seconds since 1970, rounded down."""

    time: int
    table_arn: str
    items: int
    parts_key: str


class Page(NamedTuple):
    """Items of a part. `last_key` is the position after them, None at the export's end."""

    items: list[Item]
    last_key: Mapping[str, Any] | None
    date: int
    capacity: float


def manifest(bucket: Bucket, key: str, patience: Patience) -> Manifest:
    """Reads `manifest-summary.json`. Raises `ExportError`."""
    text = _text(bucket, key, patience)
    try:
        told = orjson.loads(text)
        kind = (told["outputFormat"], told.get("exportType", "FULL_EXPORT"))
        made = Manifest(
            int(datetime.fromisoformat(told["exportTime"]).timestamp()),
            told["tableArn"],
            int(told["itemCount"]),
            told["manifestFilesS3Key"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ExportError(f"{key}: not the summary of an export: {type(error).__name__}: {error}") from error
    if kind != ("DYNAMODB_JSON", "FULL_EXPORT"):
        raise ExportError(f"{key}: a full export in DYNAMODB_JSON is needed, this is {kind[1]} in {kind[0]}")
    return made


def check_table(found: Manifest, table: str, region: str) -> None:
    """Raises `ExportError` where the export is of another table; so is one of another region, with times of its own."""
    arn = found.table_arn.split(":")
    if arn[3] != region or arn[5].partition("/")[2] != table:
        raise ExportError(f"the export is of {found.table_arn}, not of {table} in {region}")


def check_time(found: Manifest, generation: str, since: float) -> None:
    """Raises `ExportError` where the export is of a time before that from which on the generation knows deletions."""
    if found.time < since:
        made, known = (datetime.fromtimestamp(second, UTC).isoformat("T", "seconds") for second in (found.time, since))
        raise ExportError(
            f"the export is of {made}, but {generation} knows all deletions only since {known}: "
            "documents of items that were deleted in between would come back; a newer export is needed"
        )


def parts(bucket: Bucket, found: Manifest, patience: Patience) -> list[Part]:
    """Reads `manifest-files.json`. Raises `ExportError`."""
    lines = _text(bucket, found.parts_key, patience).splitlines()
    try:
        told = [orjson.loads(line) for line in lines if line.strip()]
        made = [Part(one["dataFileS3Key"], int(one["itemCount"]), one["md5Checksum"]) for one in told]
    except (ValueError, KeyError, TypeError) as error:
        raise ExportError(f"{found.parts_key}: not a list of parts: {type(error).__name__}: {error}") from error
    if (count := sum(part.items for part in made)) != found.items:
        raise ExportError(f"{found.parts_key}: its parts hold {count} items, the export {found.items}")
    return made


def _text(bucket: Bucket, key: str, patience: Patience) -> bytes:
    try:
        return bucket.read(key, patience)
    except AwsError as error:
        raise ExportError(f"s3://{bucket.name}/{key} cannot be read: {error}") from error


def share(all_parts: Iterable[Part], segment: int, segments: int) -> list[Part]:
    """A segment's parts, so that all segments have about as many items; always the same ones."""
    loads = [(0, number) for number in range(segments)]
    mine = []
    for part in sorted(all_parts, key=lambda part: (-part.items, part.key)):
        if part.items:  # a partition without items makes a part too
            load, number = heapq.heappop(loads)
            heapq.heappush(loads, (load + part.items, number))
            if number == segment:
                mine.append(part)
    return mine


class Pages:
    """The items of parts, one part after the other, each page read while the one before it is being written."""

    def __init__(self, bucket: Bucket, share: Sequence[Part], time: int) -> None:
        self._bucket, self._share, self._time = bucket, share, time
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="export")
        self._number = 0
        self._reader: _Reader | None = None

    def fetch(self, start: Mapping[str, Any] | None, waiting: Patience) -> Future[Page]:
        """The page after the position `start`, to come. The first may be anywhere, each further one follows the last.

        It raises `ExportError`, or `OutOfTime` if S3 does not answer as long as `waiting` is.
        """
        return self._thread.submit(self._page, start, waiting)

    def budget_wait(self) -> float:
        """No read units are used, so none are waited for."""
        return 0.0

    def close(self) -> None:
        """Ends the thread; a page under way is let go."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _page(self, start: Mapping[str, Any] | None, waiting: Patience) -> Page:
        if self._reader is None:
            self._number = self._number_of(start["part"]) if start else self._number
            if self._number >= len(self._share):
                return Page([], None, self._time, 0.0)
            part = self._share[self._number]
            self._reader = _Reader(self._bucket, part, start["line"] if start else 0, waiting)
        items = self._reader.take(waiting)
        if not self._reader.ended:
            last_key = {"part": self._share[self._number].key, "line": self._reader.line}
            return Page(items, last_key, self._time, 0.0)
        self._reader = None
        self._number += 1
        following = self._share[self._number : self._number + 1]
        return Page(items, {"part": following[0].key, "line": 0} if following else None, self._time, 0.0)

    def _number_of(self, key: str) -> int:
        for number, part in enumerate(self._share):
            if part.key == key:
                return number
        raise ExportError(f"{key} is not a part of this segment")


class _Reader:
    """Reads one part from line `skip` on. After the last line it is `ended`, and what was read was right."""

    def __init__(self, bucket: Bucket, part: Part, skip: int, waiting: Patience) -> None:
        self._part = part
        self._object = bucket.open(part.key, waiting)
        self._lines = gzip.GzipFile(fileobj=io.BufferedReader(self._object, _BUFFER_BYTES))
        self.line = 0
        self.ended = False
        while self.line < skip and not self.ended:
            self._next()
        if self.line < skip:
            raise ExportError(f"{part.key}: has {self.line} lines, line {skip} was to go on from")

    def take(self, waiting: Patience) -> list[Item]:
        """The next items, as many as make a page."""
        self._object.patience = waiting
        items: list[Item] = []
        size = 0
        while len(items) < _ITEMS_A_PAGE and size < _BYTES_A_PAGE and (text := self._next()):
            size += len(text)
            try:
                item = orjson.loads(text)["Item"]
            except (ValueError, KeyError, TypeError):
                raise ExportError(f'{self._part.key}: line {self.line} is not {{"Item": …}}') from None
            items.append(item)
        return items

    def _next(self) -> bytes:
        try:
            text = self._lines.readline()
        except (AwsError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ExportError(f"{self._part.key}: broken after line {self.line}: {error}") from error
        if text:
            self.line += 1
        else:
            self._end()
        return text

    def _end(self) -> None:
        self.ended = True
        if self.line != self._part.items:
            raise ExportError(f"{self._part.key}: has {self.line} items, its manifest says {self._part.items}")
        if (md5 := base64.b64encode(self._object.md5.digest()).decode()) != self._part.md5:
            raise ExportError(f"{self._part.key}: has the MD5 {md5}, its manifest says {self._part.md5}")
        self._object.close()
