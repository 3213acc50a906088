#!/bin/sh
# Installs the engine library as .engine/libchdb.so at the root of the checkout, from the npm package the engine's
# makers publish. Checks the file against the hash below; running it again does nothing.
set -eu

package='@chdb/lib-linux-x64-gnu'
version='26.7.3-stable.1'
sha256='36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5'

root=$(cd "$(dirname "$0")/.." && pwd)
library="$root/.engine/libchdb.so"
stamp="$root/.engine/libchdb.stamp"

say() { printf 'engine library: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

# What the stamp says of a checked file: hashing half a gigabyte each time would cost seconds.
state() { printf '%s %s\n' "$sha256" "$(stat -L -c '%s %Y' "$library")"; }
matches() { [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$sha256" ]; }

if [ -f "$library" ]; then
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(state)" ]; then
        say "$version is installed"
        exit 0
    fi
    say 'checking the file that is there'
    if matches "$library"; then
        state >"$stamp"
        say "$version is installed"
        exit 0
    fi
    say 'it is another build; replacing it'
fi

case "$(uname -s)-$(uname -m)" in
Linux-x86_64) ;;
*) fail "the pinned build is for Linux on x86_64, this is $(uname -s) on $(uname -m); set store.url to use a ClickHouse server instead" ;;
esac
command -v npm >/dev/null || fail 'npm is needed to fetch the package; install Node.js 20 or newer and run this again'

work=$(mktemp -d "${TMPDIR:-/tmp}/engine-library.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM

say "fetching $package@$version (about 180 MB)"
(cd "$work" && npm pack --silent --ignore-scripts "$package@$version" >packed.txt) ||
    fail "npm could not fetch $package@$version; check the network and npm's registry setting, then run this again"
archive="$work/$(tail -n 1 "$work/packed.txt")"
[ -f "$archive" ] || fail "npm reported no archive; run this again"

say 'unpacking'
tar -xzf "$archive" -C "$work" package/libchdb.so || fail 'the archive holds no libchdb.so; the package has changed'
rm -f "$archive"

say 'checking its hash'
matches "$work/package/libchdb.so" || fail "the file is not the pinned build; nothing was installed"

mkdir -p "$root/.engine"
# Into place in one step, beside a library a running program may have open.
mv "$work/package/libchdb.so" "$library.new"
mv -f "$library.new" "$library"
state >"$stamp"
say "installed $version as .engine/libchdb.so"
