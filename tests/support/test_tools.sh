#!/bin/sh
# What some tests need beside Python, all from Debian: an RTSP server (GStreamer), a redis-server with TLS, PostgreSQL, an MQTT broker,
# Prometheus, a browser.
#
#   test_tools.sh check     says what is missing, which tests are skipped for it, and how to get it; installs nothing
#   test_tools.sh install   installs it: GStreamer, Redis, PostgreSQL, mosquitto and Chromium as root, Prometheus into .tools/ without
set -u
cd "$(dirname "$0")/../.." || exit 1
tools=.tools
gstreamer="gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-rtsp"
prometheus="prometheus prometheus-redis-exporter"
programs="prometheus promtool prometheus-redis-exporter"

has_rtsp_server() {
    /usr/bin/python3 tests/support/rtsp_server.py --check 2>/dev/null
}

has_prometheus() {
    for program in $programs; do
        [ -x "$tools/usr/bin/$program" ] || command -v "$program" >/dev/null || return 1
    done
}

has_redis() {
    command -v redis-server >/dev/null
}

has_postgresql() {
    ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1
}

has_mosquitto() {
    [ -x /usr/sbin/mosquitto ] || command -v mosquitto >/dev/null
}

has_chromium() {
    command -v chromium >/dev/null
}

install_packages() {
    command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 1
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

download_prometheus() {
    # shellcheck disable=SC2086  # a list of packages
    (cd "$tools" && apt-get download -qq $prometheus) 2>/dev/null
}

install_prometheus() {
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
    mkdir -p "$tools"
    # Package lists that are missing or old are the usual reason for a failed download.
    download_prometheus || { [ "$(id -u)" = 0 ] && apt-get update -qq && download_prometheus; }
    for package in "$tools"/*.deb; do
        [ -e "$package" ] && dpkg -x "$package" "$tools" && rm "$package"
    done
}

if [ "${1:-}" = install ]; then
    # shellcheck disable=SC2086  # a list of packages
    has_rtsp_server || install_packages $gstreamer
    has_redis || install_packages redis-server
    has_postgresql || install_packages postgresql
    has_mosquitto || install_packages mosquitto
    has_chromium || install_packages chromium
    has_prometheus || install_prometheus
fi
missing=
has_rtsp_server || { missing=1; echo "No GStreamer RTSP server: tests of RTSP cameras are skipped. \`make test-tools\` as root installs: $gstreamer"; }
has_redis || { missing=1; echo "No redis-server on the PATH: tests of TLS and of a cluster of Redis are skipped. \`make test-tools\` as root installs: redis-server"; }
has_postgresql || { missing=1; echo "No PostgreSQL: tests of its sink are skipped. \`make test-tools\` as root installs: postgresql"; }
has_mosquitto || { missing=1; echo "No mosquitto: tests of MQTT are skipped. \`make test-tools\` as root installs: mosquitto"; }
has_chromium || { missing=1; echo "No chromium on the PATH: tests of the page are skipped. \`make test-tools\` as root installs: chromium"; }
has_prometheus || { missing=1; echo "No Prometheus: tests of rules and dashboards are skipped. \`make test-tools\` unpacks it into $tools; or put these on the PATH: $programs"; }
[ "${1:-}" != install ] || [ -z "$missing" ]
