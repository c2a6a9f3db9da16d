"""The page on AWS: what it is told, how its files are served, and who may call whom."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dynadex import project as projects
from dynadex.operations import stacks, web
from dynadex.operations.steps import Quiet
from dynadex.platform.cloud import Cloud
from dynadex.platform.laptop import Laptop

TOML = """
[project]
name = "songs"
regions = ["us-east-1", "eu-west-1"]
[tables.songs]
partition_key = "id"
[indexes.songs]
table = "songs"
mapping = "mapping.json"
[web]
folder = "web"
"""
APIS = {"us-east-1": "https://one.example.com", "eu-west-1": "https://two.example.com"}
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d"


class Bucket:
    """S3, as far as the page's files go."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}

    def get_paginator(self, _: str) -> Bucket:
        return self

    def paginate(self, Bucket: str) -> Iterator[dict[str, Any]]:
        yield {"Contents": [{"Key": key, "ETag": one["ETag"]} for key, one in self.objects.items()]}

    def put_object(self, Bucket: str, Key: str, Body: bytes, **headers: str) -> None:
        self.objects[Key] = {"ETag": f'"{hashlib.md5(Body).hexdigest()}"', "Body": Body, **headers}

    def delete_object(self, Bucket: str, Key: str) -> None:
        del self.objects[Key]


class CloudFront:
    def __init__(self) -> None:
        self.paths: list[list[str]] = []
        self.away = False

    def create_invalidation(self, DistributionId: str, InvalidationBatch: dict[str, Any]) -> None:
        if self.away:
            raise ConnectionError
        self.paths.append(InvalidationBatch["Paths"]["Items"])


class Account(Cloud):
    """An AWS account whose stacks are put into `stacks` by the test."""

    def __init__(self) -> None:
        super().__init__()
        self.bucket, self.cloudfront = Bucket(), CloudFront()

    def client(self, service: str, region: str) -> Any:
        return {"cloudformation": region, "s3": self.bucket, "cloudfront": self.cloudfront}[service]


@pytest.fixture
def project(tmp_path: Path) -> projects.Project:
    return made(tmp_path)


def made(folder: Path, more: str = "") -> projects.Project:
    (folder / "mapping.json").write_text("{}")
    (folder / "web").mkdir(exist_ok=True)
    for name in ("index.html", "app.js", "face.woff2", ".hidden", "config.json"):
        (folder / "web" / name).write_text(name)
    (folder / "dynadex.toml").write_text(TOML + more)
    return projects.load(folder)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], dict[str, str]]:
    """The stacks, with the parameters they were deployed with, by region and name."""
    found: dict[tuple[str, str], dict[str, str]] = {(region, "songs"): {"AllowedOrigins": ""} for region in APIS}

    def deploy(region: str, stack: str, _body: str, parameters: dict[str, str], _tags: dict[str, str]) -> bool:
        found[region, stack] = dict(parameters)
        return True

    def outputs(region: str, stack: str) -> dict[str, str]:
        if (region, stack) not in found:
            return {}
        if stack == "songs":
            return {"ApiId": "x", "ApiUrl": APIS[region]}
        domain = found[region, stack]["Domain"] or "d1.cloudfront.net"
        return {"BucketName": "files", "DistributionId": "D1", "PageOrigin": f"https://{domain}"}

    monkeypatch.setattr(stacks, "deploy", deploy)
    monkeypatch.setattr(stacks, "outputs", outputs)
    monkeypatch.setattr(stacks, "parameters", lambda region, stack: found.get((region, stack), {}))
    return found


def test_the_page_is_told_of_every_region_and_may_call_no_others(
    project: projects.Project, deployed: dict[tuple[str, str], dict[str, str]]
) -> None:
    cloud = Account()
    address = web.publish(project, cloud, {"us-east-1": APIS["us-east-1"]}, Quiet())
    assert address == "https://d1.cloudfront.net"
    assert deployed["us-east-1", "songs-web"]["ApiOrigins"] == "https://one.example.com https://two.example.com"
    config = cloud.bucket.objects["config.json"]["Body"]
    assert b"https://two.example.com" in config


def test_the_regions_answer_the_page_once_its_address_is_known(
    project: projects.Project, deployed: dict[tuple[str, str], dict[str, str]]
) -> None:
    cloud = Account()
    assert web.origins(project, cloud) == ()
    web.publish(project, cloud, APIS, Quiet())
    assert web.origins(project, cloud) == ("https://d1.cloudfront.net",)
    for region in APIS:
        assert deployed[region, "songs"]["AllowedOrigins"] == "https://d1.cloudfront.net"


def test_a_domain_of_its_own_is_known_before(tmp_path: Path) -> None:
    project = made(tmp_path, f'domain = "songs.example.com"\ncertificate = "{CERTIFICATE}"\n')
    assert web.origins(project, Account()) == ("https://songs.example.com",)


def test_only_what_is_different_is_uploaded_and_invalidated(
    project: projects.Project, deployed: dict[tuple[str, str], dict[str, str]]
) -> None:
    cloud = Account()
    web.publish(project, cloud, APIS, Quiet())
    bucket, cloudfront = cloud.bucket, cloud.cloudfront
    assert set(bucket.objects) == {"index.html", "app.js", "face.woff2", "config.json"}
    web.publish(project, cloud, APIS, Quiet())
    assert len(cloudfront.paths) == 1
    (project.directory / "web/index.html").write_text("another")
    (project.directory / "web/app.js").unlink()
    web.publish(project, cloud, APIS, Quiet())
    assert cloudfront.paths[1] == ["/index.html", "/app.js", "/"]
    assert "app.js" not in bucket.objects


def test_a_run_that_was_cut_off_before_the_invalidation_is_made_up_for(
    project: projects.Project, deployed: dict[tuple[str, str], dict[str, str]]
) -> None:
    cloud = Account()
    web.publish(project, cloud, APIS, Quiet())
    (project.directory / "web/app.js").write_text("another")
    cloud.cloudfront.away = True
    with pytest.raises(ConnectionError):
        web.publish(project, cloud, APIS, Quiet())
    cloud.cloudfront.away = False
    web.publish(project, cloud, APIS, Quiet())
    assert cloud.cloudfront.paths[1:] == [["/*"]]
    web.publish(project, cloud, APIS, Quiet())
    assert len(cloud.cloudfront.paths) == 2
    assert set(cloud.bucket.objects) == {"index.html", "app.js", "face.woff2", "config.json"}


def test_names_are_invalidated_as_addresses_have_them(
    project: projects.Project, deployed: dict[tuple[str, str], dict[str, str]]
) -> None:
    cloud = Account()
    web.publish(project, cloud, APIS, Quiet())
    (project.directory / "web/sub").mkdir()
    (project.directory / "web/sub/Ett träd.svg").write_text("a tree")
    web.publish(project, cloud, APIS, Quiet())
    assert cloud.cloudfront.paths[1] == ["/sub/Ett%20tr%C3%A4d.svg"]


def test_files_are_served_as_what_they_are() -> None:
    assert web.headers("app.js") == {"ContentType": "text/javascript; charset=utf-8", "CacheControl": "no-cache"}
    assert web.headers("index.html")["ContentType"] == "text/html; charset=utf-8"
    assert web.headers("face.woff2") == {"ContentType": "font/woff2", "CacheControl": "public, max-age=604800"}


def test_a_laptop_publishes_nothing(project: projects.Project) -> None:
    cloud = Laptop("http://127.0.0.1:1", {})
    assert web.origins(project, cloud) == ()
    assert web.publish(project, cloud, APIS, Quiet()) is None


@pytest.mark.parametrize(
    ("more", "mistake"),
    [
        ('domain = "songs.example.com"', "web.certificate: missing"),
        (f'certificate = "{CERTIFICATE}"', "web.certificate: not used without domain"),
        ('hosted_zone = "Z0123456789"', "web.hosted_zone: not used without domain"),
        ('domain = "songs.example.com"\ncertificate = "arn:aws:acm:eu-west-1:123456789012:certificate/1"', "us-east-1"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, more: str, mistake: str) -> None:
    with pytest.raises(projects.ProjectError, match=mistake):
        made(tmp_path, more)
