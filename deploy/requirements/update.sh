#!/bin/sh
# Resolves the lists that images are built from anew, to the newest versions that pyproject.toml allows. Needs uv on the PATH.
set -eu
cd "$(dirname "$0")/../.."

resolve() { # resolve LIST INPUT [OPTION...]
    list=$1
    input=$2
    shift 2
    uv pip compile "$input" "$@" --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
        --custom-compile-command "deploy/requirements/update.sh" --output-file "deploy/requirements/$list.txt"
}

resolve producer pyproject.toml --extra tracing
resolve worker-cpu pyproject.toml --extra cpu --extra tracing
resolve worker-gpu pyproject.toml --extra gpu --extra tracing
resolve consumer pyproject.toml --extra dashboard --extra mqtt --extra parquet --extra postgresql --extra rules --extra webhook
resolve test-camera pyproject.toml --extra demo
python3 -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' | resolve build -
