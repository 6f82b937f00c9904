# shellcheck shell=bash disable=SC2154
# scripts/run with DB=kms: MySQL with component_keyring_kms, as in Percona's "Using
# the Amazon Key Management Service (AWS KMS)". To be sourced.

region=eu-central-1
data=$home/keyring-mysql/aws-keyring-data
# shellcheck source=scripts/run-moto.sh
. scripts/run-moto.sh

# The document's two steps: a manifest beside mysqld, a configuration beside the
# component, which only the server may read.
enable_component() {
	mkdir -p "${data%/*}"
	chmod 750 "${data%/*}"
	rm -f "$mysql/bin/mysqld.my"
	cat >"$mysql/bin/mysqld.my" <<-EOF
		{
		 "read_local_manifest": false,
		 "components": "file://component_keyring_kms"
		}
	EOF
	chmod 444 "$mysql/bin/mysqld.my"
	(
		umask 077
		cat >"$mysql/plugins/component_keyring_kms.cnf" <<-EOF
			{
			 "read_local_config": false,
			 "path": "$data",
			 "region": "$region",
			 "kms_key": "$kms_key",
			 "auth_key": "$access_key",
			 "secret_access_key": "$secret_key",
			 "endpoint": "$kms_url"
			}
		EOF
	)
}

begin "MySQL" "Its log is $home/mysqld.log."
if [ -n "$running" ]; then
	finish "runs already"
else
	install_mysql enable_component
	start_mysqld
	sql 'SELECT VERSION()' -N
	finish "$out started with component_keyring_kms on 127.0.0.1:$mysql_port"
	begin "configuration" "Its log is $home/mysqld.log."
	finish "$mysql/plugins/component_keyring_kms.cnf, of which all but \"endpoint\" is the document's"
	sed "s|$secret_key|...|" "$mysql/plugins/component_keyring_kms.cnf"
fi

show_encryption "See performance_schema.keyring_component_status and $home/mysqld.log." 'only with AWS KMS'
show_keys
show_data "$data"
