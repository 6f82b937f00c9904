# shellcheck shell=bash disable=SC2154,SC2034
# What stands in for AWS KMS in scripts/run with DB=kms and DB=aws: moto. To be
# sourced.

kms_port=${KMS_PORT:-5700}
kms_url=http://127.0.0.1:$kms_port
# Those of the document; moto does not look at them.
access_key=AKIAIOSFODNN7EXAMPLE
secret_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY

# kms OPERATION JSON: a request to AWS KMS; its answer is in $out. It fails if AWS
# KMS refuses.
kms() {
	local answer
	answer=$(
		exec 3<>"/dev/tcp/127.0.0.1/$kms_port"
		printf '%s\r\n' "POST / HTTP/1.0" "Content-Type: application/x-amz-json-1.1" "Content-Length: ${#2}" "X-Amz-Target: TrentService.$1" \
			"Authorization: AWS4-HMAC-SHA256 Credential=$access_key/20260101/$region/kms/aws4_request, SignedHeaders=host, Signature=0" '' >&3
		printf '%s' "$2" >&3
		timeout 20 cat <&3
	) 2>/dev/null || fail "no answer to $1."
	out=${answer#*$'\r\n\r\n'}
	[[ $answer == "HTTP/1."?" 200 "* ]]
}

# create_kms_key: its ID is in $kms_key, its ARN in $arn.
create_kms_key() {
	kms CreateKey '{"Description": "for MySQL", "KeyUsage": "ENCRYPT_DECRYPT"}' || fail "$out"
	arn=$(sed -n 's/.*"Arn": *"\([^"]*\)".*/\1/p' <<<"$out")
	kms_key=${arn##*/}
	[ -n "$kms_key" ] || fail "moto answers: $out"
}

# show_data FILE: what an outsider sees of a keyring's data file.
show_data() {
	begin "data file, as anyone sees it" "Its log is $home/mysqld.log."
	finish "$1"
	fold -w 100 "$1" | head -n 6
	[ "$(fold -w 100 "$1" | wc -l)" -le 6 ] || echo "..."
}

begin "stand-in for AWS KMS" "Its log is $run/moto.log."
if ours "$run/moto.pid" >/dev/null; then
	finish "moto runs already"
else
	moto=$(scripts/moto)
	port_free KMS_PORT "$kms_port"
	setsid "$moto" -H 127.0.0.1 -p "$kms_port" >>"$run/moto.log" 2>&1 </dev/null &
	remember "$run/moto.pid" $!
	n=300
	until (exec 3<>"/dev/tcp/127.0.0.1/$kms_port") 2>/dev/null; do
		ours "$run/moto.pid" >/dev/null || fail "$(tail -n 3 "$run/moto.log")"
		[ $((n -= 1)) -gt 0 ] || fail "it has not answered within 30 s."
		sleep 0.1
	done
	finish "moto started at $kms_url; it forgets its keys when it is stopped"
fi

# The KMS key stays as long as moto does. When it is gone, so is what it encrypted.
begin "KMS key" "To start afresh: make stop, remove $home, make run DB=$db."
kms_key=
if [ -s "$home/kms_key" ]; then
	arn=$(<"$home/kms_key")
	kms_key=${arn##*/}
	if kms DescribeKey "{\"KeyId\": \"$arn\"}"; then
		finish "$arn, made already"
	else
		stop_mysqld
		running=
		rm -rf "$mysql" "$home"/{kms_key,my.cnf,keyring-mysql,mysql-keyring}
		kms_key=
		finish "the one that encrypted the data in $home is gone with the moto that had it. The data is removed, and made anew"
		begin "KMS key" "Its log is $run/moto.log."
	fi
fi
if [ -z "$kms_key" ]; then
	create_kms_key
	echo "$arn" >"$home/kms_key"
	finish "$arn created"
fi
