# shellcheck shell=bash disable=SC2154,SC2034
# scripts/run with DB=okv: MySQL with the plugin keyring_okv, as in MySQL's
# "Using the keyring_okv KMIP Plugin". To be sourced.

# shellcheck source=scripts/run-keyserver.sh
. scripts/run-keyserver.sh

conf=$home/mysql-keyring-okv
ssl=$conf/ssl
afresh="To start afresh: make stop, remove $home, dbkeyring endpoint remove okv --data $keys, make run DB=okv."

# Each step looks at what the one before has left: an interrupted run goes on.
begin "configuration directory" "Choose another place with DBKEYRING_RUN=."
mkdir -p "$conf"
chmod 750 "$conf"
finish "$conf, mode 750"

begin "endpoint for keyring_okv" "$afresh"
if [ -s "$conf/okvclient.ora" ]; then
	finish "is enrolled already"
else
	try "$dbkeyring" endpoint add okv --for okv --out "$conf" --data "$keys"
	finish "okvclient.ora and ssl/ in $conf"
	begin "its keys, as the key server lists them" "$afresh"
	try "$dbkeyring" key list --config "$conf"
	finish "$out"
fi

begin "password-protected key" "$afresh"
if grep -q ENCRYPTED "$ssl/key.pem"; then
	finish "is there already"
else
	(umask 027 && head -c 24 /dev/urandom | base64 >"$ssl/password.txt")
	try openssl rsa -des3 -in "$ssl/key.pem" -out "$ssl/key.pem.new" -passout "file:$ssl/password.txt"
	try openssl rsa -in "$ssl/key.pem.new" -passin "file:$ssl/password.txt" -noout
	chmod 640 "$ssl/key.pem.new"
	mv "$ssl/key.pem.new" "$ssl/key.pem"
	finish "key.pem is encrypted, its password in password.txt"
fi

begin "MySQL" "Its log is $home/mysqld.log."
if [ -n "$running" ]; then
	finish "runs already"
else
	install_mysql
	cat >"$home/my.cnf" <<-EOF
		[mysqld]
		early-plugin-load=keyring_okv.so
		keyring_okv_conf_dir=$conf
	EOF
	defaults=--defaults-file=$home/my.cnf
	start_mysqld
	sql 'SELECT VERSION()' -N
	finish "$out started with keyring_okv on 127.0.0.1:$mysql_port, by $home/my.cnf"
fi

show_functions
show_encryption "See $home/mysqld.log." 'only with the key server'
show_keys_on_server "$conf"
show_keys
