#!/usr/bin/env bash
# Run a command beside a PostgreSQL server that lives as long as the command.
#
#   scripts/postgres.sh make test
#   scripts/postgres.sh --if-possible make test     # without a server where none can be had; its tests are skipped
#
# The command finds the address in PEROSPIN_TEST_POSTGRESQL. The server listens on a socket in a new folder, on no port,
# and keeps nothing. As root on Debian or Ubuntu, PostgreSQL is installed first if it isn't there.
set -euo pipefail
PATH="$PATH:/usr/sbin:/sbin"

lenient=false
if [ "${1:-}" = "--if-possible" ]; then lenient=true; shift; fi
if [ $# -eq 0 ]; then sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2; fi
if [ -n "${PEROSPIN_TEST_POSTGRESQL:-}" ]; then exec "$@"; fi # somebody gave a server

without() {
    echo "postgres.sh: $1" >&2
    if $lenient; then echo "postgres.sh: going on without it; tests of PostgreSQL are skipped" >&2; exec "${command[@]}"; fi
    exit 2
}

programs() { # the folder of initdb and pg_ctl; Debian keeps the newest one out of the path
    local found
    found=$(command -v pg_ctl || ls -d /usr/lib/postgresql/*/bin/pg_ctl 2>/dev/null | sort -V | tail -1)
    [ -n "$found" ] && found=$(dirname "$(readlink -f "$found")") && [ -x "$found/initdb" ] && echo "$found"
}

install() {
    export DEBIAN_FRONTEND=noninteractive
    # a machine without a network must not wait for it
    local apt="timeout 240 apt-get -qq -o Acquire::http::Timeout=15 -o Acquire::Retries=0"
    $apt update && $apt install --no-install-recommends postgresql-common &&
        # no server of the system: the one below is enough
        sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf &&
        $apt install --no-install-recommends postgresql
}

command=("$@")
if ! bin=$(programs); then
    { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; } || without "install PostgreSQL (initdb and pg_ctl) first"
    install >&2 || without "PostgreSQL can't be installed from the packages of this system"
    bin=$(programs) || without "the packages of this system brought no initdb"
fi

folder=$(mktemp -d /tmp/pg.XXXXXX) # a short name: that of a socket has at most 107 bytes
as=()
if [ "$(id -u)" = 0 ]; then # who may not run a server
    chown nobody "$folder"
    as=(runuser -u nobody --)
fi

stop() {
    (cd "$folder" && "${as[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate stop) >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

start() {
    cd "$folder" || return 1
    "${as[@]}" "$bin/initdb" -D "$folder/data" -U tests -A trust -E UTF8 --no-sync >"$folder/log" 2>&1 &&
        "${as[@]}" "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/server.log" -o "-k $folder -h '' -F" start >>"$folder/log" 2>&1
}
if ! (start); then
    cat "$folder"/*log >&2
    trap - EXIT INT TERM
    stop
    without "the server doesn't start"
fi

export PEROSPIN_TEST_POSTGRESQL="postgresql+psycopg://tests@/postgres?host=$folder"
echo "postgres.sh: $("$bin/postgres" --version), in $folder" >&2
status=0
"${command[@]}" || status=$?
exit $status
