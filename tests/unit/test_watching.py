"""What the event sources and the marks of a region look like on AWS."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from dynadex.aws import AwsError, Reply, Service
from dynadex.core.gaps import Gap, Mark
from dynadex.watching import Watcher

TABLE = "arn:aws:dynamodb:eu-west-1:1:table/shop-songs"
FUNCTION = "arn:aws:lambda:eu-west-1:1:function:shop-stream"
LOGS = "/aws/lambda/shop-stream"
LINE, OTHER = '{"event":"expiring","table":"songs"}', '{"event":"expiring","table":"albums"}'


def mapping(**more: Any) -> dict[str, Any]:
    told = {"UUID": "one", "EventSourceArn": f"{TABLE}/stream/new", "State": "Enabled", "LastModified": 1.8e9}
    return told | {"LastProcessingResult": "OK"} | more


class Region:
    """Lambda, DynamoDB and the Parameter Store; each page of event sources has one."""

    def __init__(self, *mappings: dict[str, Any]) -> None:
        self.mappings = mappings
        self.parameters: dict[str, str] = {}
        self.pages: list[list[str]] = [[]]  # of log lines

    def service(self, name: str) -> Service:
        return cast(Service, self)

    def get(self, path: str) -> bytes:
        assert path.startswith("/2015-03-31/event-source-mappings/?FunctionName=arn%3Aaws%3Alambda")
        page = int(path.partition("Marker=")[2] or 0)
        more = {"NextMarker": str(page + 1)} if page + 1 < len(self.mappings) else {}
        return json.dumps({"EventSourceMappings": self.mappings[page : page + 1], **more}).encode()

    def call(self, operation: str, request: dict[str, Any]) -> Reply:
        match operation:
            case "DescribeTable":
                return Reply(json.dumps({"Table": {"LatestStreamArn": f"{TABLE}/stream/new"}}).encode(), 0)
            case "FilterLogEvents":
                assert (request["logGroupName"], request["startTime"]) == (LOGS, 5000)
                page = int(request.get("nextToken", 0))
                more = {"nextToken": str(page + 1)} if page + 1 < len(self.pages) else {}
                return Reply(
                    json.dumps({"events": [{"message": line} for line in self.pages[page]], **more}).encode(), 0
                )
            case "PutParameter":
                assert request["Overwrite"]
                self.parameters[request["Name"]] = request["Value"]
                return Reply(b"{}", 0)
        if request["Name"] not in self.parameters:
            raise AwsError("ssm", operation, "ParameterNotFound", "")
        return Reply(json.dumps({"Parameter": {"Value": self.parameters[request["Name"]]}}).encode(), 0)


def watcher(*mappings: dict[str, Any]) -> Watcher:
    return Watcher("shop", FUNCTION, LOGS, Region(*mappings).service)


@pytest.mark.parametrize(
    ("told", "trouble"),
    [
        ({}, ""),
        ({"LastProcessingResult": "OK - 3 records"}, ""),
        ({"LastProcessingResult": "No records processed"}, ""),
        ({"LastProcessingResult": None}, ""),
        ({"LastProcessingResult": "PROBLEM: Function call failed"}, "PROBLEM: Function call failed"),
        ({"LastProcessingResult": "FAILED"}, "FAILED"),
        ({"State": "Disabled"}, "disabled"),
        ({"State": "Updating"}, "updating"),
        ({"EventSourceArn": f"{TABLE}/stream/old"}, "a stream that the table has no more"),
    ],
)
def test_an_event_source_is_sound_or_says_why_not(told: dict[str, Any], trouble: str) -> None:
    source = watcher(mapping(**told)).look("songs", "shop-songs", None)
    assert source is not None
    assert (source.id, source.changed) == ("one", 1_800_000_000)
    assert trouble in source.trouble
    assert bool(source.trouble) == bool(trouble)


def test_the_table_s_own_is_found_on_any_page_and_a_sound_one_before_others() -> None:
    other = mapping(UUID="other", EventSourceArn="arn:aws:dynamodb:eu-west-1:1:table/shop-songs-2/stream/x")
    old = mapping(UUID="old", State="Disabled")
    source = watcher(other, old, mapping()).look("songs", "shop-songs", None)
    assert source is not None
    assert source.id == "one"
    assert watcher(other).look("songs", "shop-songs", None) is None


@pytest.mark.parametrize(("pages", "expiring"), [([[], ["no JSON", OTHER]], False), ([[], [OTHER], [LINE]], True)])
def test_records_about_to_expire_are_found_in_the_log_since_the_mark(pages: list[list[str]], expiring: bool) -> None:
    region = Region(mapping())
    region.pages = pages
    source = Watcher("shop", FUNCTION, LOGS, region.service).look("songs", "shop-songs", Mark("one", "s", 5))
    assert source is not None
    assert source.expiring == expiring


def test_a_mark_is_kept_where_it_is_found_again() -> None:
    region = Region()
    found = Watcher("shop", FUNCTION, LOGS, region.service)
    assert found.mark("songs") is None
    for mark in (Mark("one", "s", 5), Mark("one", "s", 6, gap=Gap("outage", 1, 6, ("songs",)))):
        found.keep("songs", mark)
        assert found.mark("songs") == mark
    assert list(region.parameters) == ["/dynadex/shop/stream/songs"]


def test_another_error_of_the_store_is_no_missing_mark() -> None:
    class Away(Region):
        def call(self, operation: str, request: dict[str, Any]) -> Reply:
            raise AwsError("ssm", operation, "AccessDeniedException", "")

    with pytest.raises(AwsError, match="AccessDenied"):
        Watcher("shop", FUNCTION, LOGS, Away().service).mark("songs")
