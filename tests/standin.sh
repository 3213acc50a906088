# Shared by the runs of providers' own SDKs against their stand-ins: sourced, never run. Needs node 20 or newer and npm.
# Sourced by DIR/run.sh, it goes to the project and says where things are:
#   here    the folder of the run      work    a folder under target/ for what it keeps
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"
target=${CARGO_TARGET_DIR:-$root/target}
work=$target/$(basename "$here")
mkdir -p "$work"

# start_standin PACKAGE [ARGUMENT…]: builds and starts it on a free port, to be stopped when the run ends; its address is
# in $url.
start_standin() {
  package=$1
  shift
  cargo build --quiet -p "$package"
  # An address of an earlier run must not be taken for this one.
  rm -f "$work/address"
  "$target/debug/$package" --listen 127.0.0.1:0 "$@" >"$work/address" &
  standin=$!
  trap 'kill "$standin" 2>/dev/null || true' EXIT
  for _ in $(seq 100); do
    [ -s "$work/address" ] && break
    sleep 0.1
  done
  url=$(cat "$work/address")
  [ -n "$url" ] || { echo "the stand-in did not start" >&2; exit 1; }
}

# run_tests_with NAME: sdk.test.mjs, once the packages are there, of which NAME is one. Leaves the run in its folder.
run_tests_with() {
  [ -d "$here/node_modules/$1" ] || (cd "$here" && npm ci --silent)
  cd "$here"
  node --test sdk.test.mjs
}
