#!/usr/bin/env bash
# Everything: system packages, the model first, checks, then all tests. Ends with what could not run, if anything.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=(swaks opendkim kcat nsd unbound)
command -v go >/dev/null || packages+=(golang-go)
command -v npm >/dev/null || packages+=(nodejs npm)
if ! command -v java >/dev/null || ! command -v mvn >/dev/null; then packages+=(default-jre-headless maven); fi
tools/system-packages.sh "${packages[@]}"
kafka_missing=
.venv/bin/python -m tools.kafka prepare || kafka_missing=yes
s3_missing=
tools/versitygw.sh >/dev/null || s3_missing=yes
make --no-print-directory model
make --no-print-directory lint type
.venv/bin/python -m pytest --durations=10 -rs
for tool in swaks opendkim kcat nsd unbound go npm; do
  PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null || echo "not run, $tool is missing: the scenarios that need it (see 'skipped' above)"
done
[ -z "$kafka_missing" ] || echo "not run, Kafka could not be had (why stands at the top): the scenarios on real brokers (see 'skipped' above)"
[ -z "$s3_missing" ] || echo "not run, no S3 server could be built (why stands at the top): the scenarios with a bucket (see 'skipped' above)"
