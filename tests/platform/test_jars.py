import os
import subprocess
import sys
from pathlib import Path

import pytest

from dynadex.platform import jars
from dynadex.platform.jars import DYNAMODB_LOCAL, ELASTICSEARCH, OPENSEARCH, MissingTool, PlatformError

ALL = [OPENSEARCH, ELASTICSEARCH, DYNAMODB_LOCAL]


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for Maven that notes each call, copies one jar, and fails while a file `broken` lies beside it."""
    program = tmp_path / "bin/mvn"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        'here=$(dirname "$0")\n'
        'echo call >> "$here/calls"\n'
        "for option; do case $option in -DoutputDirectory=*) folder=${option#*=};; esac; done\n"
        'touch "$folder/one.jar"\n'
        'if [ -e "$here/broken" ]; then echo "no route to repository"; exit 1; fi\n'
        'sleep 0.3; touch "$folder/two.jar"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DYNADEX_CACHE", str(tmp_path / "cache"))
    return program


def calls(maven: Path) -> int:
    return (maven.parent / "calls").read_text().count("call")


def test_jars_are_fetched_once(maven: Path, tmp_path: Path) -> None:
    folder = jars.fetch(OPENSEARCH)
    assert folder == tmp_path / "cache/jars/opensearch-3.1.0.0"
    assert {path.name for path in folder.glob("*.jar")} == {"one.jar", "two.jar"}
    assert jars.fetch(OPENSEARCH) == folder
    assert calls(maven) == 1


def test_a_half_finished_fetch_is_fetched_again(maven: Path) -> None:
    broken = maven.parent / "broken"
    broken.touch()
    with pytest.raises(PlatformError, match="no route to repository"):
        jars.fetch(OPENSEARCH)
    broken.unlink()
    assert len(list(jars.fetch(OPENSEARCH).glob("*.jar"))) == 2


def test_a_changed_pom_is_fetched_again(maven: Path) -> None:
    folder = jars.fetch(OPENSEARCH)
    (folder / "pom.xml").write_text("<project/>")
    (folder / "old.jar").touch()
    assert not (jars.fetch(OPENSEARCH) / "old.jar").exists()
    assert calls(maven) == 2


def test_processes_that_fetch_at_once_share_one_fetch(maven: Path) -> None:
    script = "from dynadex.platform.jars import OPENSEARCH, fetch; print(len(list(fetch(OPENSEARCH).glob('*.jar'))))"
    running = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate(timeout=30)[0] for process in running] == ["2\n"] * 3
    assert calls(maven) == 1


def test_without_maven_the_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DYNADEX_CACHE", str(tmp_path))
    with pytest.raises(MissingTool, match="apt install maven"):
        jars.fetch(OPENSEARCH)


def jdk(home: Path, release: str) -> Path:
    (home / "bin").mkdir(parents=True)
    for program in ("java", "javac"):
        (home / "bin" / program).touch()
    (home / "release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{release}"\nJAVA_VERSION_DATE="2024-01-01"\n')
    return home


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a machine's JDKs: 8, 17, 25, and a JRE 21."""
    for release in ("1.8.0_402", "17.0.15", "25"):
        jdk(tmp_path / f"jdk-{release}", release)
    (jdk(tmp_path / "jre-21", "21.0.2") / "bin/javac").unlink()
    monkeypatch.setattr(jars, "_JVMS", tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path


def test_each_server_gets_the_oldest_jdk_that_fits(installed: Path) -> None:
    assert [jars.find_jdk(server).name for server in ALL] == ["jdk-25", "jdk-17.0.15", "jdk-17.0.15"]


def test_java_home_comes_first_when_it_fits(
    installed: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = jdk(tmp_path_factory.mktemp("chosen") / "jdk", "21.0.2")
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert [jars.find_jdk(server).name for server in ALL] == ["jdk", "jdk-17.0.15", "jdk"]


def test_without_a_fitting_jdk_the_message_says_what_fits_and_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jdk(tmp_path / "jdk-25", "25.0.3")
    monkeypatch.setattr(jars, "_JVMS", tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(MissingTool, match=r"Java 11 to 17 \(found: 25 in .*apt install openjdk-17-jdk-headless"):
        jars.find_jdk(ELASTICSEARCH)
