#!/bin/sh
# run-pytest.sh BUILD-DIR [PYTEST-ARGUMENT...] - the system tests against BUILD-DIR/handfast, with
# Debian's python3 and an environment that does not decide what is trusted.  A path among the arguments
# (tests/system/server/test_rules.py) runs just that.
set -eu
build=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."
unset SSL_CERT_FILE SSL_CERT_DIR OPENSSL_CONF CURL_CA_BUNDLE REQUESTS_CA_BUNDLE GIT_SSL_CAINFO \
	NODE_EXTRA_CA_CERTS HANDFAST_HOME NO_COLOR PYTHONPATH || true
HANDFAST_BIN="$build/handfast"
HF_BUILD_ROOT="$build"
HF_SOURCE_ROOT=$(pwd)
PYTHONDONTWRITEBYTECODE=1
export HANDFAST_BIN HF_BUILD_ROOT HF_SOURCE_ROOT PYTHONDONTWRITEBYTECODE
what=tests/system
for argument in "$@"; do
	case $argument in tests/system*) what= ;; esac
done
exec /usr/bin/python3 -m pytest ${what:+"$what"} -n 2 "$@" </dev/null
