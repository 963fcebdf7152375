#!/bin/sh
# One Redis command as user admin, whose password is in secrets/redis_url_admin. From deploy/:
#
#   redis/admin.sh XREVRANGE 'fer:dead:{0}' + - COUNT 5
#
# FER_REDIS_VIA is what runs redis-cli where Redis is: `docker compose exec -T redis` unless set; empty for this machine. The password goes
# there on standard input, so that no list of processes shows it.
set -eu
file=${FER_SECRETS:-$(dirname "$0")/../secrets}/redis_url_admin
url=$(cat "$file")
address=${url##*@}
address=${address%%[/?]*}
set -- -h "${address%:*}" -p "${address##*:}" --user admin "$@"
case $url in *+cluster://*) set -- -c "$@" ;; esac
case $url in rediss*) set -- --tls --cacert "${url##*ssl_ca_certs=}" "$@" ;; esac
password=${url%@*}
password=${password##*:}
# shellcheck disable=SC2016,SC2086 # the inner shell's own variables; several words
printf '%s\n' "$password" | ${FER_REDIS_VIA-docker compose exec -T redis} \
    sh -c 'read -r REDISCLI_AUTH && export REDISCLI_AUTH && exec redis-cli "$@" </dev/null' redis-cli "$@"
