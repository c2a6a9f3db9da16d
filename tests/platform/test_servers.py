import json
import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from dynadex.platform import servers
from dynadex.platform.jars import ELASTICSEARCH, OPENSEARCH, JavaServer
from dynadex.platform.servers import PortTaken, Server, StartFailed


def call(server: Server, method: str, path: str, body: object = None) -> dict[str, object]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.url + path, data, {"Content-Type": "application/json"}, method=method)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=30) as answer:
        result: dict[str, object] = json.load(answer)
    return result


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


def stop_and_check_gone(server: Server) -> None:
    servers.stop(server)
    assert not servers.is_running(server)
    assert not servers.is_alive(server.pid)
    assert not servers.port_in_use(port_of(server))


def test_osmem_keeps_a_document_until_it_is_stopped(tmp_path: Path) -> None:
    server = servers.start_osmem(servers.free_port(), tmp_path)
    try:
        assert servers.is_running(server)
        assert servers.port_in_use(port_of(server))
        call(server, "PUT", "/lessons/_doc/1", {"title": "Hey Jude"})
        assert call(server, "GET", "/lessons/_doc/1")["_source"] == {"title": "Hey Jude"}
    finally:
        stop_and_check_gone(server)


@pytest.mark.java
@pytest.mark.parametrize(
    ("start", "version"),
    [
        pytest.param(servers.start_opensearch, "3.1.0", id="opensearch"),
        pytest.param(servers.start_elasticsearch, "7.10.2", id="elasticsearch"),
    ],
)
def test_an_engine_finds_its_data_again_after_an_outage(
    tmp_path: Path, start: Callable[[int, Path], Server], version: str
) -> None:
    server = start(servers.free_port(), tmp_path)
    try:
        assert call(server, "GET", "/")["version"]["number"] == version  # type: ignore[index]
        call(server, "PUT", "/lessons/_doc/1?version=7&version_type=external", {"title": "Hey Jude"})
    finally:
        stop_and_check_gone(server)
    server = start(servers.free_port(), tmp_path)
    try:
        found = call(server, "GET", "/lessons/_doc/1")
        assert (found["_version"], found["_source"]) == (7, {"title": "Hey Jude"})
        os.kill(server.pid, signal.SIGKILL)
    finally:
        stop_and_check_gone(server)
    server = start(servers.free_port(), tmp_path)
    try:
        assert call(server, "GET", "/lessons/_doc/1")["_version"] == 7
    finally:
        stop_and_check_gone(server)


@pytest.mark.java
@pytest.mark.parametrize("engine", [OPENSEARCH, ELASTICSEARCH], ids=lambda engine: engine.name)
def test_a_cluster_outlives_one_of_its_nodes(tmp_path: Path, engine: JavaServer) -> None:
    nodes = servers.start_cluster(engine, [servers.free_port() for _ in range(3)], tmp_path, heap_mb=256)
    try:
        settings = {"number_of_shards": 1, "number_of_replicas": 1}
        call(nodes[0], "PUT", "/lessons", {"settings": settings})
        call(nodes[0], "PUT", "/lessons/_doc/1", {"title": "Hey Jude"})
        call(nodes[0], "GET", "/_cluster/health?wait_for_status=green&timeout=30s")
        servers.stop(nodes[0])
        health = call(nodes[1], "GET", "/_cluster/health?wait_for_nodes=2&wait_for_status=yellow&timeout=30s")
        assert (health["number_of_nodes"], health["timed_out"]) == (2, False)
        assert call(nodes[2], "GET", "/lessons/_doc/1")["found"]
    finally:
        for node in nodes:
            stop_and_check_gone(node)


@pytest.mark.java
def test_a_folder_in_use_by_another_node_is_refused_with_the_end_of_the_log(tmp_path: Path) -> None:
    server = servers.start_elasticsearch(servers.free_port(), tmp_path)
    try:
        with pytest.raises(StartFailed, match="failed to obtain node locks"):
            servers.start_elasticsearch(servers.free_port(), tmp_path)
        assert call(server, "GET", "/_cluster/health")["status"] == "green"
    finally:
        stop_and_check_gone(server)


@pytest.mark.java
def test_dynamodb_local_has_tables_and_listens_on_loopback_only(tmp_path: Path) -> None:
    server = servers.start_dynamodb_local(servers.free_port(), tmp_path)
    try:
        client = boto3.client(
            "dynamodb",
            endpoint_url=server.url,
            region_name="eu-west-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        client.create_table(
            TableName="lessons",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client.put_item(TableName="lessons", Item={"id": {"S": "1"}})
        assert client.list_tables()["TableNames"] == ["lessons"]
        assert client.scan(TableName="lessons")["Items"] == [{"id": {"S": "1"}}]
        with socket.socket() as elsewhere:
            # Taken on every interface, this address could not be had.
            elsewhere.bind(("127.0.0.2", port_of(server)))
    finally:
        stop_and_check_gone(server)


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((servers.HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            servers.start_osmem(port, tmp_path)
        assert not list(tmp_path.iterdir())


def test_a_server_that_ends_while_starting_shows_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSMEM_SERVER_BIN", "/bin/ls")
    with pytest.raises(StartFailed, match=r"(?s)osmem ended while starting.*invalid option"):
        servers.start_osmem(servers.free_port(), tmp_path)


def test_a_server_that_never_answers_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = tmp_path / "silent"
    silent.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    silent.chmod(0o755)
    monkeypatch.setenv("OSMEM_SERVER_BIN", str(silent))
    with pytest.raises(StartFailed, match="within 2 s"):
        servers.start_osmem(servers.free_port(), tmp_path, timeout=2)
    assert not servers.is_alive(int((tmp_path / "pid").read_text()))


def test_a_server_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    server = servers.start_osmem(servers.free_port(), tmp_path)
    os.kill(server.pid, signal.SIGSTOP)
    servers.stop(server, timeout=0.2)
    assert not servers.is_alive(server.pid)


def test_another_process_with_the_same_id_is_not_stopped(tmp_path: Path) -> None:
    server = servers.start_osmem(servers.free_port(), tmp_path)
    try:
        servers.stop(Server(server.name, server.url, server.pid, server.born - 1, server.log))
        assert servers.is_running(server)
    finally:
        stop_and_check_gone(server)
    servers.stop(server)
