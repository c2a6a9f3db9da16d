"""[web]: the page, and where it is served on AWS."""

from __future__ import annotations

from pathlib import Path

from dynadex.project import Web
from dynadex.project_file.regions import DOMAIN, HOSTED_ZONE, certificate
from dynadex.project_file.sections import Section, Shape, quoted

_FOLDER = Shape(r"(?s).+", "a folder with an index.html, its path relative to dynadex.toml")
_WEB_ACL = Shape(
    r"arn:aws[a-z-]*:wafv2:us-east-1:\d{12}:global/webacl/\S+", "the ARN of a web ACL for CloudFront, in us-east-1"
)


def read_web(root: Section, directory: Path) -> Web | None:
    """None without [web]."""
    section = root.child("web")
    if "web" not in root:
        return None
    folder = section.text("folder", _FOLDER) or "web"
    if not (directory / folder / "index.html").is_file():
        section.problem("folder", f"{quoted(folder)} has no index.html; allowed: {_FOLDER.allowed}")
    domain = section.text("domain", DOMAIN)
    # CloudFront takes certificates from there alone.
    arn = section.text("certificate", certificate("us-east-1"))
    zone = section.text("hosted_zone", HOSTED_ZONE)
    if domain and not arn and "certificate" not in section:
        section.problem("certificate", "missing; a domain needs its certificate, an ARN of us-east-1")
    for name, value in (("certificate", arn), ("hosted_zone", zone)):
        if value and "domain" not in section:
            section.problem(name, "not used without domain; name the domain, or leave it out")
    return Web(folder, domain, arn, zone, section.text("web_acl", _WEB_ACL))
