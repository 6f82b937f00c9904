# shellcheck shell=bash disable=SC2154
# scripts/run with DB=wiredtiger: what Percona Server for MongoDB's "Using the Key
# Management Interoperability Protocol" says, on a database of WiredTiger's, with the
# options in a mongod.conf. To be sourced.

# shellcheck source=scripts/run-keyserver.sh
. scripts/run-keyserver.sh

data=$home/db
conf=$home/mongod.conf
afresh="To start afresh: make stop, remove $home, dbkeyring endpoint remove mongod --data $keys, make run DB=wiredtiger."

begin "endpoint for mongod" "$afresh"
if [ -s "$home/endpoint/mongod.conf" ]; then
	finish "is enrolled already"
else
	try "$dbkeyring" endpoint add mongod --for mongod --out "$home/endpoint" --data "$keys"
	finish "client.pem, root_certificate.pem and mongod.conf in $home/endpoint"
fi

begin "configuration" "$afresh"
mkdir -p "$data"
{
	printf 'storage:\n  dbPath: %s\n' "$data"
	cat "$home/endpoint/mongod.conf"
} >"$conf"
finish "$conf"
cat "$conf"

engine="create,log=(enabled),config_base=false,extensions=[$PWD/build/lib/dbkeyring_wiredtiger.so={entry=dbkeyring_wt_3_2,early_load=true,config={path=\"$conf\"}}],encryption=(name=dbkeyring,keyid=\"system\")"
wt() { try command wt -h "$data" -C "$engine" "$@"; }

begin "encrypted table" "$afresh"
wt create -c 'key_format=S,value_format=S' table:secrets
wt write table:secrets name 'only with the key server'
finish "table:secrets in $data"

begin "table read back, by another process" "$afresh"
wt read table:secrets name
[ "$out" = 'only with the key server' ] || fail "it holds '$out'."
finish "'$out'"

begin "the same, as it lies on disk" "$afresh"
if grep -rq 'only with the key server' "$data"; then fail "it is to be read there."; fi
finish "not to be found in any file"

begin "master key, as the key server lists it" "Its log is $run/keyserver.log."
try "$dbkeyring" key list --data "$keys"
finish
printf '%s\n' "$out"

begin "dbkeyring mongod --config mongod.conf --kmipRotateMasterKey" "$afresh"
try "$dbkeyring" mongod --config "$conf" --kmipRotateMasterKey
finish
printf '%s\n' "$out"
key=$(sed -n "s/^the master key has been rotated, .* to '\([^']*\)'.*/\1/p" <<<"$out")

begin "dbkeyring key revoke $key --reason key-compromise" "$afresh"
try "$dbkeyring" key revoke "$key" --reason key-compromise --data "$keys" --yes
finish
printf '%s\n' "$out"

begin "the next start" "$afresh"
if out=$(command wt -h "$data" -C "$engine" read table:secrets name 2>&1); then fail "it was not refused."; fi
finish "is refused"
printf '%s\n' "$out"

begin "dbkeyring mongod --config mongod.conf --kmipRotateMasterKey" "$afresh"
try "$dbkeyring" mongod --config "$conf" --kmipRotateMasterKey
finish
printf '%s\n' "$out"

begin "table read back" "$afresh"
wt read table:secrets name
finish "'$out'"

begin "what a mongod 8.0 would be started with" "$afresh"
try "$dbkeyring" mongod --print --mongod-version=8.0 --config "$conf" --fork --logpath /var/log/mongod.log
finish
printf '%s\n' "$out"

printf '\nstop:     make stop\n'
