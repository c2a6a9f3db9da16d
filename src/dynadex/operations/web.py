"""The page on AWS: its files in a private bucket behind CloudFront, told where the regions' APIs are.

The page may call the APIs that its content-security policy names, and the APIs answer the page's origin. Neither can be
known before the other, so the regions come first, then the page; and where CloudFront has only then chosen the page's
address, the regions are told of it.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ..platform.cloud import Cloud
from ..project import Project
from . import stacks
from .steps import Steps

#: The page reads where the APIs are from this file; the one in the folder is for a laptop.
CONFIG = "config.json"
#: Files of one deployment must be seen together, so browsers ask again each time; what never changes need not be.
_ASK_AGAIN = "no-cache"
_LASTING = "public, max-age=604800"
_LASTING_KINDS = (".woff2", ".svg", ".png", ".ico", ".webp")
_TYPES = {".js": "text/javascript", ".woff2": "font/woff2", ".json": "application/json", ".svg": "image/svg+xml"}
_MOST_INVALIDATED = 15
#: An empty object that is in the bucket from the first change until CloudFront has been told of all of them.
_CHANGING = ".changing"


def stack_name(project: Project) -> str:
    """The page's stack, in the home region."""
    return f"{project.name}-web"


def origins(project: Project, cloud: Cloud) -> tuple[str, ...]:
    """The page's origin, as far as it is known."""
    if project.web is None or not cloud.publishes_pages:
        return ()
    if project.web.domain:
        return (f"https://{project.web.domain}",)
    found = stacks.outputs(cloud.client("cloudformation", project.home_region), stack_name(project))
    return (found["PageOrigin"],) if "PageOrigin" in found else ()


def allowed_origins(project: Project, cloud: Cloud, configured: Sequence[str]) -> list[str]:
    """The origins that an API answers: those configured, and the page's unless all are."""
    return list(configured) if "*" in configured else list(dict.fromkeys((*configured, *origins(project, cloud))))


def publish(project: Project, cloud: Cloud, apis: Mapping[str, str], steps: Steps) -> str | None:
    """Brings the page up to date; returns its address, or None where the project has none or this cloud serves none.

    `apis` are the addresses of the regions just deployed; those of the others are asked for.
    """
    if project.web is None or not cloud.publishes_pages:
        return None
    home = project.home_region
    cloudformation = cloud.client("cloudformation", home)
    config = configuration(project, {**_deployed_apis(project, cloud), **apis})
    with steps.step("the page: bucket and CloudFront"):
        parameters = {
            "ProjectName": project.name,
            "ApiOrigins": " ".join(_origins_of(config)),
            "Domain": project.web.domain or "",
            "CertificateArn": project.web.certificate or "",
            "HostedZoneId": project.web.hosted_zone or "",
            "WebAclArn": project.web.web_acl or "",
        }
        tags = {"dynadex:project": project.name}
        stacks.deploy(cloudformation, stack_name(project), stacks.template("web"), parameters, tags)
        outputs = stacks.outputs(cloudformation, stack_name(project))
    with steps.step("the page: files"):
        folder = project.directory / project.web.folder
        s3, cloudfront = cloud.client("s3", home), cloud.client("cloudfront", home)
        bring(s3, outputs["BucketName"], files(folder, config), cloudfront, outputs["DistributionId"])
    _let_in(project, cloud, outputs["PageOrigin"], steps)
    steps.say(f"the page: {outputs['PageOrigin']}")
    return outputs["PageOrigin"]


def configuration(project: Project, apis: Mapping[str, str]) -> dict[str, Any]:
    """What the page is told: the address that leads to the nearest region, and each region's own."""
    routing = project.routing
    routed = f"https://{routing.domain}" if routing and routing.hosted_zone else apis[project.home_region]
    return {"routed": routed, "regions": {region: apis[region] for region in project.regions if region in apis}}


def _origins_of(config: Mapping[str, Any]) -> list[str]:
    addresses = map(urlsplit, (config["routed"], *config["regions"].values()))
    return list(dict.fromkeys(f"{address.scheme}://{address.netloc}" for address in addresses))


def _deployed_apis(project: Project, cloud: Cloud) -> dict[str, str]:
    found = {}
    for region in project.regions:
        outputs = stacks.outputs(cloud.client("cloudformation", region), project.name)
        if "ApiUrl" in outputs:
            found[region] = cloud.api_url(region, outputs["ApiId"], outputs["ApiUrl"])
    return found


def files(folder: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """The page's files by name, with its configuration; hidden ones are left out."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != CONFIG and not any(part.startswith(".") for part in name.split("/")):
            yield name, path.read_bytes()
    yield CONFIG, json.dumps(config, indent=2).encode()


def bring(s3: Any, bucket: str, wanted: Iterator[tuple[str, bytes]], cloudfront: Any, distribution: str) -> None:
    """Makes the bucket hold these files and no others, and has CloudFront forget those that are different now.

    A run that is cut off in between leaves a mark: the next one has CloudFront forget all.
    """
    there = {
        one["Key"]: one["ETag"].strip('"')
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        for one in page.get("Contents", ())
    }
    cut_off = there.pop(_CHANGING, None) is not None
    # The ETag of an object that was put whole and is encrypted by S3's own keys is its MD5.
    different = {
        name: body
        for name, body in wanted
        if there.pop(name, None) != hashlib.md5(body, usedforsecurity=False).hexdigest()
    }
    if not (different or there or cut_off):
        return
    s3.put_object(Bucket=bucket, Key=_CHANGING, Body=b"")
    for name, body in different.items():
        s3.put_object(Bucket=bucket, Key=name, Body=body, **headers(name))
    for name in there:
        s3.delete_object(Bucket=bucket, Key=name)
    _invalidate(cloudfront, distribution, ["/*"] if cut_off else _paths([*different, *there]))
    s3.delete_object(Bucket=bucket, Key=_CHANGING)


def headers(name: str) -> dict[str, str]:
    """How a file is served."""
    suffix = Path(name).suffix
    kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    text = kind.startswith("text/")
    return {
        "ContentType": f"{kind}; charset=utf-8" if text else kind,
        "CacheControl": _LASTING if suffix in _LASTING_KINDS else _ASK_AGAIN,
    }


def _paths(names: Sequence[str]) -> list[str]:
    """What CloudFront calls these files; it wants what is no plain ASCII encoded, as in an address."""
    paths = [f"/{quote(name)}" for name in names] + ["/"] * ("index.html" in names)
    return paths if len(paths) <= _MOST_INVALIDATED else ["/*"]


def _invalidate(cloudfront: Any, distribution: str, paths: Sequence[str]) -> None:
    batch = {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": uuid.uuid4().hex}
    cloudfront.create_invalidation(DistributionId=distribution, InvalidationBatch=batch)


def _let_in(project: Project, cloud: Cloud, origin: str, steps: Steps) -> None:
    """Has each region's API answer the page, where it does not yet."""
    for region in project.regions:
        cloudformation = cloud.client("cloudformation", region)
        given = stacks.parameters(cloudformation, project.name)
        allowed = [one for one in given.get("AllowedOrigins", "").split(",") if one]
        if given and origin not in allowed and "*" not in allowed:
            with steps.step(f"{region}: let the page in"):
                parameters = given | {"AllowedOrigins": ",".join((*allowed, origin))}
                tags = {"dynadex:project": project.name}
                stacks.deploy(cloudformation, project.name, stacks.template("regional"), parameters, tags)


def withdraw(project: Project, cloud: Cloud, regions: Sequence[str], steps: Steps) -> None:
    """Takes the page away where its home region goes; the bucket with its files stays."""
    if project.web is None or not cloud.publishes_pages or project.home_region not in regions:
        return
    with steps.step("the page: delete it"):
        stacks.delete(cloud.client("cloudformation", project.home_region), stack_name(project))
