#!/bin/sh
# Makes the files of this folder again, with openssl 3. Each private key has
# the password "open sesame" where it is encrypted. The dates of the
# certificates run for 100 years, except for those of expired.pem.
set -eu
cd "$(dirname "$0")"
rm -f ./*.pem ./*.der
pw=pass:'open sesame'

openssl genrsa -traditional -out rsa_pkcs1.pem 2048
openssl pkey -in rsa_pkcs1.pem -out rsa_pkcs8.pem
openssl ecparam -name prime256v1 -genkey -out ec_sec1_params.pem # EC PARAMETERS stands before the key
openssl ec -in ec_sec1_params.pem -out ec_sec1.pem
openssl pkey -in ec_sec1.pem -out ec_pkcs8.pem
openssl genpkey -algorithm ed25519 -out ed25519_pkcs8.pem
openssl genpkey -algorithm x25519 -out x25519_pkcs8.pem

for cipher in aes-128-cbc aes-192-cbc aes-256-cbc des-ede3-cbc; do
	for prf in hmacWithSHA1 hmacWithSHA256 hmacWithSHA384 hmacWithSHA512; do
		openssl pkcs8 -topk8 -in ec_sec1.pem -v2 $cipher -v2prf $prf -passout "$pw" -out enc_${cipher}_$prf.pem
	done
	openssl rsa -in rsa_pkcs1.pem -traditional -$cipher -passout "$pw" -out dek_rsa_$cipher.pem
	openssl ec -in ec_sec1.pem -$cipher -passout "$pw" -out dek_ec_$cipher.pem
done
openssl rsa -in rsa_pkcs1.pem -des3 -passout "$pw" -out okv_document.pem
openssl pkcs8 -topk8 -in ec_sec1.pem -scrypt -passout "$pw" -out unsupported_scrypt.pem
openssl pkcs8 -topk8 -in ec_sec1.pem -v2 aria-128-cbc -passout "$pw" -out unsupported_cipher.pem
openssl pkcs8 -topk8 -in ec_sec1.pem -v1 PBE-SHA1-3DES -passout "$pw" -out unsupported_pbes1.pem
openssl ec -in ec_sec1.pem -camellia-128-cbc -passout "$pw" -out unsupported_dek.pem

cert() { # cert KEY OUT CN DAYS
	openssl req -new -x509 -key "$1" -subj "/CN=$3" -days "$4" -out "$2"
}
cert rsa_pkcs1.pem cert_rsa.pem rsa.test 36500
cert ec_sec1.pem cert_ec.pem ec.test 36500
cert ed25519_pkcs8.pem cert_ed25519.pem ed25519.test 36500
openssl req -new -key ec_sec1.pem -subj "/CN=expired.test" -out req.pem
printf '01' >serial.tmp
: >index.tmp
openssl ca -batch -selfsign -keyfile ec_sec1.pem -in req.pem -out expired.pem -notext \
	-startdate 20200101000000Z -enddate 20210101000000Z -config - <<C
[ca]
default_ca = d
[d]
database = index.tmp
serial = serial.tmp
new_certs_dir = .
default_md = sha256
policy = p
[p]
commonName = supplied
C
rm -f req.pem 01.pem ./*.tmp ./*.tmp.*

cat ec_sec1.pem cert_ec.pem >both_ec.pem
cat cert_rsa.pem cert_ec.pem >chain_wrong_order.pem
cat cert_ec.pem cert_rsa.pem >chain_ec.pem
openssl x509 -in cert_ec.pem -outform DER -out cert_ec.der
openssl x509 -in cert_ec.pem -trustout -addtrust clientAuth -out trusted_ec.pem
