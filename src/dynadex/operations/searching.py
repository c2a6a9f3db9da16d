"""Asks a region's HTTP API, the way users do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3

from ..errors import DynadexError
from ..platform.cloud import Cloud
from ..project import Project
from . import deployed

_HEALTH_SECONDS = 10.0


class SearchFailed(DynadexError):
    """The API did not find anything out; the message is its own."""


def health(project: Project, cloud: Cloud, region: str) -> dict[str, Any]:
    """What the region's /health says. Where it does not answer: not healthy, with the reason as its `problem`."""
    url = f"{deployed.api(project, cloud, region)}/health"
    try:
        answer = urllib3.request("GET", url, timeout=_HEALTH_SECONDS, retries=False)
        document = json.loads(answer.data)
        if isinstance(document, dict) and "healthy" in document:
            return document
        problem = f"the API answered {answer.status}, and nothing about its health"
    except urllib3.exceptions.HTTPError as error:
        problem = f"the API does not answer: {error}"
    except ValueError:
        problem = f"the API answered {answer.status}, without JSON"
    return {"healthy": False, "region": region, "problem": problem}


def search(project: Project, cloud: Cloud, region: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    """The API's answer to a search. Raises `SearchFailed` with the problem document's detail."""
    url = f"{deployed.api(project, cloud, region)}/search?{urlencode(parameters)}"
    try:
        answer = urllib3.request("GET", url, timeout=30.0, retries=False)
    except urllib3.exceptions.HTTPError as error:
        raise SearchFailed(f"the API of {region} does not answer: {error}") from error
    try:
        document: dict[str, Any] = json.loads(answer.data)
    except ValueError:
        raise SearchFailed(f"the API of {region} answered {answer.status}, without JSON") from None
    if answer.status != 200:
        raise SearchFailed(f"{document.get('title', answer.status)}: {document.get('detail', document)}")
    return document
