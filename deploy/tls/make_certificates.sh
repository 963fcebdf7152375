#!/bin/sh
# Makes an authority and a certificate for Redis, for those who have none: make_certificates.sh FOLDER [NAME...]
# NAME is a host name or IP address by which clients reach Redis (redis and localhost are always in). Files that exist are kept.
set -eu
umask 077
folder=${1:?usage: make_certificates.sh FOLDER [NAME...]}
shift
days=825 # the most that common clients accept
mkdir -p "$folder"
cd "$folder"

names="DNS:redis,DNS:localhost,IP:127.0.0.1"
for name in "$@"; do
    case $name in
    *[!0-9.]*) names="$names,DNS:$name" ;;
    *) names="$names,IP:$name" ;;
    esac
done

if [ ! -e ca.pem ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=ferstream Redis authority" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout ca.key -out ca.pem 2>/dev/null
fi
if [ ! -e redis.pem ]; then
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=redis" -keyout redis.key -out redis.csr 2>/dev/null
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:FALSE\n' "$names" >redis.ext
    openssl x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days "$days" -extfile redis.ext -out redis.pem 2>/dev/null
    rm -f redis.csr redis.ext ca.srl
fi
# Containers run as other users than the one who made the files; the folder above keeps other people of this machine out.
chmod 444 ca.pem redis.pem redis.key
chmod 400 ca.key
