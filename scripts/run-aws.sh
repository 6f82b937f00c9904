# shellcheck shell=bash disable=SC2154,SC2034
# scripts/run with DB=aws: MySQL with the plugin keyring_aws, as in MySQL's "Using
# the keyring_aws Amazon Web Services Keyring Plugin". To be sourced.

region=us-west-2 # only of the KMS key, whose ARN tells it
dir=$home/mysql-keyring
# shellcheck source=scripts/run-moto.sh
. scripts/run-moto.sh
export AWS_ENDPOINT_URL_KMS=$kms_url AWS_EC2_METADATA_DISABLED=true
defaults=--defaults-file=$home/my.cnf

begin "configuration directory" "Choose another place with DBKEYRING_RUN=."
mkdir -p "$dir"
chmod 750 "$dir"
finish "$dir, mode 750"

begin "configuration file" "To start afresh: make stop, remove $home, make run DB=aws."
(umask 027 && printf '%s\n' "$access_key" "$secret_key" >"$dir/keyring_aws_conf")
if [ ! -s "$home/my.cnf" ]; then
	cat >"$home/my.cnf" <<-EOF
		[mysqld]
		early-plugin-load=keyring_aws.so
		keyring_aws_conf_file=$dir/keyring_aws_conf
		keyring_aws_data_file=$dir/keyring_aws_data
	EOF
fi
finish "$dir/keyring_aws_conf, two lines: the access key ID and the secret access key"

begin "MySQL" "Its log is $home/mysqld.log."
if [ -n "$running" ]; then
	finish "runs already"
else
	install_mysql
	start_mysqld
	sql 'SELECT VERSION()' -N
	finish "$out started with keyring_aws on 127.0.0.1:$mysql_port, by $home/my.cnf"
fi

begin "functions" "See $home/mysqld.log."
create_function keyring_aws keyring_aws_rotate_cms keyring_aws_rotate_cmk keyring_aws_rotate_keys
finish "keyring_aws_rotate_cmk() and keyring_aws_rotate_keys(), and keyring_aws_rotate_cms() as the document spells it"

# use_kms_key: for the running server, and in my.cnf for its later starts.
use_kms_key() {
	sql "SET GLOBAL keyring_aws_cmk_id = '$arn'"
	sed -i '/^keyring_aws_cmk_id=/d' "$home/my.cnf"
	echo "keyring_aws_cmk_id=$arn" >>"$home/my.cnf"
	echo "$arn" >"$home/kms_key"
}
begin "keyring_aws_cmk_id" "See $home/mysqld.log."
use_kms_key
finish "set to the ARN of the KMS key, and in my.cnf too"

show_functions

# show_rotation: first within the KMS key, then to another one.
show_rotation() {
	local function
	for function in keyring_aws_rotate_cmk keyring_aws_rotate_keys; do
		begin "SELECT $function()" "See $home/mysqld.log."
		sql "SELECT $function()" -N
		[ "$out" = 1 ] || fail "it gave $out."
		finish "$out"
	done
	begin "another KMS key" "See $home/mysqld.log."
	create_kms_key
	use_kms_key
	sql "SELECT keyring_aws_rotate_keys()" -N
	[ "$out" = 1 ] || fail "keyring_aws_rotate_keys() gave $out."
	finish "SET GLOBAL keyring_aws_cmk_id = '$arn', and the keys re-encrypted under it"
}
show_encryption "See $home/mysqld.log." 'only with AWS KMS' show_rotation
show_keys
show_data "$dir/keyring_aws_data"
