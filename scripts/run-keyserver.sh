# shellcheck shell=bash disable=SC2154
# The key server of scripts/run with DB=kmip and DB=okv. To be sourced.

kmip_port=${KMIP_PORT:-5696}
keys=$run/keys

start_keyserver() {
	port_free KMIP_PORT "$kmip_port"
	setsid "$dbkeyring" serve --data "$keys" --listen "127.0.0.1:$kmip_port" >>"$run/keyserver.log" 2>&1 </dev/null &
	remember "$run/keyserver.pid" $!
	local n=100
	until "$dbkeyring" endpoint list --data "$keys" >/dev/null 2>&1; do
		ours "$run/keyserver.pid" >/dev/null || fail "$(tail -n 3 "$run/keyserver.log")"
		[ $((n -= 1)) -gt 0 ] || fail "it has not answered within 10 s."
		sleep 0.1
	done
}

# show_keys_on_server CONFIGURATION: the keys, as the key server tells them.
show_keys_on_server() {
	begin "keys, as the key server lists them" "Its log is $run/keyserver.log."
	try "$dbkeyring" key list --config "$1"
	finish
	printf '%s\n' "$out"
}

begin "key server" "Its log is $run/keyserver.log."
if ours "$run/keyserver.pid" >/dev/null; then
	finish "runs already"
else
	start_keyserver
	finish "started on 127.0.0.1:$kmip_port, its data in $keys"
fi
