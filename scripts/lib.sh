# Shared by the scripts beside it: sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

# say TEXT: one line of progress, with the seconds since the script began.
say() { printf '[%4ds] %s\n' "$SECONDS" "$*"; }

# die TEXT: what is wrong and what to do, then stop.
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# need_command COMMAND PACKAGE: from Debian as root; otherwise says how to get it.
need_command() { have "$1" || install_package "$2"; }

# install_package PACKAGE: the same, of what is no command.
install_package() {
    if [ "$(id -u)" = 0 ] && have apt-get; then
        say "installing $1"
        apt-get update -qq >/dev/null 2>&1 || true
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$1" >/dev/null ||
            die "apt-get could not install $1; install it by hand and try again"
    else
        die "$1 is missing; ask the administrator to run: apt-get install $1"
    fi
}
