"""[engine] and its overrides for single regions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast
from urllib.parse import urlsplit

from dynadex.project import Engine, EngineAuth
from dynadex.project_file.sections import Section, Shape, overrides, quoted

_AUTH = ("none", "basic", "signed")
_SECRET = Shape(
    r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+",
    'the ARN of a Secrets Manager secret {"username": ..., "password": ...}',
)
_DOMAIN = Shape(
    r"arn:aws[a-z-]*:es:[a-z0-9-]+:\d{12}:domain/[a-z][a-z0-9-]+", "the ARN of an OpenSearch Service domain"
)
_PREFIX = Shape(
    r"([a-z0-9][a-z0-9._-]{0,99})?",
    "up to 100 lower-case letters, digits, dots, underscores and hyphens, a letter or digit first",
)
_URL = "https://host or http://host, with an optional :port"


def read_engines(section: Section, regions: tuple[str, ...], indexes: Iterable[str]) -> dict[str, Engine]:
    """One engine a region. Indexes are logical names, to see whether two of one engine would have the same name."""
    everywhere = _settings(section)
    sections = overrides(section, regions)
    own = {region: _settings(child) for region, child in sections.items()}
    engines = {region: _engine(everywhere | own.get(region, {})) for region in regions}

    for region, engine in engines.items():
        _check(engine, {key: sections[region] if key in own.get(region, {}) else section for key in _KEYS})
    _check_secrets(section, sections, engines)
    _check_names(section.child("regions"), engines, tuple(indexes))
    return engines


_KEYS = ("auth", "url", "secret", "prefix", "domain")


def _settings(section: Section) -> dict[str, str]:
    """The keys that are there, those with a mistake in them too."""
    values = {
        "auth": section.choice("auth", _AUTH),
        "url": section.text("url"),
        "secret": section.text("secret", _SECRET),
        "prefix": section.text("prefix", _PREFIX),
        "domain": section.text("domain", _DOMAIN),
    }
    if values["url"] and (mistake := _url_mistake(values["url"])):
        section.problem("url", f"{quoted(values['url'])} {mistake}; allowed: {_URL}")
    return {key: value for key, value in values.items() if value is not None}


def _engine(settings: dict[str, str]) -> Engine:
    url = settings.get("url")
    return Engine(
        auth=cast(EngineAuth, settings.get("auth", "none")),
        url=url.rstrip("/") if url else None,
        secret=settings.get("secret"),
        prefix=settings.get("prefix", ""),
        domain=settings.get("domain"),
    )


def _check(engine: Engine, section_of: dict[str, Section]) -> None:
    """`section_of`: where each of the region's settings comes from, so that a mistake is named where it is made."""
    if engine.auth == "basic" and engine.secret is None:
        section_of["auth"].problem("auth", f'"basic" needs secret: {_SECRET.allowed}')
    if engine.auth == "signed" and engine.url and engine.url.lower().startswith("http:"):
        section_of["url"].problem("url", f'{quoted(engine.url)} is not https; auth = "signed" needs https')


def _check_secrets(section: Section, sections: dict[str, Section], engines: dict[str, Engine]) -> None:
    basic = {region for region, engine in engines.items() if engine.auth not in ("none", "signed")}
    message = 'only used with auth = "basic"; set that or leave secret out'
    if "secret" in section and engines and not basic:
        section.problem("secret", message)
    for region, child in sections.items():
        if "secret" in child and region in engines and region not in basic:
            child.problem("secret", message)


def _check_names(section: Section, engines: dict[str, Engine], indexes: tuple[str, ...]) -> None:
    taken: dict[tuple[str, str], str] = {}
    for region, engine in engines.items():
        if engine.url is None or _url_mistake(engine.url):
            continue
        for index in indexes:
            other = taken.setdefault((_origin(engine.url), engine.prefix + index), region)
            if other != region:
                section.problem(
                    region,
                    f"{other} and {region} share the engine {engine.url} and would both write {engine.prefix + index}; "
                    f'give each region a prefix of its own, such as prefix = "{region}-"',
                )
                break


def _url_mistake(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (it is checked when it is read)
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "is not a URL of http or https"
    if parts.username is not None:
        return "holds credentials, which belong in the secret"
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        return "has a path"
    return None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
