#!/bin/sh
# Unpacks Prometheus, promtool and the Redis exporter of Debian into .tools/, for tests. It needs no root and starts no service.
set -u
cd "$(dirname "$0")/.." || exit 1
tools=.tools
packages="prometheus prometheus-redis-exporter"
programs="prometheus promtool prometheus-redis-exporter"

all_there() {
    for program in $programs; do
        [ -x "$tools/usr/bin/$program" ] || return 1
    done
}

download() {
    # shellcheck disable=SC2086  # a list of packages
    (cd "$tools" && apt-get download -qq $packages) 2>/dev/null
}

all_there && exit 0
if command -v apt-get >/dev/null && command -v dpkg >/dev/null; then
    mkdir -p "$tools"
    # Package lists that are missing or old are the usual reason for a failed download.
    download || { [ "$(id -u)" = 0 ] && apt-get update -qq && download; }
    for package in "$tools"/*.deb; do
        [ -e "$package" ] && dpkg -x "$package" "$tools" && rm "$package"
    done
    all_there && exit 0
fi
echo "No Prometheus here: tests that need one are skipped. To have them, put into $tools/usr/bin, or on the PATH: $programs"
