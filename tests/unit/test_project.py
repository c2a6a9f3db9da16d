"""dynadex.toml becomes a Project, or a list of everything that is wrong with it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dynadex.core.attributes import KeyAttribute
from dynadex.project import Api, Aws, Engine, Project, RefillFunction, load
from tests.unit.shop import KEY, SECRET, TOML, TOPIC, changed, folder, problems, write

__all__ = ["folder"]

EXAMPLE = Path(__file__).parents[2] / "examples" / "lessons"


def test_the_example_project_has_no_mistakes() -> None:
    project = load(EXAMPLE)
    assert project.name == "lessons"
    assert project.indexes["lessons"].search.fields == ("title^3", "artist")
    assert project.tables["lessons"].physical_name == "lessons"


def test_a_folder_and_its_file_are_the_same_project(folder: Path) -> None:
    assert load(folder) == load(folder / "dynadex.toml")
    assert load(folder).directory == folder


def test_what_is_left_out_has_its_documented_default(folder: Path) -> None:
    project = load(folder)
    table, index = project.tables["lessons"], project.indexes["lessons"]
    assert table.physical_name == "shop-lessons"
    assert (table.partition_key, table.sort_key, table.ttl) == (KeyAttribute("id", "S"), None, None)
    assert not table.existing
    assert (index.transform, index.include, index.exclude, index.match) == (None, (), (), {})
    assert (index.search.fields, index.search.highlight, index.search.filters) == (("title",), ("title",), ())
    assert (index.search.default_size, index.search.max_size) == (10, 100)
    assert project.engines["eu-west-1"] == Engine(auth="none", url=None, secret=None, prefix="")
    assert project.functions.refill == RefillFunction(300, 240.0, 0, 1, True)
    assert (project.functions.architecture, project.functions.memory) == ("arm64", 512)


def test_what_is_set_is_in_the_project(folder: Path) -> None:
    (folder / "titles.py").touch()
    (folder / "requirements.txt").touch()
    write(
        folder,
        f"""
        [project]
        name = "shop"
        regions = ["us-east-1", "eu-west-1"]
        [tables.lessons]
        name = "Lessons.2024"
        partition_key = "artist"
        sort_key = "published:N"
        ttl = "expires"
        existing = true
        [tables.other]
        partition_key = "a:b:B"
        [indexes.lessons]
        table = "lessons"
        mapping = "mapping.json"
        transform = "lessons:document"
        match = {{ entity = "lesson", state = ["live", "hidden"] }}
        search = {{ fields = ["title^2.5"], filters = ["level"], highlight = [], default_size = 5, max_size = 20 }}
        [indexes.songs]
        table = "lessons"
        mapping = "mapping.json"
        exclude = ["secret"]
        [engine]
        auth = "basic"
        url = "http://localhost:9200/"
        secret = "{SECRET}"
        [engine.regions.eu-west-1]
        auth = "signed"
        url = "https://search.example.com"
        prefix = "eu-"
        [functions]
        architecture = "x86_64"
        modules = ["titles.py"]
        requirements = "requirements.txt"
        refill = {{ timeout = 2, halt_after = 0.5, read_capacity = 25, segments = 4, consistent = false }}
        """,
    )
    project = load(folder)
    lessons, songs = project.indexes["lessons"], project.indexes["songs"]
    table = project.tables["lessons"]
    assert table.sort_key == KeyAttribute("published", "N")
    assert project.tables["other"].partition_key == KeyAttribute("a:b", "B")
    assert lessons.match == {"entity": ("lesson",), "state": ("live", "hidden")}
    assert lessons.search.highlight == ()
    assert songs.exclude == ("secret",)
    assert project.engines["us-east-1"] == Engine("basic", "http://localhost:9200", SECRET, "")
    assert project.engines["eu-west-1"] == Engine("signed", "https://search.example.com", SECRET, "eu-")
    assert project.functions.refill == RefillFunction(2, 0.5, 25, 4, False)
    assert project.functions.modules == ("titles.py",)
    assert project.home_region == "us-east-1"
    assert project.table_of(songs) is table
    assert project.indexes_of(table) == (lessons, songs)
    assert project.indexes_of(project.tables["other"]) == ()
    assert project.table_named("Lessons.2024") is table
    with pytest.raises(KeyError):
        project.table_named("lessons")


def test_the_compiled_form_holds_the_whole_project_but_paths_and_engines(folder: Path) -> None:
    write(
        folder,
        changed('"id"', '"id"\nsort_key = "n:N"')
        + 'include = ["title"]\nmatch = { entity = ["a", "b"] }\n[engine.regions.eu-west-1]\nurl = "https://search.example.com"\n',
    )
    project = load(folder)
    compiled = project.to_json()
    assert Project.from_json(compiled) == replace(project, directory=Path(), engines={}, aws={}, api={})
    assert str(folder) not in compiled.decode()
    assert "example.com" not in compiled.decode()
    assert Project.from_json(compiled).to_json() == compiled


def test_a_region_has_its_own_of_what_it_names_and_the_rest_of_all(folder: Path) -> None:
    write(
        folder,
        TOML
        + f"""
        [aws]
        subnets = ["subnet-0a1b2c3d"]
        security_groups = ["sg-0a1b2c3d"]
        [aws.regions.us-east-1]
        kms_key = "{KEY}"
        alarm_topic = "{TOPIC}"
        [aws.regions.eu-west-1]
        subnets = ["subnet-eeeeeeee", "subnet-ffffffff"]
        [api]
        origins = ["https://www.example.com", "http://localhost:3000"]
        rate = 50
        [api.regions.eu-west-1]
        rate = 20
        burst = 40
        """,
    )
    project = load(folder)
    groups = ("sg-0a1b2c3d",)
    origins = ("https://www.example.com", "http://localhost:3000")
    assert project.aws == {
        "us-east-1": Aws(("subnet-0a1b2c3d",), groups, KEY, TOPIC),
        "eu-west-1": Aws(("subnet-eeeeeeee", "subnet-ffffffff"), groups),
    }
    assert project.api == {"us-east-1": Api(origins, 50, 400), "eu-west-1": Api(origins, 20, 40)}


def test_the_scheduled_verification_is_weekly_of_every_index_unless_told_otherwise(folder: Path) -> None:
    verify = load(folder).functions.verify
    assert (verify.schedule, verify.repair, verify.timeout, verify.halt_after) == ("rate(7 days)", False, 300, 240)
    assert json.loads(load(folder).scheduled_verification()) == {"segments": [{"index": "lessons"}]}
    told = 'schedule = "cron(0 3 ? * SUN *)"\nrepair = true\ntimeout = 60\nsegments = 2'
    write(folder, f"{TOML}[functions.verify]\n{told}\n")
    project = load(folder)
    verify = project.functions.verify
    assert (verify.schedule, verify.timeout, verify.halt_after) == ("cron(0 3 ? * SUN *)", 60, 10)
    assert json.loads(project.scheduled_verification()) == {
        "segments": [{"index": "lessons", "segment": number, "totalSegments": 2, "repair": True} for number in range(2)]
    }
    write(folder, TOML + '[functions.verify]\nschedule = "none"\n')
    assert load(folder).functions.verify.schedule is None


def test_a_schedule_has_no_more_segments_than_its_input_can_name(folder: Path) -> None:
    many = "".join(f'[indexes.i{number}]\ntable = "lessons"\nmapping = "mapping.json"\n' for number in range(6))
    write(folder, f"{TOML}{many}[functions.verify]\nsegments = 40\n")
    [problem] = problems(folder)
    assert str(problem) == (
        "functions.verify.segments: of 7 indexes they are more than a schedule can name; allowed: 1 to 12"
    )
    write(folder, f"{TOML}{many}[functions.verify]\nsegments = 12\n")
    assert len(load(folder).scheduled_verification()) <= 4096


def test_a_function_loads_its_project_without_what_reads_toml(folder: Path) -> None:
    compiled = folder / "project.json"
    compiled.write_bytes(load(folder).to_json())
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from dynadex.project import Project\n"
        "Project.from_json(Path(sys.argv[1]).read_bytes())\n"
        "print([name for name in ('tomllib', 'difflib', 'dynadex.project_file', 'pydantic') if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, compiled], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_text_is_filtered_by_its_exact_sub_field(folder: Path) -> None:
    write(folder, TOML + 'search.filters = ["title"]')
    assert load(folder).indexes["lessons"].search.field_of("title") == "title.keyword"


def test_fields_of_names_need_their_sub_fields(folder: Path) -> None:
    write(folder, TOML + 'search = { title = "level", names = "title" }')
    assert [str(problem).partition(";")[0] for problem in problems(folder)] == [
        'indexes.lessons.search.title: the mapping has no "level.whole" of type keyword',
        'indexes.lessons.search.names: the mapping has no "title.beginnings" of type text',
        'indexes.lessons.search.names: the mapping has no "title.threes" of type text',
    ]


def test_a_search_table_with_everything_is_read_and_compiled(folder: Path) -> None:
    write(
        folder,
        TOML
        + """
        [indexes.lessons.search]
        fields = ["title"]
        filters = ["level", "title"]
        ranges = ["plays"]
        facets = ["level"]
        sorts = { plays = "-plays", level = ["level", "-plays"] }
        popularity = "plays"
        tie_break = "level"
        suggest = ["title", "level"]
        did_you_mean = false
        """,
    )
    project = load(folder)
    search = project.indexes["lessons"].search
    assert (search.ranges, search.facets, search.popularity) == (("plays",), ("level",), "plays")
    assert search.sorts == {"plays": ("-plays",), "level": ("level", "-plays")}
    assert (search.tie, search.suggest, search.did_you_mean) == ("level", ("title", "level"), False)
    assert Project.from_json(project.to_json()).indexes["lessons"].search == search


@pytest.mark.parametrize("field", ["title.keyword", "song.key", "song.*", "ti*^2"])
def test_sub_fields_inner_fields_and_wildcards_can_be_searched(folder: Path, field: str) -> None:
    write(folder, TOML + f'search.fields = ["{field}"]')
    assert load(folder).indexes["lessons"].search.fields == (field,)


def test_any_field_can_be_searched_where_the_mapping_is_dynamic(folder: Path) -> None:
    write(folder, TOML + 'search.fields = ["anything"]', mapping={"mappings": {"dynamic": True}})
    assert load(folder).indexes["lessons"].search.fields == ("anything",)


def test_regions_can_share_an_engine_when_their_index_names_differ(folder: Path) -> None:
    shared = '[engine]\nurl = "https://a"\n[engine.regions.eu-west-1]\nurl = "https://A:443/"\n'
    write(folder, TOML + shared)
    (problem,) = problems(folder)
    assert problem.entry == "engine.regions.eu-west-1"
    write(folder, TOML + shared + 'prefix = "eu-"\n')
    assert load(folder).engines["eu-west-1"].prefix == "eu-"


def test_a_region_may_leave_the_others_secret_unused(folder: Path) -> None:
    engine = f'[engine]\nauth = "basic"\nsecret = "{SECRET}"\n[engine.regions.eu-west-1]\nauth = "none"\n'
    write(folder, TOML + engine)
    assert load(folder).engines["eu-west-1"].auth == "none"
