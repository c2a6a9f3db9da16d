"""The model of a DynamoDB table with its stream.

- A write that changes an item makes a record; a put that changes nothing makes none.
- A record has the creation second of the host that took the write, whose clock is off by its skew, rounded down to the
  second or the minute; and a sequence number above all before it in the shard.
- A shard delivers in order. It has a lane for each of its parallel invocations; a key is always in the same one.
- A shard that was split or merged delivers all it has before its children deliver anything.
"""

from __future__ import annotations

from typing import Any

from dynadex.core.attributes import Item
from dynadex.core.versions import TIE_MASK

from .data import KEY_OF, KEYS

Record = dict[str, Any]

#: Seconds that a record can be read for.
RETENTION_SECONDS = 24 * 3600

#: In schedules with ties, records of a second have one of so few, in any order.
TIES = 3


class Lane:
    """Records in the order they are delivered; those before `position` are done with."""

    __slots__ = ("busy", "epoch", "position", "records", "shard")

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.records: list[Record] = []
        self.position = 0
        self.busy = False  # somebody polls it
        self.epoch = 0  # raised when whoever polls it must begin anew


class Shard:
    """A shard of the stream; `children` is empty while it is open."""

    __slots__ = ("children", "keys", "lanes", "parents")

    def __init__(self, keys: list[str], lanes: int, parents: list[Shard]) -> None:
        self.keys, self.parents = keys, parents
        self.lanes = [Lane(self) for _ in range(lanes)]
        self.children: list[Shard] = []

    def drained(self) -> bool:
        """Whether all that it and its parents have was delivered."""
        return all(lane.position == len(lane.records) and not lane.busy for lane in self.lanes) and all(
            parent.drained() for parent in self.parents
        )

    def below(self) -> list[Lane]:
        """The lanes of its children, and of theirs."""
        return [lane for child in self.children for lane in (*child.lanes, *child.below())]


class Table:
    """Items by id, every state they had, and the stream."""

    __slots__ = (
        "_sequence",
        "history",
        "items",
        "lane_of",
        "lanes_a_shard",
        "open_shards",
        "pending",
        "rounding",
        "shards",
        "skews",
        "stamps",
        "ties",
    )

    def __init__(self, shards: int, lanes: int, rounding: int, ties: bool, sequence: int) -> None:
        self.items: dict[str, Item] = {}
        self.history: dict[str, list[tuple[int, Item | None]]] = {id: [] for id in KEYS}  # since when (ms), what
        self.stamps: dict[str, tuple[int, int]] = {}  # of the last write, for last-writer-wins
        self.pending = dict.fromkeys(KEYS, 0)  # records not done with yet
        self.rounding = rounding  # of creation times, in ms
        self.skews = [0, 0]  # ms by which the two hosts' clocks are off
        self._sequence = sequence
        self.ties = ties
        self.lanes_a_shard = lanes
        self.shards = [Shard([id for at, id in enumerate(KEYS) if at % shards == n], lanes, []) for n in range(shards)]
        self.open_shards = list(self.shards)
        self.lane_of: dict[str, Lane] = {}
        for shard in self.shards:
            self.route(shard)

    def route(self, shard: Shard) -> None:
        """Sends the shard's keys' records to its lanes from now on."""
        for at, id in enumerate(shard.keys):
            self.lane_of[id] = shard.lanes[at % len(shard.lanes)]

    def begin_with(self, id: str, item: Item, now: int) -> None:
        """An item that was there before the schedule begins."""
        self.items[id] = item
        self.history[id].append((now, item))

    def write(self, id: str, item: Item | None, now: int, tie: int) -> Lane | None:
        """Puts the item, or deletes it; returns the lane of the record that this made, if it made one."""
        before = self.items.get(id)
        if before is item:
            return None
        if item is None:
            del self.items[id]
        else:
            self.items[id] = item
        self.history[id].append((now, item))
        self._sequence += (tie - self._sequence) % TIE_MASK or TIE_MASK if self.ties else 1
        creation = (now + self.skews[KEYS.index(id) % 2]) // self.rounding * self.rounding // 1000
        data: dict[str, Any] = {
            "ApproximateCreationDateTime": creation,
            "Keys": KEY_OF[id],
            "SequenceNumber": str(self._sequence),
        }
        if item is not None:
            data["NewImage"] = item
        lane = self.lane_of[id]
        event = "REMOVE" if item is None else "INSERT" if before is None else "MODIFY"
        lane.records.append({"eventName": event, "dynamodb": data})
        self.pending[id] += 1
        return lane

    def as_of(self, id: str, time: int) -> Item | None:
        """The item as it was at a time, in ms."""
        state = None
        for since, item in self.history[id]:
            if since > time:
                break
            state = item
        return state

    def trim(self, now: int) -> int:
        """Drops the records that are too old to be read; returns how many of them nobody had read."""
        oldest, lost = now // 1000 - RETENTION_SECONDS, 0
        for shard in self.shards:
            for lane in shard.lanes:
                kept = [
                    record for record in lane.records if record["dynamodb"]["ApproximateCreationDateTime"] >= oldest
                ]
                trimmed = len(lane.records) - len(kept)
                for record in lane.records[lane.position : trimmed]:
                    self.pending[record["dynamodb"]["Keys"]["id"]["S"]] -= 1
                    lost += 1
                lane.records = kept
                lane.position = max(0, lane.position - trimmed)
                lane.epoch += 1
        return lost

    def rewind(self) -> None:
        """Delivers everything that can still be read once more: an event source mapping was made anew."""
        for shard in self.shards:
            for lane in shard.lanes:
                for record in lane.records[: lane.position]:
                    self.pending[record["dynamodb"]["Keys"]["id"]["S"]] += 1
                lane.position = 0
                lane.epoch += 1
