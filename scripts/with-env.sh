#!/usr/bin/env bash
# Runs a command from the root of the checkout with the project's own tools in PATH.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"
exec "$@"
