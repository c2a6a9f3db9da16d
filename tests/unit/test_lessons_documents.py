"""What of a lesson searches find, and what an admin may write."""

from __future__ import annotations

import json
from pathlib import Path

from dynadex import project as projects
from dynadex.core.attributes import typed_item
from dynadex.core.validating import Schema
from dynadex.recipes import recipe_of

FOLDER = Path(__file__).parents[2] / "examples" / "lessons"


def test_a_draft_is_no_document_and_who_edited_is_not_shown() -> None:
    project = projects.load(FOLDER)
    recipe = recipe_of(project, project.indexes["lessons"], FOLDER)
    item = {"id": "x", "title": "One", "revision": 3, "updated_at": "now", "updated_by": "ann", "draft": False}
    assert recipe.document(typed_item(item)) == b'{"id":"x","title":"One","revision":3}'
    assert recipe.document(typed_item({**item, "draft": True})) is None


def test_every_lesson_keeps_to_the_schema() -> None:
    admin = projects.load(FOLDER).tables["lessons"].admin
    assert admin is not None
    schema = Schema(admin.schema)
    with (FOLDER / "data" / "lessons.jsonl").open(encoding="utf-8") as lines:
        assert [problems for line in lines if (problems := schema.problems(json.loads(line)))] == []
