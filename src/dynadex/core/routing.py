"""Which region answers for a place: Route 53's geolocation routing, as rules.

A record says which region answers for a country, for a continent, or for everywhere (the default). Route 53 looks for
the smallest place: the country's record, then its continent's, then the default. A record whose health check fails is
passed over for that of the next larger place. Where every record that fits is unhealthy, Route 53 treats all of them
as healthy, and the smallest place's answers: an answer that may fail is better than none. (Route 53 Developer Guide,
"How Amazon Route 53 chooses records when health checking is configured"; API Reference, ResourceRecordSet,
HealthCheckId.) A healthy region whose record does not fit the place is never the answer. So the default has a fall-back
of its own: every other region, one after another.

Countries are those of ISO 3166-1, alpha-2, continents have Route 53's codes. Which country is on which continent is
from GeoNames' countryInfo (geonames.org, CC BY 4.0); a country that two share is where GeoNames counts it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

CONTINENTS = {
    "AF": "Africa",
    "AN": "Antarctica",
    "AS": "Asia",
    "EU": "Europe",
    "NA": "North America",
    "OC": "Oceania",
    "SA": "South America",
}

_COUNTRIES = {
    "AF": (
        "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU "
        "MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW"
    ),
    "AN": "AQ BV GS HM TF",
    "AS": (
        "AE AF AM AZ BD BH BN BT CC CN GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV "
        "MY NP OM PH PK PS QA SA SG SY TH TJ TM TR TW UZ VN YE"
    ),
    "EU": (
        "AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV "
        "MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK"
    ),
    "NA": (
        "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR "
        "SV SX TC TT US VC VG VI"
    ),
    "OC": "AS AU CK CX FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TL TO TV UM VU WF WS",
    "SA": "AR BO BR CL CO EC FK GF GY PE PY SR UY VE",
}

#: Country → its continent.
CONTINENT_OF = {country: continent for continent, codes in _COUNTRIES.items() for country in codes.split()}


@dataclass(frozen=True, slots=True)
class Location:
    """A place: a country with its continent, a continent alone, or with neither of them anywhere."""

    continent: str = ""
    country: str = ""

    def __str__(self) -> str:
        """As `location_of` reads it."""
        if self.country in CONTINENTS:  # AF, AS, NA and SA are both
            return f"{self.continent}-{self.country}"
        return self.country or self.continent or "*"


ANYWHERE = Location()


@dataclass(frozen=True, slots=True)
class Record:
    """The region that answers for a location."""

    location: Location
    region: str


def location_of(text: str) -> Location:
    """`EU` is a continent, `DE` a country, `*` anywhere. Raises `ValueError` for what is neither.

    Four countries have a continent's code (`NA` is North America, and Namibia): such a country is written with its
    continent, as every country may be: `AF-NA`, `EU-DE`.
    """
    code = text.upper()
    if code == "*":
        return ANYWHERE
    if code in CONTINENTS:
        return Location(code)
    continent, separator, country = code.rpartition("-")
    if country in CONTINENT_OF and (not separator or continent == CONTINENT_OF[country]):
        return country_location(country)
    raise ValueError(f"{text[:20]!r} is not a country (DE), a continent ({', '.join(CONTINENTS)}) or *")


def country_location(country: str) -> Location:
    """A country, by its code alone."""
    return Location(CONTINENT_OF[country], country)


def records(
    default: str, continents: Mapping[str, str], countries: Mapping[str, str], others: Sequence[str] = ()
) -> tuple[Record, ...]:
    """The records of a routing: a region for some continents and countries, and one for all that is left.

    `others` answer for all that is left where the default region is unhealthy.
    """
    return (
        *(Record(country_location(country), region) for country, region in countries.items()),
        *(Record(Location(continent), region) for continent, region in continents.items()),
        *(Record(ANYWHERE, region) for region in dict.fromkeys((default, *others))),
    )


def answer(asked: Location, records: Sequence[Record], healthy: Collection[str]) -> Record | None:
    """The record that Route 53 would answer with, `healthy` being the regions whose health check passes.

    None where no record fits, which cannot be where there is a default.
    """
    larger_and_larger = dict.fromkeys((asked, Location(asked.continent), ANYWHERE))
    fitting = [record for location in larger_and_larger for record in records if record.location == location]
    return next((record for record in fitting if record.region in healthy), fitting[0] if fitting else None)
