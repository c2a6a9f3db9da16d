"""An item with one of everything that DynamoDB holds."""

from __future__ import annotations

from typing import Any

from dynadex.core.attributes import dumps, jsonable
from dynadex.core.comparing import loads
from tests.table.emulator import wire

#: As boto3 takes it: binaries as bytes.
EVERYTHING: dict[str, Any] = {
    "S": {"S": "é 東京 🎸 \u2028 \"'\\"},
    "empty S": {"S": ""},
    "N": {"N": "12345678901234567890123456789012345678"},
    "fraction": {"N": "-0.12345678901234567890123456789012345678"},
    "smallest": {"N": "1E-130"},
    "largest": {"N": "9.9999999999999999999999999999999999999E+125"},
    "trailing zeros": {"N": "1.500"},
    "B": {"B": b"\x00\xff\x80"},
    "empty B": {"B": b""},
    "true": {"BOOL": True},
    "false": {"BOOL": False},
    "NULL": {"NULL": True},
    "M": {"M": {"a.b": {"L": [{"B": b"x"}, {"NS": ["1"]}]}}},
    "L": {"L": [{"S": ""}, {"L": []}, {"NULL": True}, {"N": "1"}]},
    "empty L": {"L": []},
    "empty M": {"M": {}},
    "SS": {"SS": ["b", "a", "é"]},
    "NS": {"NS": ["10", "9", "-1.5"]},
    "BS": {"BS": [b"\x01", b"\x00"]},
    "with.dots": {"N": "1"},
}


def as_document(item: Any) -> Any:
    """What an index without a transform would be sent, numbers compared by value."""
    return loads(dumps(jsonable(wire(item))))
