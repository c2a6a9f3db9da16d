"""Looks at a table's event source and keeps the mark by which gaps are found; see `core.gaps`.

The mark is a parameter of the region's Parameter Store, `/dynadex/PROJECT/stream/TABLE`: it outlives the event source,
the index and the functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from .aws import AwsError, Service
from .core.gaps import Mark, Source

#: What an event source says of its last batch where all is well; it begins like this.
_WELL = ("OK", "No records processed")


class Watcher:
    """Looks at the event sources of one project in one region. `service` gives a service of the region by its name.

    `stream_function` is the stream function's ARN, `logs` the name of its log group.
    """

    def __init__(self, project: str, stream_function: str, logs: str, service: Callable[[str], Service]) -> None:
        self._project, self._function, self._logs, self._service = project, stream_function, logs, service

    def look(self, table: str, physical_name: str, mark: Mark | None) -> Source | None:
        """The event source that feeds the stream function from a table, if there is one."""
        found = [one for one in self._sources() if one["EventSourceArn"].split("/")[1] == physical_name]
        if not found:
            return None
        stream = self._stream(physical_name)
        sources = [_source(one, stream) for one in found]
        source = next((one for one in sources if not one.trouble), sources[0])
        return replace(source, expiring=mark is not None and self._expiring(table, mark.sound))

    def _expiring(self, table: str, since: int) -> bool:
        """Whether the stream function has applied records that were about to expire."""
        request = {
            "logGroupName": self._logs,
            "startTime": since * 1000,
            "filterPattern": '{ ($.event = "expiring") }',  # not all platforms know `&&`
        }
        while True:
            answer = json.loads(self._service("logs").call("FilterLogEvents", request).body)
            if any(_is_about(event["message"], table) for event in answer["events"]):
                return True
            if not answer.get("nextToken"):
                return False
            request["nextToken"] = answer["nextToken"]

    def _sources(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        query = {"FunctionName": self._function}
        while True:
            answer = json.loads(self._service("lambda").get(f"/2015-03-31/event-source-mappings/?{urlencode(query)}"))
            found += answer["EventSourceMappings"]
            if not answer.get("NextMarker"):
                return found
            query["Marker"] = answer["NextMarker"]

    def _stream(self, physical_name: str) -> str:
        reply = self._service("dynamodb").call("DescribeTable", {"TableName": physical_name})
        return str(json.loads(reply.body)["Table"].get("LatestStreamArn", ""))

    def mark(self, table: str) -> Mark | None:
        """What is kept of a table, by its logical name; None before anybody looked."""
        try:
            reply = self._service("ssm").call("GetParameter", {"Name": self._parameter(table)})
        except AwsError as error:
            if error.code == "ParameterNotFound":
                return None
            raise
        return Mark.of_json(json.loads(json.loads(reply.body)["Parameter"]["Value"]))

    def keep(self, table: str, mark: Mark) -> None:
        """Keeps a table's mark."""
        value = json.dumps(mark.to_json(), separators=(",", ":"))
        request = {"Name": self._parameter(table), "Value": value, "Type": "String", "Overwrite": True}
        self._service("ssm").call("PutParameter", request)

    def _parameter(self, table: str) -> str:
        return f"/dynadex/{self._project}/stream/{table}"


def _is_about(message: str, table: str) -> bool:
    try:
        line = json.loads(message)
    except ValueError:
        return False
    return isinstance(line, dict) and (line.get("event"), line.get("table")) == ("expiring", table)


def _source(mapping: dict[str, Any], table_stream: str) -> Source:
    result = str(mapping.get("LastProcessingResult") or _WELL[1])
    trouble = ""
    if mapping["State"] != "Enabled":
        trouble = f"its event source is {str(mapping['State']).lower()}"
    elif not result.startswith(_WELL):
        trouble = f"its event source says: {result}"
    elif mapping["EventSourceArn"] != table_stream:
        trouble = "its event source reads a stream that the table has no more: deploy again"
    return Source(
        mapping["UUID"],
        mapping["EventSourceArn"],
        int(mapping["LastModified"]),
        trouble,
        state=str(mapping["State"]),
        result=result,
    )
