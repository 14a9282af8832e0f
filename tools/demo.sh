#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./dev demo: two sessions of the stock client on a throw-away server; one kills the other, shown as it happens.
set -eu
quelld=$1
dir=$(mktemp -d)
server=
cleanup() {
    [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
"$quelld" --initialize-insecure --datadir="$dir/data"
"$quelld" --datadir="$dir/data" --socket="$dir/s.sock" --port=0 --admin-port=0 >"$dir/log" 2>&1 &
server=$!
sql() { mariadb --no-defaults -u root --socket="$dir/s.sock" "$@"; }
for _ in $(seq 200); do
    sql -e 'DO 1' 2>/dev/null && break
    kill -0 "$server" 2>/dev/null || { cat "$dir/log"; exit 1; }
    sleep 0.05
done
show() { # title, statement
    printf '\n\033[1mdba> %s\033[0m\n' "$1"
    sql --table -e "$1"
}
sql -e "CREATE USER app_user@localhost IDENTIFIED BY 'secret'; GRANT SELECT ON *.* TO app_user@localhost"
victim() { # statement; runs as app_user in the background, prints what its client saw
    mariadb --no-defaults -u app_user -psecret --socket="$dir/s.sock" -e "$1" 2>&1 | sed 's/^/      app_user sees: /' &
    victim_pid=$!
    until sql -N -e "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER='app_user' AND COMMAND='Query'" | grep -q 1; do :; done
    id=$(sql -N -e "SELECT ID FROM information_schema.PROCESSLIST WHERE USER='app_user' AND COMMAND='Query'")
}
echo "app_user runs: SELECT SLEEP(300)"
victim 'SELECT SLEEP(300)'
show 'SHOW FULL PROCESSLIST'
show "KILL QUERY $id"
wait $victim_pid || true
echo
echo "app_user runs: SELECT BENCHMARK(1000000000, SHA2('x', 512))"
victim "SELECT BENCHMARK(1000000000, SHA2('x', 512))"
show 'SHOW PROCESSLIST'
show "KILL CONNECTION $id"
wait $victim_pid || true
show 'SHOW PROCESSLIST'
