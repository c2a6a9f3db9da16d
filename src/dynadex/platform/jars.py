"""Java servers without containers: a fitting JDK, and the servers' jars from Maven Central.

Each server has a pinned pom in the folder `jars` beside this file. Its jars are copied once into
`<cache>/jars/<name>-<version>`, which appears there complete or not at all, however many processes ask at once.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from dynadex.errors import DynadexError

SOURCES = Path(__file__).parent / "jars"
_JVMS = Path("/usr/lib/jvm")
_POM = "{http://maven.apache.org/POM/4.0.0}"


class PlatformError(DynadexError):
    """Something on this machine keeps the embedded platform from running; the message says what and the remedy."""


class MissingTool(PlatformError):
    """A program that has to be installed first."""


@dataclass(frozen=True)
class JavaServer:
    """A server that comes as jars: `jars/<name>.xml` pins them, `jars/<main>.java` starts it.

    `newest` is the last Java release it runs on, None where there is no such limit. `runner` is the class that stands
    for RUNNER in the source.
    """

    name: str
    main: str
    oldest: int
    newest: int | None = None
    runner: str = ""

    @property
    def pom(self) -> Path:
        return SOURCES / f"{self.name}.xml"

    def source(self, folder: Path) -> Path:
        """The source that starts it, made in a folder."""
        made = folder / f"{self.main}.java"
        made.write_text((SOURCES / made.name).read_text().replace("RUNNER", self.runner))
        return made

    @property
    def version(self) -> str:
        pom = ElementTree.parse(self.pom)  # noqa: S314 - this package's own file
        return pom.findtext(f"{_POM}version", "")

    def fits(self, release: int) -> bool:
        return self.oldest <= release and (self.newest is None or release <= self.newest)


OPENSEARCH = JavaServer(
    "opensearch", "StartEngine", oldest=21, runner="org.codelibs.opensearch.runner.OpenSearchRunner"
)
ELASTICSEARCH = JavaServer(
    "elasticsearch",
    "StartEngine",
    oldest=11,
    newest=17,
    runner="org.codelibs.elasticsearch.runner.ElasticsearchClusterRunner",
)
DYNAMODB_LOCAL = JavaServer("dynamodb-local", "StartDynamoDBLocal", oldest=17)


def find_jdk(server: JavaServer) -> Path:
    """The home of the first JDK that fits: JAVA_HOME, then `java` on the PATH, then /usr/lib/jvm, oldest first.

    A JRE does not do, as the servers are started from a source file. Raises MissingTool.
    """
    found = {home: release for home in _java_homes() if (release := _java_release(home)) is not None}
    for home, release in found.items():
        if server.fits(release):
            return home
    wanted = f"{server.oldest} or newer" if server.newest is None else f"{server.oldest} to {server.newest}"
    seen = ", ".join(f"{release} in {home}" for home, release in found.items()) or "none"
    raise MissingTool(
        f"{server.name} needs a JDK, Java {wanted} (found: {seen}). On Debian: sudo apt install "
        f"openjdk-{server.newest or max(server.oldest, 21)}-jdk-headless; where Debian has no such package, "
        "install one from https://adoptium.net and set JAVA_HOME to it."
    )


def fetch(server: JavaServer) -> Path:
    """The folder of the server's jars, fetched with Maven where the cache has none.

    Raises MissingTool without Maven, PlatformError when Maven fails.
    """
    jars = cache() / "jars" / f"{server.name}-{server.version}"
    if _complete(jars, server):
        return jars
    jars.parent.mkdir(parents=True, exist_ok=True)
    # One lock for all servers: Maven's own repository does not stand two Mavens writing to it either.
    with _locked(jars.with_name(".lock")):
        if _complete(jars, server):
            return jars
        unfinished = jars.with_name(f"{jars.name}.unfinished")
        for remains in (unfinished, jars):
            shutil.rmtree(remains, ignore_errors=True)
        unfinished.mkdir()
        shutil.copyfile(server.pom, unfinished / "pom.xml")
        _copy_dependencies(unfinished, server)
        unfinished.rename(jars)
    return jars


def cache() -> Path:
    """Where fetched things are kept: DYNADEX_CACHE, or `dynadex` in the user's cache folder."""
    if chosen := os.environ.get("DYNADEX_CACHE"):
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dynadex"


def _complete(jars: Path, server: JavaServer) -> bool:
    # The pom is copied along, so a pom that changes without a new version is noticed.
    try:
        return (jars / "pom.xml").read_bytes() == server.pom.read_bytes()
    except FileNotFoundError:
        return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _copy_dependencies(folder: Path, server: JavaServer) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise MissingTool(
            f"{server.name} is fetched with Maven, and there is no mvn. On Debian: sudo apt install maven."
        )
    environment = dict(os.environ)
    if not environment.get("JAVA_HOME") and shutil.which("java") is None:
        environment["JAVA_HOME"] = str(find_jdk(server))
    finished = subprocess.run(  # noqa: S603 - nothing of it comes from outside
        [
            *(maven, "--quiet", "--batch-mode", "-Dstyle.color=never", f"--file={folder / 'pom.xml'}"),
            *("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"),
        ],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        lines = "\n".join(finished.stdout.strip().splitlines()[:20])
        raise PlatformError(f"Maven could not fetch {server.name} {server.version}:\n{lines}")


def _java_homes() -> list[Path]:
    homes = []
    if home := os.environ.get("JAVA_HOME"):
        homes.append(Path(home))
    if java := shutil.which("java"):
        homes.append(Path(java).resolve().parent.parent)
    installed = {path.resolve() for path in _JVMS.glob("*") if (path / "bin/java").exists()}
    return homes + sorted(installed, key=lambda path: (_java_release(path) or 0, path))


def _java_release(home: Path) -> int | None:
    """The feature release (17, 21 …) of the JDK there; None for a JRE or where there is nothing."""
    if not (home / "bin/javac").exists():
        return None
    try:
        text = (home / "release").read_text(encoding="utf-8")
    except OSError:
        try:
            ran = subprocess.run(  # noqa: S603 - a JDK of this machine
                [home / "bin/java", "-version"], capture_output=True, text=True, check=False
            )
        except OSError:
            return None
        text = ran.stderr
    version = re.search(r'(?:JAVA_VERSION=| version )"(?:1\.)?(\d+)', text)
    return int(version[1]) if version else None
