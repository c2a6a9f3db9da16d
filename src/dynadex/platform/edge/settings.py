"""What the edge stands for. Operations write it to a file as JSON; the edge reads that again when it is told to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.routing import ANYWHERE, Record, location_of

#: Route 53's own defaults for its fast health checks.
INTERVAL_SECONDS = 10.0
THRESHOLD = 3
#: Route 53 gives an endpoint four seconds to be connected to and two to answer.
TIMEOUT_SECONDS = 6.0
_LEAST_TIMEOUT_SECONDS = 2.0


class WrongSettings(ValueError):
    """What was read is not what the edge needs; the message names the entry."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`apis`: region → its API's address, the home region first. `records`: which region answers where.

    `indexes`: whose documents are served at `/INDEX/ID`. `interval` in seconds between two checks of a region, of which
    `threshold` in a row must say the same for its health to change.
    """

    apis: Mapping[str, str]
    records: tuple[Record, ...]
    indexes: tuple[str, ...] = ()
    interval: float = INTERVAL_SECONDS
    threshold: int = THRESHOLD

    @property
    def timeout(self) -> float:
        """Seconds that a region has for the answer to a check; less than Route 53's only where checks are denser."""
        return min(TIMEOUT_SECONDS, max(self.interval, _LEAST_TIMEOUT_SECONDS))

    @property
    def detection(self) -> float:
        """Seconds after its loss until a region is known to be down, at the longest."""
        return self.interval + (self.threshold - 1) * max(self.interval, self.timeout) + self.timeout

    def to_json(self) -> dict[str, Any]:
        """As the file has it."""
        return {
            "apis": dict(self.apis),
            "records": records_json(self.records),
            "indexes": list(self.indexes),
            "interval": self.interval,
            "threshold": self.threshold,
        }

    @classmethod
    def of_json(cls, document: Any) -> Settings:
        """Reads what `to_json` made. Raises `WrongSettings`."""
        try:
            apis = {str(region): str(api) for region, api in document["apis"].items()}
            records = tuple(Record(location_of(one["location"]), str(one["region"])) for one in document["records"])
            interval, threshold = float(document["interval"]), int(document["threshold"])
            found = cls(apis, records, tuple(map(str, document["indexes"])), interval, threshold)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise WrongSettings(f"{type(error).__name__}: {error}") from error
        for region, api in apis.items():
            if not re.fullmatch(r"[a-z0-9-]+", region) or not re.match(r"https?://[^/]", api):
                raise WrongSettings(f"apis: {region!r} at {api!r} is not a region and its API")
        if not apis or interval <= 0 or threshold < 1:
            raise WrongSettings("apis, interval and threshold: none may be empty or less than nothing")
        if unknown := {record.region for record in records} - apis.keys():
            raise WrongSettings(f"records: there is no API of {', '.join(sorted(unknown))}")
        return found


def everybody_home(regions: Sequence[str]) -> tuple[Record, ...]:
    """The records where nobody has said any: the home region answers, and the others where it is down."""
    return tuple(Record(ANYWHERE, region) for region in regions)


def records_json(records: Sequence[Record]) -> list[dict[str, str]]:
    """Records in words."""
    return [{"location": str(record.location), "region": record.region} for record in records]
