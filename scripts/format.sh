#!/usr/bin/env bash
# Rewrites the sources as the formatters want them.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root"
find core bindings tests bench examples \( -name '*.c' -o -name '*.h' -o -name '*.cc' \) \
    -not -path '*/node_modules/*' -print0 | xargs -0r clang-format -i
ruff check --quiet --fix .
ruff format --quiet .
eslint --fix .
prettier --log-level warn --write .
