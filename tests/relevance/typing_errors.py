"""How people mistype: neighbouring keys, swapped, left out and doubled letters."""

from __future__ import annotations

from random import Random

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    places = {letter: (row, column) for row, keys in enumerate(_ROWS) for column, letter in enumerate(keys)}
    return {
        letter: "".join(
            other
            for other, (other_row, other_column) in places.items()
            if other != letter and abs(row - other_row) <= 1 and abs(column - other_column) <= 1
        )
        for letter, (row, column) in places.items()
    }


_NEAR = _neighbours()


def mistyped(word: str, dice: Random) -> str:
    """The word with one mistake; most often not in its first letter, as with people."""
    first = 0 if dice.random() < 0.1 else 1
    places = [place for place in range(min(first, len(word) - 1), len(word)) if word[place].isalpha()]
    if not places:
        return word
    for _ in range(20):
        place = dice.choice(places)
        letter = word[place]
        match dice.choice(("swap", "leave out", "double", "neighbour", "neighbour")):
            case "swap" if place + 1 < len(word):
                made = word[:place] + word[place + 1] + letter + word[place + 2 :]
            case "leave out":
                made = word[:place] + word[place + 1 :]
            case "double":
                made = word[:place] + letter + word[place:]
            case _ if letter.lower() in _NEAR:
                made = word[:place] + dice.choice(_NEAR[letter.lower()]) + word[place + 1 :]
            case _:
                continue
        if made != word:
            return made
    return word
