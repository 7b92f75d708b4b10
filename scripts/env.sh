# Sourced by the other scripts: the project's own tools come first in PATH, then the machine's.
# Nothing here is an error when a tool has not been brought in yet; scripts/bootstrap.sh does that.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PATH="$root/.toolchain/bin:$root/.venv/bin:$root/node_modules/.bin:$PATH"
# Prerelease notices and funding banners are noise in a build log.
export npm_config_fund=false npm_config_audit=false npm_config_update_notifier=false
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
