# shellcheck shell=bash disable=SC2034
# What the scripts share: places, messages, processes. To be sourced, with the
# project's folder as the current one.

# DBKEYRING_CACHE holds what is fetched, DBKEYRING_RUN what `make run` makes.
cache=${DBKEYRING_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/dbkeyring}
run=$(realpath -m -- "${DBKEYRING_RUN:-run}")

say() { printf '%s\n' "$*" >&2; }

die() {
	say "$*"
	exit 1
}

# as_root CMD...: runs CMD as root, through sudo where needed.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -- "$@"
	else
		die "needs root for: $*. Run as root, or install sudo."
	fi
}

# started_at PID: when the process began, in clock ticks since boot. With the
# pid it names a process for good, where a pid alone may be used again.
started_at() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	# Field 22, counted behind the command's name, which may hold blanks.
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	[ "$1" != Z ] && echo "${20}"
}

# remember FILE PID: writes down a process that we started.
remember() { echo "$2 $(started_at "$2" || true)" >"$1"; }

# ours FILE: prints the pid that FILE remembers, if that very process still runs.
ours() {
	local pid ticks
	[ -s "$1" ] && read -r pid ticks <"$1" && [ -n "$ticks" ] && [ "$(started_at "$pid")" = "$ticks" ] && echo "$pid"
}

# wait_gone PID SECONDS: waits for the end of a process.
wait_gone() {
	local n=$(($2 * 10))
	while started_at "$1" >/dev/null; do
		[ $((n -= 1)) -gt 0 ] || return 1
		sleep 0.1
	done
}
