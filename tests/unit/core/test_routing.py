"""Which region answers for a place, in Route 53's order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynadex.core.routing import (
    ANYWHERE,
    CONTINENT_OF,
    CONTINENTS,
    Location,
    Record,
    answer,
    country_location,
    location_of,
    records,
)

RECORDS = records("us", {"EU": "ie", "AS": "sg"}, {"IN": "ie", "US": "us", "CH": "zh"})
ALL = {"us", "ie", "sg", "zh"}

regions = st.sampled_from(["a", "b", "c", "d"])
countries = st.sampled_from(sorted(CONTINENT_OF))
continents = st.sampled_from(sorted(CONTINENTS))
locations = st.one_of(st.just(ANYWHERE), st.builds(Location, continents), st.builds(country_location, countries))
routings = st.builds(
    records, regions, st.dictionaries(continents, regions), st.dictionaries(countries, regions, max_size=30)
)


def region_for(place: str, healthy: set[str]) -> str:
    record = answer(location_of(place), RECORDS, healthy)
    assert record is not None
    return record.region


@pytest.mark.parametrize(
    ("place", "region"),
    [("CH", "zh"), ("DE", "ie"), ("IN", "ie"), ("JP", "sg"), ("BR", "us"), ("EU", "ie"), ("AN", "us"), ("*", "us")],
)
def test_the_smallest_place_with_a_record_answers(place: str, region: str) -> None:
    assert region_for(place, ALL) == region


def test_an_unhealthy_record_is_passed_over_for_the_next_larger_place() -> None:
    assert region_for("CH", ALL - {"zh"}) == "ie"
    assert region_for("CH", ALL - {"zh", "ie"}) == "us"


def test_where_no_fitting_record_is_healthy_the_smallest_place_answers_as_if_all_were() -> None:
    assert region_for("CH", {"sg"}) == "zh"
    assert region_for("JP", {"ie"}) == "sg"
    assert region_for("BR", set()) == "us"


def test_where_the_default_is_unhealthy_the_others_answer_one_after_another() -> None:
    with_others = records("us", {"EU": "ie"}, {}, ["us", "ie", "sg"])
    for healthy, region in (({"ie", "sg"}, "ie"), ({"sg"}, "sg"), (set[str](), "us")):
        found = answer(location_of("BR"), with_others, healthy)
        assert found is not None
        assert found.region == region
    assert answer(location_of("DE"), with_others, {"us", "sg"}) == Record(ANYWHERE, "us")


def test_where_no_record_fits_there_is_no_answer() -> None:
    assert answer(location_of("JP"), [Record(Location("EU"), "ie")], {"ie"}) is None


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("de", Location("EU", "DE")),
        ("EU-DE", Location("EU", "DE")),
        ("EU", Location("EU")),
        ("NA", Location("NA")),
        ("AF-NA", Location("AF", "NA")),
        ("AS-AF", Location("AS", "AF")),
        ("*", ANYWHERE),
    ],
)
def test_places_are_read_from_their_codes(text: str, location: Location) -> None:
    assert location_of(text) == location


@pytest.mark.parametrize("text", ["", "XX", "DEU", "EU-JP", "-DE", "EU-", "NA-NA", "eu west", "*" * 300])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a country"):
        location_of(text)


@given(locations)
def test_every_place_is_read_back_from_its_text(location: Location) -> None:
    assert location_of(str(location)) == location


@given(locations, routings, st.sets(regions))
def test_with_a_default_there_is_always_one_answer_and_it_fits(
    asked: Location, routing: tuple[Record, ...], healthy: set[str]
) -> None:
    found = answer(asked, routing, healthy)
    assert found is not None
    fitting = [record for record in routing if record.location in (asked, Location(asked.continent), ANYWHERE)]
    assert found in fitting
    if any(record.region in healthy for record in fitting):
        assert found.region in healthy


@given(locations, routings, st.sets(regions), regions)
def test_a_region_that_recovers_takes_nothing_from_a_smaller_place(
    asked: Location, routing: tuple[Record, ...], healthy: set[str], recovered: str
) -> None:
    before = answer(asked, routing, healthy)
    after = answer(asked, routing, healthy | {recovered})
    assert before
    assert after
    assert after == before or after.region == recovered or before.region not in healthy


def test_the_table_has_each_country_once_on_a_continent_that_route_53_knows() -> None:
    assert set(CONTINENT_OF.values()) == set(CONTINENTS)
    assert len(CONTINENT_OF) == 250
    assert {CONTINENT_OF[code] for code in ("DE", "UA", "XK")} == {"EU"}
