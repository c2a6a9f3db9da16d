"""Each mistake in dynadex.toml is told with its entry, and what is allowed there; all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from dynadex.project import ProjectError, load
from tests.unit.shop import KEY, MAPPING, SECRET, TOML, TOPIC, changed, folder, problems, write

__all__ = ["folder"]

MISTAKES = [
    # project
    ('name = "shop"', 'name = "Shop"', "project.name", '"Shop" is not allowed; allowed: up to 31 lower-case'),
    ('name = "shop"', "", "project.name", "missing; allowed: up to 31 lower-case"),
    ('name = "shop"', "name = 7", "project.name", "7 is not a text"),
    (
        'name = "shop"',
        'name = "shop"\nnmae = 1',
        "project.nmae",
        'unknown key (did you mean "name"?); allowed here: name, ',
    ),
    ('"eu-west-1"', '"mars"', "project.regions", '"mars" is not allowed; allowed: an AWS region such as eu-west-1'),
    ('"eu-west-1"', '"us-east-1"', "project.regions", '"us-east-1" is there 2 times; allowed: each once'),
    ('["us-east-1", "eu-west-1"]', "[]", "project.regions", "missing; allowed: 1 to 8 AWS regions"),
    ('["us-east-1", "eu-west-1"]', '"us-east-1"', "project.regions", '"us-east-1" is not a list of texts'),
    (
        '["us-east-1", "eu-west-1"]',
        str([f"us-east-{n}" for n in range(9)]),
        "project.regions",
        "9 regions; allowed: 1 to 8",
    ),
    # tables
    ("[tables.lessons]", "[tables.Lessons]", "tables.Lessons", '"Lessons" is not a name for one of the tables'),
    ("[tables.lessons]", "[table.lessons]", "tables", "there is none; at least one [tables.NAME] is needed"),
    ("[tables.lessons]", "[table.lessons]", "table", 'unknown key (did you mean "tables"?)'),
    ('"id"', '"id"\nname = "a/b"', "tables.lessons.name", '"a/b" is not allowed; allowed: 3 to 255 letters'),
    ('"id"', '"id"\n[tables.two]\nname = "shop-lessons"\npartition_key = "id"', "tables.two.name", "of tables.lessons"),
    ('partition_key = "id"', "", "tables.lessons.partition_key", 'missing; allowed: "attribute" for a string'),
    ('"id"', '"id:X"', "tables.lessons.partition_key", '"id:X" is not allowed; allowed: "attribute" for a string, or'),
    ('"id"', '":N"', "tables.lessons.partition_key", '":N" is not allowed'),
    ('"id"', '"' + "é" * 128 + '"', "tables.lessons.partition_key", "too long; allowed: 255 bytes"),
    ('"id"', '"id"\nsort_key = "id:N"', "tables.lessons.sort_key", '"id" is the partition key already'),
    ('"id"', '"id"\nttl = ""', "tables.lessons.ttl", '"" is not allowed; allowed: a text that is not empty'),
    ('"id"', '"id"\nseed = "lesons.jsonl"', "tables.lessons.seed", 'no such file: "lesons.jsonl"'),
    ('"id"', '"id"\nexisting = "yes"', "tables.lessons.existing", '"yes" is not allowed; allowed: true, false'),
    # indexes
    ("[indexes.lessons]", "[indexes.Lessons]", "indexes.Lessons", "is not a name for one of the indexes"),
    ("[indexes.lessons]", "[indexes.lessons-v2]", "indexes.lessons-v2", "not -feed or a version like -v2 last"),
    ("[indexes.lessons]", "[indexes.lessons-feed]", "indexes.lessons-feed", "not -feed or a version"),
    ("[indexes.lessons]", '[indexes."a.b"]', 'indexes."a.b"', "is not a name for one of the indexes"),
    ("[indexes.lessons]", "[other]", "indexes", "there is none; at least one [indexes.NAME] is needed"),
    ('table = "lessons"', 'table = "lesson"', "indexes.lessons.table", '(did you mean "lessons"?); allowed: lessons'),
    ('table = "lessons"', "", "indexes.lessons.table", "missing"),
    (
        '"mapping.json"',
        '"maping.json"',
        "indexes.lessons.mapping",
        'no such file: "maping.json" (did you mean "mapping',
    ),
]

# What is added to the end of the file, in [indexes.lessons].
ADDED = [
    ('transform = "lessons"', "indexes.lessons.transform", '"lessons" is not allowed; allowed: "module:function"'),
    ('transform = "lesson:document"', "indexes.lessons.transform", 'lesson.py (did you mean "lessons"?)'),
    (
        'transform = "lessons:documents"',
        "indexes.lessons.transform",
        'no function "documents" (did you mean "document"?)',
    ),
    ('transform = "json:loads"', "indexes.lessons.transform", 'a module "json" would hide the one'),
    ('transform = "lessons:document"\ninclude = ["a"]', "indexes.lessons.include", "not used with a transform"),
    ('include = ["a"]\nexclude = ["b"]', "indexes.lessons.exclude", "not together with include"),
    ("include = []", "indexes.lessons.include", "names no attribute"),
    ('include = ["a", "a"]', "indexes.lessons.include", '"a" is there 2 times'),
    ('include = ["a", 1]', "indexes.lessons.include", "is not a list of texts"),
    ("match = { entity = 1 }", "indexes.lessons.match.entity", '1 is not allowed; allowed: "text", or a list'),
    ("match = { entity = [] }", "indexes.lessons.match.entity", "[] is not allowed"),
    ('match = "lesson"', "indexes.lessons.match", '"lesson" is not a table; write [indexes.lessons.match]'),
    ('search.fields = ["title^much"]', "indexes.lessons.search.fields", '"title^much" is not allowed'),
    ('search.fields = ["titel^3"]', "indexes.lessons.search.fields", 'no field "titel" (did you mean "title"?)'),
    ('search.filters = ["q"]', "indexes.lessons.search.filters", '"q" is a parameter of every search'),
    ('search.filters = ["notes"]', "indexes.lessons.search.filters", '"notes" is a text'),
    ('search.filters = ["sort"]', "indexes.lessons.search.filters", '"sort" is a parameter of every search'),
    ('search.ranges = ["level"]', "indexes.lessons.search.ranges", "of type keyword; allowed: fields of numbers"),
    ('search.ranges = ["plays"]\nsearch.filters = ["plays"]', "indexes.lessons.search.ranges", "one of the filters"),
    ('search.facets = ["level"]', "indexes.lessons.search.facets", "not one of the filters"),
    ('search.popularity = "title"', "indexes.lessons.search.popularity", "of type text; allowed: a number"),
    ('search.tie_break = "title"', "indexes.lessons.search.tie_break", "of type text"),
    ('search.by = "level"', "indexes.lessons.search.by", "used with names only"),
    ('search.sorts.new = "-publishd"', "indexes.lessons.search.sorts.new", 'no field "publishd"'),
    ('search.sorts.new = "title"', "indexes.lessons.search.sorts.new", "of type text; allowed: exact values"),
    ('search.sorts.relevance = "level"', "indexes.lessons.search.sorts.relevance", "is no name for an order"),
    ('search.highlight = ["artist"]', "indexes.lessons.search.highlight", 'no field "artist"'),
    ("search.max_size = 0", "indexes.lessons.search.max_size", "0 is out of range; allowed: 1 to 1000"),
    (
        "search.default_size = 101",
        "indexes.lessons.search.default_size",
        "101 is more than max_size; allowed: 1 to 100",
    ),
    ("search.size = 5", "indexes.lessons.search.size", "unknown key (did you mean"),
    # engine
    ('[engine]\nauth = "sign"', "engine.auth", 'did you mean "signed"?); allowed: none, basic, signed'),
    ('[engine]\nauth = "basic"', "engine.auth", '"basic" needs secret: the ARN of a Secrets Manager secret'),
    (f'[engine]\nsecret = "{SECRET}"', "engine.secret", 'only used with auth = "basic"'),
    ('[engine]\nauth = "basic"\nsecret = "hunter2"', "engine.secret", '"hunter2" is not allowed; allowed: the ARN'),
    ('[engine]\nurl = "localhost:9200"', "engine.url", "is not a URL of http or https; allowed: https://host or"),
    ('[engine]\nurl = "https://a:port"', "engine.url", "is not a URL"),
    ('[engine]\nurl = "https://a/search"', "engine.url", "has a path"),
    ('[engine]\nurl = "https://me:pw@a"', "engine.url", "holds credentials, which belong in the secret"),
    (
        '[engine]\nauth = "signed"\nurl = "http://a"\nregions.eu-west-1.prefix = "eu-"',
        "engine.url",
        "needs https",
    ),
    ('[engine]\nprefix = "Shop-"', "engine.prefix", '"Shop-" is not allowed; allowed: up to 100 lower-case'),
    ('[engine]\nurl = "https://a"', "engine.regions.eu-west-1", "us-east-1 and eu-west-1 share the engine https://a"),
    ("[engine.regions.eu-west-2]", "engine.regions.eu-west-2", '(did you mean "eu-west-1"?); allowed: us-east-1, eu-'),
    (
        f'[engine.regions.eu-west-1]\nsecret = "{SECRET}"',
        "engine.regions.eu-west-1.secret",
        'only used with auth = "basic"',
    ),
    (
        '[engine]\nauth = "signed"\n[engine.regions.eu-west-1]\nurl = "http://a"',
        "engine.regions.eu-west-1.url",
        "needs https",
    ),
    # functions
    ('[functions]\narchitecture = "arm"', "functions.architecture", 'did you mean "arm64"?); allowed: arm64, x86_64'),
    ("[functions]\nmemory = 64", "functions.memory", "64 is out of range; allowed: 128 to 10240 MB"),
    ('[functions]\nmemory = "big"', "functions.memory", '"big" is not a whole number; allowed: 128 to 10240 MB'),
    ("[functions]\nmemory = true", "functions.memory", "true is not a whole number"),
    ("[functions]\nlog_retention_days = 31", "functions.log_retention_days", "31 is not allowed; allowed: 1, 3, 5, 7,"),
    ('[functions]\nmodules = ["lesson.py"]', "functions.modules", 'no such file next to dynadex.toml: "lesson.py"'),
    ('[functions]\nmodules = ["../x.py"]', "functions.modules", '"../x.py" is not allowed'),
    ('[functions]\nmodules = ["orjson"]', "functions.modules", 'a module "orjson" would hide'),
    ('[functions]\nrequirements = "r.txt"', "functions.requirements", 'no such file: "r.txt"'),
    ("[functions.stream]\nbatch_size = 0", "functions.stream.batch_size", "allowed: 1 to 10000 records"),
    (
        "[functions.stream]\nparallelization = 11",
        "functions.stream.parallelization",
        "11 is out of range; allowed: 1 to",
    ),
    ("[functions.stream]\ntimeout = 901", "functions.stream.timeout", "allowed: 1 to 900 seconds"),
    (
        "[functions.refill]\nhalt_after = 300",
        "functions.refill.halt_after",
        "more than 0 and less than timeout, 300 sec",
    ),
    ("[functions.refill]\nhalt_after = nan", "functions.refill.halt_after", "is not allowed; allowed: more than 0"),
    ("[functions.refill]\nread_capacity = -1", "functions.refill.read_capacity", "-1 is out of range"),
    ("[functions.refill]\nsegments = 0", "functions.refill.segments", "0 is out of range; allowed: 1 to 40"),
    (
        '[functions.verify]\nschedule = "weekly"',
        "functions.verify.schedule",
        '"weekly" is not allowed; allowed: "rate(7 d',
    ),
    ('[functions.verify]\nschedule = "rate(1 days)"', "functions.verify.schedule", "is not allowed; allowed:"),
    ('[functions.verify]\nschedule = "cron(0 3 * * SUN *)"', "functions.verify.schedule", "is not allowed; allowed:"),
    ('[functions.verify]\nrepair = "yes"', "functions.verify.repair", '"yes" is not allowed; allowed: true, false'),
    ("[functions.verify]\ntimeout = 59", "functions.verify.timeout", "59 is out of range; allowed: 60 to 900 seconds"),
    ("[functions.verify]\nsegments = 41", "functions.verify.segments", "41 is out of range; allowed: 1 to 40"),
    ("[functions.stream]\nbatching_window = 301", "functions.stream.batching_window", "allowed: 0 to 300 seconds"),
    # aws, api
    (
        '[aws]\nsubnets = ["a"]\nsecurity_groups = ["sg-0a1b2c3d"]',
        "aws.subnets",
        '"a" is not allowed; allowed: the ids of subnets',
    ),
    ('[aws]\nsubnets = ["subnet-0a1b2c3d"]', "aws.subnets", "needs security_groups too"),
    ('[aws]\nsecurity_groups = ["sg-0a1b2c3d"]', "aws.security_groups", "needs subnets too"),
    (
        f"[aws]\nsubnets = ['subnet-0a1b2c3d']\nsecurity_groups = {[f'sg-0a1b2c3{n}' for n in range(6)]}",
        "aws.security_groups",
        "6 of them; allowed",
    ),
    ('[aws]\nkms_key = "alias/shop"', "aws.kms_key", '"alias/shop" is not allowed; allowed: the ARN of a KMS key'),
    (f'[aws]\nkms_key = "{KEY}"', "aws.kms_key", "is not in eu-west-1; say eu-west-1's own in [aws.regions.eu-west-1]"),
    ('[aws]\nalarm_topic = "ops"', "aws.alarm_topic", '"ops" is not allowed; allowed: the ARN of an SNS topic'),
    (f'[aws.regions.eu-west-1]\nalarm_topic = "{TOPIC}"', "aws.regions.eu-west-1.alarm_topic", "is not in eu-west-1"),
    ("[aws.regions.eu-west-2]", "aws.regions.eu-west-2", '(did you mean "eu-west-1"?)'),
    ('[api]\norigins = ["www.example.com"]', "api.origins", '"www.example.com" is not allowed; allowed: origins such'),
    ("[api]\nrate = 0", "api.rate", "0 is out of range; allowed: 1 to 100000 requests a second"),
    ("[api.regions.eu-west-1]\nbrust = 9", "api.regions.eu-west-1.brust", '(did you mean "burst"?)'),
    ("[functions.search]\ntimeout = 31", "functions.search.timeout", "31 is out of range; allowed: 1 to 30 seconds"),
    ("[functions.serach]", "functions.serach", 'unknown key (did you mean "search"?)'),
    ("[fonctions]", "fonctions", 'unknown key (did you mean "functions"?); allowed here: api, aws, engine, functions'),
]


@pytest.mark.parametrize(
    ("toml", "entry", "message"),
    [(changed(old, new), entry, message) for old, new, entry, message in MISTAKES]
    + [(TOML + added, entry, message) for added, entry, message in ADDED],
    ids=[f"{entry}-{message[:40]}" for *_, entry, message in [*MISTAKES, *ADDED]],
)
def test_a_mistake_is_reported_with_its_entry_and_what_is_allowed(
    folder: Path, toml: str, entry: str, message: str
) -> None:
    write(folder, toml)
    found = [problem.message for problem in problems(folder) if problem.entry == entry]
    assert any(message in text for text in found), problems(folder)


@pytest.mark.parametrize(("toml", "entry"), [(TOML + added, entry) for added, entry, _ in ADDED])
def test_one_mistake_is_one_problem(folder: Path, toml: str, entry: str) -> None:
    write(folder, toml)
    assert [problem.entry for problem in problems(folder)] == [entry]


def test_all_mistakes_of_a_file_are_reported_at_once(folder: Path) -> None:
    write(folder, mapping={**MAPPING, "aliases": {}, "settings": {"gc_deletes": "5m"}})
    write(
        folder,
        """
        [project]
        name = "My Shop"
        regions = ["us-east-1", "Ireland"]
        colour = "red"
        [tables.lessons]
        partition_key = "id:Q"
        [indexes.lessons]
        table = "lesons"
        mapping = "mapping.json"
        include = ["a"]
        exclude = ["b"]
        [indexes.lessons.search]
        max_size = 5000
        [engine]
        auth = "basic"
        url = "ftp://search"
        [functions]
        memory = 1
        [functions.refill]
        timeout = 10
        halt_after = 10
        """,
    )
    assert sorted(problem.entry for problem in problems(folder)) == [
        "engine.auth",
        "engine.url",
        "functions.memory",
        "functions.refill.halt_after",
        "indexes.lessons.exclude",
        "indexes.lessons.mapping",
        "indexes.lessons.mapping",
        "indexes.lessons.search.max_size",
        "indexes.lessons.table",
        "project.colour",
        "project.name",
        "project.regions",
        "tables.lessons.partition_key",
    ]


def test_the_error_has_a_line_for_each_mistake(folder: Path) -> None:
    write(folder, changed('"shop"', '"Shop"') + "include = []\n")
    with pytest.raises(ProjectError) as caught:
        load(folder)
    first, second = str(caught.value).splitlines()
    assert first.startswith('project.name: "Shop" is not allowed; allowed: ')
    assert second.startswith("indexes.lessons.include: names no attribute")


def test_an_error_in_the_toml_itself_has_line_and_column(folder: Path) -> None:
    write(folder, "[project]\nname = \n")
    (problem,) = problems(folder)
    assert problem.entry == str(folder / "dynadex.toml")
    assert "line 2, column 8" in problem.message


def test_a_file_that_is_not_there_or_not_text_is_one_problem(folder: Path) -> None:
    (problem,) = problems(folder / "nowhere")
    assert "no such file" in problem.message
    (folder / "dynadex.toml").write_bytes(b'[project]\nname = "\xff"')
    (problem,) = problems(folder)
    assert problem.message == "not UTF-8 at byte 18"
