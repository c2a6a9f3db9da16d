"""Writes a table's export to S3 as DynamoDB does: manifests, and parts of compressed lines of typed JSON.

It is a scan, so it is no snapshot: a page may be newer than the time that the manifest tells. A refill takes no harm
from that, as its versions go by the manifest.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

_PARTITIONS = 4


def write(dynamodb: Any, s3: Any, export: Mapping[str, Any], manifest: str) -> None:
    """Writes what is not written yet of an export, of which `export` is what DynamoDB tells; `manifest` is the key."""
    bucket, folder = export["S3Bucket"], manifest.rpartition("/")[0]
    if _is_there(s3, bucket, manifest):
        return
    files: list[dict[str, Any]] = []
    for partition in range(_PARTITIONS):
        for number, items in enumerate(_pages(dynamodb, export["TableArn"], partition)):
            body = gzip.compress(b"".join(json.dumps({"Item": item}).encode() + b"\n" for item in items))
            key, md5 = f"{folder}/data/{partition}-{number:06}.json.gz", hashlib.md5(body, usedforsecurity=False)
            s3.put_object(Bucket=bucket, Key=key, Body=body)
            files.append(
                {
                    "itemCount": len(items),
                    "md5Checksum": base64.b64encode(md5.digest()).decode(),
                    "etag": f"{hashlib.md5(md5.digest(), usedforsecurity=False).hexdigest()}-1",
                    "dataFileS3Key": key,
                }
            )
    list_key = f"{folder}/manifest-files.json"
    s3.put_object(Bucket=bucket, Key=list_key, Body=b"".join(json.dumps(file).encode() + b"\n" for file in files))
    summary = {
        "version": "2020-06-30",
        "exportArn": export["ExportArn"],
        "startTime": _iso(export["StartTime"]),
        "endTime": _iso(export.get("EndTime", export["StartTime"])),
        "tableArn": export["TableArn"],
        "tableId": export.get("TableId"),
        "exportTime": _iso(export.get("ExportTime", export["StartTime"])),
        "s3Bucket": bucket,
        "s3Prefix": export.get("S3Prefix"),
        "s3SseAlgorithm": "AES256",
        "s3SseKmsKeyId": None,
        "manifestFilesS3Key": list_key,
        "billedSizeBytes": export.get("BilledSizeBytes", 0),
        "itemCount": sum(file["itemCount"] for file in files),
        "outputFormat": export["ExportFormat"],
        "exportType": export.get("ExportType", "FULL_EXPORT"),
    }
    s3.put_object(Bucket=bucket, Key=manifest, Body=json.dumps(summary).encode())


def _pages(dynamodb: Any, table: str, partition: int) -> Iterable[list[Mapping[str, Any]]]:
    """A partition's items; one without items has one page all the same, as it has a part."""
    request = {
        "TableName": table.rpartition("/")[2],
        "Segment": partition,
        "TotalSegments": _PARTITIONS,
        "ConsistentRead": True,
    }
    while True:
        answer = dynamodb.scan(**request)
        yield [_as_json(item) for item in answer["Items"]]
        if not (key := answer.get("LastEvaluatedKey")):
            return
        request["ExclusiveStartKey"] = key


def _as_json(item: Mapping[str, Any]) -> Any:
    """An item as boto3 reads it, its binary values as text again."""
    match item:
        case {"B": bytes(value)}:
            return {"B": base64.b64encode(value).decode()}
        case {"BS": list(values)}:
            return {"BS": [base64.b64encode(value).decode() for value in values]}
        case dict():
            return {name: _as_json(value) for name, value in item.items()}
        case list():
            return [_as_json(value) for value in item]
    return item


def _is_there(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return True


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat("T", "milliseconds").replace("+00:00", "Z")
