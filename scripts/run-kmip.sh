# shellcheck shell=bash disable=SC2154
# scripts/run with DB=kmip: MySQL with component_keyring_kmip, as in Percona's
# "Use the Key Management Interoperability Protocol (KMIP)". To be sourced.

# shellcheck source=scripts/run-keyserver.sh
. scripts/run-keyserver.sh

endpoint=$home/endpoint
config=$endpoint/component_keyring_kmip.cnf

begin "endpoint for MySQL" "To start afresh: make stop, remove $run, make run."
if [ -s "$config" ]; then
	finish "is enrolled already"
else
	try "$dbkeyring" endpoint add mysql --for mysql --out "$endpoint" --data "$keys"
	finish "certificates and configuration in $endpoint"
fi

# The manifest belongs beside mysqld, the configuration beside the component.
enable_component() {
	install -m 444 "$endpoint/mysqld.my" "$mysql/bin/mysqld.my"
	cp "$endpoint"/*.pem "$config" "$mysql/plugins/"
}

begin "MySQL" "Its log is $home/mysqld.log."
if [ -n "$running" ]; then
	finish "runs already"
else
	install_mysql enable_component
	start_mysqld
	sql 'SELECT VERSION()' -N
	finish "$out started with component_keyring_kmip on 127.0.0.1:$mysql_port"
fi

show_encryption "See performance_schema.keyring_component_status and $home/mysqld.log." 'only with the key server'
show_keys_on_server "$mysql/plugins/component_keyring_kmip.cnf"
show_keys "BACKEND_KEY_ID is the key server's Unique ID"
