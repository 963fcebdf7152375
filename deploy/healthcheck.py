#!/usr/bin/env python3
"""healthcheck PORT: exit status 0 where /healthz of this container's program says it is well, else 1 with its reason."""

import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=4)
try:
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    said = answer.read().decode().strip()
except OSError as error:
    sys.exit(f"no answer: {error}")
sys.exit(0 if answer.status == 200 else said)
