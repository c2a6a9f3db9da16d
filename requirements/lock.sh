#!/bin/sh
# Locks every set of dependencies with hashes. $1: the uv command.
set -eu
cd "$(dirname "$0")/.."
compile() {
    "$1" pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$2" --output-file "$3" $4
}
compile "$1" requirements/functions.in src/dynadex/platform/requirements/functions.txt ''
compile "$1" pyproject.toml requirements/local.txt '--extra local --group build --constraint src/dynadex/platform/requirements/functions.txt'
compile "$1" pyproject.toml requirements/dev.txt '--extra local --group dev --constraint requirements/local.txt'
compile "$1" requirements/scan.in requirements/scan.txt ''
