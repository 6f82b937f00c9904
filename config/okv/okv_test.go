package okv_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/okv"
	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
	"github.com/dbkeyring/dbkeyring/secret"
)

// document is the manual's example for KeySecure.
const document = "SERVER=198.51.100.20:9002\nSTANDBY_SERVER=203.0.113.125:8041\n"

func pem(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../internal/pemkey/testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// endpoint is a whole configuration; its key opens with "open sesame".
func endpoint(t testing.TB) okv.Endpoint {
	return okv.Endpoint{
		Server: "198.51.100.20:9002", Standbys: []string{"203.0.113.125:8041"},
		CA: pem(t, "cert_rsa.pem"), Cert: pem(t, "cert_ec.pem"), Key: pem(t, "ec_sec1.pem"),
	}
}

// directory makes a configuration directory; ora is the file with the servers.
func directory(t testing.TB, ora string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "okv")
	if err := okv.Write(dir, endpoint(t)); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, okv.FileName), ora)
	return dir
}

func put(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
}

func standbys(n int) string {
	var s []string
	for i := range n {
		s = append(s, fmt.Sprintf("192.0.2.%d:5696", i+1))
	}
	return strings.Join(s, ",")
}

func TestRead(t *testing.T) {
	dir := directory(t, document)
	o, r, err := okv.Read(dir)
	if err != nil || len(r.Warnings) != 0 || len(r.Notes) != 0 {
		t.Fatal(err, r)
	}
	want := kmip.Options{
		Profile: kmip.ProfileOKV, Servers: []string{"198.51.100.20:9002", "203.0.113.125:8041"},
		ClientCertFile: dir + "/ssl/cert.pem", ClientKeyFile: dir + "/ssl/key.pem", ServerCAFile: dir + "/ssl/CA.pem",
		ProtocolVersion: "1.1", ConnectTimeout: 20 * time.Second, Timeout: 5 * time.Second, StartTimeout: 30 * time.Second,
	}
	if o.Cure == nil {
		t.Error("no cure")
	}
	o.Cure = nil
	if d := cmp.Diff(want, o.Options); d != "" {
		t.Error(d)
	}
	if rows := o.Status(); rows[1].Value != "198.51.100.20:9002" || rows[2].Value != "203.0.113.125:8041" || rows[3].Value != "1.1" {
		t.Error(rows)
	}
}

// Everything that okvclient.ora may hold, right and wrong, with what is told.
func TestRead_Ora(t *testing.T) {
	const hostport = "Write host:port, an IPv6 address in brackets: 198.51.100.20:5696, [2001:db8::1]:5696."
	const primary = hostport + " Further servers belong into STANDBY_SERVER."
	const ms = "Write a whole number of milliseconds from 1 to 2147483647; the default is "
	const version = "Write one of 1.0, 1.1, 1.2, 1.3, 1.4, 2.0, 2.1, auto; the default is 1.1."
	const form = "Correct the line, or put # before it."
	for _, c := range []struct {
		name, ora string
		servers   string   // of a good file
		faults    []string // of a bad one; $F is the file
		warnings  []string
		notes     []string
	}{
		{name: "one server", ora: "SERVER=kms.example.com:5696\n", servers: "kms.example.com:5696"},
		{name: "no newline at the end", ora: "SERVER=a:1", servers: "a:1"},
		{name: "Windows", ora: "\uFEFFSERVER=a:1\r\nSTANDBY_SERVER=b:2\r\n", servers: "a:1 b:2"},
		{name: "blanks and comments", ora: "# servers\n\n  \t\n SERVER = a:1 # the first\n\tSTANDBY_SERVER\t= b:2 , c:3\n#SERVER=d:4\n", servers: "a:1 b:2 c:3"},
		{name: "any case", ora: "server=a:1\nStandby_Server=b:2\n", servers: "a:1 b:2"},
		{name: "standby first", ora: "STANDBY_SERVER=b:2\nSERVER=a:1\n", servers: "a:1 b:2"},
		{name: "IPv6", ora: "SERVER=[2001:db8::1]:5696\nSTANDBY_SERVER=[fe80::1%eth0]:1,[::1]:5697\n", servers: "[2001:db8::1]:5696 [fe80::1%eth0]:1 [::1]:5697"},
		{name: "no standby", ora: "SERVER=a:1\nSTANDBY_SERVER=\n", servers: "a:1"},
		{name: "64 standbys", ora: "SERVER=a:1\nSTANDBY_SERVER=" + standbys(64), servers: "a:1 " + strings.ReplaceAll(standbys(64), ",", " ")},
		{name: "other names", ora: "SERVER=a:1\nSSL_DIR=/x\nSSL_WALLET_LOC=/y\n", servers: "a:1", notes: []string{
			"SSL_DIR ($F, line 2): keyring_okv does not use it.", "SSL_WALLET_LOC ($F, line 3): keyring_okv does not use it."}},
		{name: "the same twice", ora: "SERVER=a:1\nSTANDBY_SERVER=a:1,b:2,b:2\n", servers: "a:1 b:2", warnings: []string{
			"STANDBY_SERVER ($F, line 2): a:1 stands there already; it is tried once.", "STANDBY_SERVER ($F, line 2): b:2 stands there already; it is tried once."}},
		{name: "commas", ora: "SERVER=a:1\nSTANDBY_SERVER=,b:2,,c:3,\n", servers: "a:1 b:2 c:3", warnings: []string{
			"STANDBY_SERVER ($F, line 2): 3 of its commas have no server beside them and are ignored."}},
		{name: "a misspelt name", ora: "SERVER=a:1\nSTANBY_SERVER=b:2\nstandby=c:3\n", servers: "a:1", warnings: []string{
			"STANBY_SERVER ($F, line 2): there is no such option (did you mean STANDBY_SERVER?), it is ignored.",
			"standby ($F, line 3): there is no such option (did you mean STANDBY_SERVER?), it is ignored."}},
		{name: "our options", ora: "SERVER=a:1\nDBKEYRING_KMIP_VERSION=AUTO\nDBKEYRING_CONNECT_TIMEOUT_MS=1\nDBKEYRING_KMIP_TIMEOUT_MS=2\nDBKEYRING_START_TIMEOUT_MS=3\nDBKEYRING_VERIFY_SERVER_NAME=no", servers: "a:1", warnings: []string{
			"DBKEYRING_VERIFY_SERVER_NAME ($F, line 6): the name in the key server's certificate is not verified: any server certificate of CA.pem's authority will do."}},

		{name: "empty", ora: "", faults: []string{"SERVER ($F): it is missing. Write the line SERVER=host:port."}},
		{name: "only a standby", ora: "STANDBY_SERVER=b:2\n", faults: []string{"SERVER ($F): it is missing. Write the line SERVER=host:port."}},
		{name: "misspelt server", ora: "SEVRER=a:1\n", faults: []string{"SERVER ($F): it is missing. Write the line SERVER=host:port."},
			warnings: []string{"SEVRER ($F, line 1): there is no such option (did you mean SERVER?), it is ignored."}},
		{name: "blank server", ora: "SERVER=  # later\n", faults: []string{"SERVER ($F, line 1): it is blank. Write SERVER=host:port."}},
		{name: "server twice", ora: "SERVER=a:1\nserver=b:2\n", faults: []string{"SERVER ($F, line 2): it stands in line 1 already. Keep one of the two."}},
		{name: "standby twice", ora: "STANDBY_SERVER=a:1\nSERVER=b:2\nSTANDBY_SERVER=c:3\n", faults: []string{
			"STANDBY_SERVER ($F, line 3): it stands in line 1 already. Write all standby servers into one line, with commas between them."}},
		{name: "two in server", ora: "SERVER=a:1,b:2\n", faults: []string{`SERVER ($F, line 1): "a:1,b:2" is neither a host name nor an IP address. ` + primary}},
		{name: "no port", ora: "SERVER=a\nSTANDBY_SERVER=b:2,c\n", faults: []string{`SERVER ($F, line 1): "a" has no port. ` + primary, `STANDBY_SERVER ($F, line 2): "c" has no port. ` + hostport}},
		{name: "empty port", ora: "SERVER=a:\n", faults: []string{`SERVER ($F, line 1): "a:" has no port after its colon. ` + primary}},
		{name: "no host", ora: "SERVER=:5696\n", faults: []string{`SERVER ($F, line 1): "" is neither a host name nor an IP address. ` + primary}},
		{name: "port 0", ora: "SERVER=a:0\n", faults: []string{`SERVER ($F, line 1): "0" is not a port, which is a number from 1 to 65535. ` + primary}},
		{name: "port too high", ora: "SERVER=a:65536\n", faults: []string{`SERVER ($F, line 1): "65536" is not a port, which is a number from 1 to 65535. ` + primary}},
		{name: "port of letters", ora: "SERVER=a:kmip\n", faults: []string{`SERVER ($F, line 1): "kmip" is not a port, which is a number from 1 to 65535. ` + primary}},
		{name: "a URL", ora: "SERVER=https://a:1\n", faults: []string{`SERVER ($F, line 1): "https://a:1" is a URL, leave "https://" out. ` + primary}},
		{name: "bare IPv6", ora: "SERVER=2001:db8::1\n", faults: []string{`SERVER ($F, line 1): "2001:db8::1" has no port. ` + primary}},
		{name: "open bracket", ora: "SERVER=[::1:5696\n", faults: []string{`SERVER ($F, line 1): "[::1:5696" is not [address] or [address]:port. ` + primary}},
		{name: "wrong IPv4", ora: "SERVER=1.2.3.400:1\n", faults: []string{`SERVER ($F, line 1): "1.2.3.400" is neither a host name nor an IP address. ` + primary}},
		{name: "quoted", ora: "SERVER=\"a:1\"\n", faults: []string{`SERVER ($F, line 1): "\"a" is neither a host name nor an IP address. ` + primary}},
		{name: "blank between standbys", ora: "SERVER=a:1\nSTANDBY_SERVER=b:2 c:3\n", faults: []string{`STANDBY_SERVER ($F, line 2): "b:2 c:3" is neither a host name nor an IP address. ` + hostport}},
		{name: "65 standbys", ora: "SERVER=a:1\nSTANDBY_SERVER=" + standbys(65), faults: []string{
			"STANDBY_SERVER ($F, line 2): Number of STANDBY_SERVER values exceeded maximum limit of 64: it has 65. Remove those that are no longer valid."}},
		{name: "no equals sign", ora: "SERVER=a:1\nSTANDBY_SERVER b:2\n[okv]\n", faults: []string{
			`$F, line 2: "STANDBY_SERVER b:2" is not of the form NAME=value. ` + form, `$F, line 3: "[okv]" is not of the form NAME=value. ` + form}},
		{name: "no name", ora: "SERVER=a:1\n=b:2\n", faults: []string{`$F, line 2: "=b:2" is not of the form NAME=value. ` + form}},
		{name: "a long line", ora: "SERVER=a:1\n" + strings.Repeat("x", 100), faults: []string{`$F, line 2: "` + strings.Repeat("x", 64) + `…" is not of the form NAME=value. ` + form}},
		{name: "binary", ora: "SERVER=a:1\n\x00\x01\n\xff\xfe\n", faults: []string{
			"$F, line 2: it is not text in UTF-8. Write the file with a text editor.", "$F, line 3: it is not text in UTF-8. Write the file with a text editor."}},
		{name: "no such option of ours", ora: "SERVER=a:1\nDBKEYRING_KMIP_VERSON=1.1\n", faults: []string{
			"DBKEYRING_KMIP_VERSON ($F, line 2): there is no such option (did you mean DBKEYRING_KMIP_VERSION?). Write one of DBKEYRING_KMIP_VERSION, DBKEYRING_CONNECT_TIMEOUT_MS, DBKEYRING_KMIP_TIMEOUT_MS, DBKEYRING_START_TIMEOUT_MS, DBKEYRING_VERIFY_SERVER_NAME."}},
		{name: "bad values", ora: "SERVER=a:1\nDBKEYRING_KMIP_VERSION=3.0\nDBKEYRING_CONNECT_TIMEOUT_MS=20s\nDBKEYRING_KMIP_TIMEOUT_MS=0\nDBKEYRING_START_TIMEOUT_MS=2147483648\nDBKEYRING_VERIFY_SERVER_NAME=\n", faults: []string{
			`DBKEYRING_KMIP_VERSION ($F, line 2): "3.0" is not a value of it. ` + version,
			`DBKEYRING_CONNECT_TIMEOUT_MS ($F, line 3): "20s" is no time. ` + ms + "20000.",
			`DBKEYRING_KMIP_TIMEOUT_MS ($F, line 4): "0" is no time. ` + ms + "5000.",
			`DBKEYRING_START_TIMEOUT_MS ($F, line 5): "2147483648" is no time. ` + ms + "30000.",
			`DBKEYRING_VERIFY_SERVER_NAME ($F, line 6): "" is not a value of it. Write one of yes, no; the default is yes.`}},
		{name: "all at once", ora: "SERVER=a\njunk\nSTANDBY_SERVER=b:x\n", faults: []string{
			`SERVER ($F, line 1): "a" has no port. ` + primary, `$F, line 2: "junk" is not of the form NAME=value. ` + form,
			`STANDBY_SERVER ($F, line 3): "x" is not a port, which is a number from 1 to 65535. ` + hostport}},
		{name: "too large", ora: strings.Repeat("#\n", 1<<19+1), faults: []string{"$F: it is too large for a configuration file. Put the right file there."}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := directory(t, c.ora)
			o, r, err := okv.Read(dir)
			defer o.Wipe()
			in := func(lines []string) []string {
				var out []string
				for _, l := range lines {
					out = append(out, strings.ReplaceAll(l, filepath.Join(dir, okv.FileName), "$F"))
				}
				return out
			}
			if d := cmp.Diff(c.faults, in(messages(t, err))); d != "" {
				t.Error(d)
			}
			if got := strings.Join(o.Servers, " "); got != c.servers {
				t.Errorf("servers %s, want %s", got, c.servers)
			}
			if d := cmp.Diff(c.warnings, in(r.Warnings)); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(c.notes, in(r.Notes)); d != "" {
				t.Error(d)
			}
		})
	}
}

// messages takes an error of Read apart.
func messages(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	faults, ok := errors.AsType[config.Faults](err)
	if !ok {
		t.Fatalf("not config.Faults: %v", err)
	}
	var all []string
	for _, f := range faults {
		all = append(all, f.Error())
	}
	return all
}

func TestRead_OwnOptions(t *testing.T) {
	o, _, err := okv.Read(directory(t, "SERVER=a:1\nDBKEYRING_KMIP_VERSION=auto\nDBKEYRING_CONNECT_TIMEOUT_MS=1\nDBKEYRING_KMIP_TIMEOUT_MS=2\nDBKEYRING_START_TIMEOUT_MS=3\nDBKEYRING_VERIFY_SERVER_NAME=NO"))
	if err != nil || o.ProtocolVersion != "" || o.ConnectTimeout != time.Millisecond || o.Timeout != 2*time.Millisecond || o.StartTimeout != 3*time.Millisecond || !o.SkipHostnameVerification || o.SkipPeerVerification {
		t.Errorf("%v %+v", err, o.Options)
	}
}

// Every file of ssl, broken in every way, with what is told.
func TestRead_SSL(t *testing.T) {
	change := func(name, pemName string) func(t *testing.T, ssl string) {
		return func(t *testing.T, ssl string) { put(t, filepath.Join(ssl, name), string(pem(t, pemName))) }
	}
	content := func(name, text string) func(t *testing.T, ssl string) {
		return func(t *testing.T, ssl string) { put(t, filepath.Join(ssl, name), text) }
	}
	remove := func(name string) func(t *testing.T, ssl string) {
		return func(t *testing.T, ssl string) { os.RemoveAll(filepath.Join(ssl, name)) }
	}
	both := func(fns ...func(*testing.T, string)) func(t *testing.T, ssl string) {
		return func(t *testing.T, ssl string) {
			for _, fn := range fns {
				fn(t, ssl)
			}
		}
	}
	fifo := func(name string) func(t *testing.T, ssl string) {
		return both(remove(name), func(t *testing.T, ssl string) {
			if err := syscall.Mkfifo(filepath.Join(ssl, name), 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
	const encrypted = "enc_des-ede3-cbc_hmacWithSHA256.pem"
	const putCA = " Put the certificate of the authority that signed the key server's there, in PEM form."
	const putCert = " Put the client's certificate, as the authority signed it, not the request, there, in PEM form."
	const putKey = " Put the client's private key there, in PEM form."
	const onePassword = " Write the password on one line, or remove the file if the key has none."
	const mismatch = " Put a certificate and a key that were made for each other into cert.pem and key.pem."
	const wrong = "$S/key.pem: the password does not open the private key. Correct the password in $S/password.txt; openssl pkey -in $S/key.pem -passin file:$S/password.txt -noout shows whether it is right."
	const noPassword = "$S/key.pem: the private key is encrypted and there is no password. Write the password, on one line, into $S/password.txt, or take it off the key: openssl pkey -in $S/key.pem -out PLAIN_KEY."
	for _, c := range []struct {
		name  string
		do    func(t *testing.T, ssl string)
		want  []string // faults; $S is the folder ssl
		extra string   // a warning or a note that must be there
	}{
		{name: "as it should be", do: func(*testing.T, string) {}},
		{name: "password, PKCS#8", do: both(change("key.pem", encrypted), content("password.txt", "open sesame\n"))},
		{name: "password, traditional", do: both(change("key.pem", "dek_ec_des-ede3-cbc.pem"), content("password.txt", "open sesame"))},
		{name: "password, Windows", do: both(change("key.pem", encrypted), content("password.txt", "open sesame\r\n"))},
		{name: "password not needed", do: content("password.txt", "x\n"), extra: "$S/key.pem has no password: $S/password.txt is not needed."},

		{name: "no ssl", do: remove(""), want: []string{"$S: there is no such directory. Make it, with CA.pem, cert.pem and key.pem in it."}},
		{name: "ssl is a file", do: both(remove(""), content("", "x")), want: []string{"$S: it is not a directory. Make it, with CA.pem, cert.pem and key.pem in it."}},
		{name: "nothing in ssl", do: both(remove("CA.pem"), remove("cert.pem"), remove("key.pem")), want: []string{
			"$S/CA.pem: no such file or directory." + putCA, "$S/cert.pem: no such file or directory." + putCert, "$S/key.pem: no such file or directory." + putKey}},
		{name: "another case", do: func(t *testing.T, ssl string) { os.Rename(filepath.Join(ssl, "CA.pem"), filepath.Join(ssl, "ca.pem")) }, want: []string{
			"$S/CA.pem: no such file or directory. Rename $S/ca.pem: letters' case counts."}},
		{name: "empty CA", do: content("CA.pem", ""), want: []string{"$S/CA.pem: it is not in PEM form (it is empty)." + putCA}},
		{name: "CA cut off", do: func(t *testing.T, ssl string) { os.Truncate(filepath.Join(ssl, "CA.pem"), 300) }, want: []string{
			"$S/CA.pem: it is not in PEM form (it has a BEGIN line, but no complete block follows)." + putCA}},
		{name: "key for CA", do: change("CA.pem", "ec_sec1.pem"), want: []string{"$S/CA.pem: there is no certificate in it." + putCA}},
		{name: "CA is a folder", do: both(remove("CA.pem"), func(t *testing.T, ssl string) { os.Mkdir(filepath.Join(ssl, "CA.pem"), 0o700) }), want: []string{
			"$S/CA.pem: it is not a regular file." + putCA}},
		{name: "pipes", do: both(fifo("CA.pem"), fifo("key.pem"), fifo("password.txt")), want: []string{
			"$S/password.txt: it is not a regular file. Write the password on one line, or remove the file if the key has none.",
			"$S/CA.pem: it is not a regular file." + putCA, "$S/key.pem: it is not a regular file." + putKey}},
		{name: "DER certificate", do: change("cert.pem", "cert_ec.der"), want: []string{
			"$S/cert.pem: it is not in PEM form (it seems to be DER or PKCS#12; openssl x509, openssl pkey and openssl pkcs12 convert it)." + putCert}},
		{name: "a request for cert", do: content("cert.pem", "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"), want: []string{
			"$S/cert.pem: there is no certificate in it." + putCert}},
		{name: "damaged cert", do: content("cert.pem", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"), want: []string{
			"$S/cert.pem: it is damaged (x509: malformed tbs certificate)." + putCert}},
		{name: "another's cert", do: change("cert.pem", "cert_rsa.pem"), want: []string{
			"$S/key.pem: the private key does not belong to the certificate (certificate $S/cert.pem)." + mismatch}},
		{name: "another's key", do: change("key.pem", "rsa_pkcs8.pem"), want: []string{
			"$S/key.pem: the private key does not belong to the certificate (certificate $S/cert.pem)." + mismatch}},
		{name: "cert for key", do: change("key.pem", "cert_ec.pem"), want: []string{"$S/key.pem: there is no private key in it." + putKey}},
		{name: "unsupported key", do: both(change("key.pem", "unsupported_scrypt.pem"), content("password.txt", "open sesame\n")), want: []string{
			"$S/key.pem: the private key is in a form that is not supported (its password goes through scrypt; openssl pkcs8 -topk8 -v2 aes-256-cbc converts it). Convert the key."}},
		{name: "no password", do: change("key.pem", encrypted), want: []string{noPassword}},
		{name: "no password, traditional", do: change("key.pem", "dek_ec_des-ede3-cbc.pem"), want: []string{noPassword}},
		{name: "wrong password", do: both(change("key.pem", encrypted), content("password.txt", "open barley\n")), want: []string{wrong}},
		{name: "wrong password, traditional", do: both(change("key.pem", "dek_ec_des-ede3-cbc.pem"), content("password.txt", "open barley\n")), want: []string{wrong}},
		{name: "blank before the password", do: both(change("key.pem", encrypted), content("password.txt", " open sesame\n")), want: []string{wrong}},
		{name: "two lines of password", do: both(change("key.pem", encrypted), content("password.txt", "open\nsesame\n")), want: []string{
			"$S/password.txt: it has more than one line." + onePassword}},
		{name: "empty password", do: both(change("key.pem", encrypted), content("password.txt", "\n")), want: []string{"$S/password.txt: it is empty." + onePassword}},
		{name: "long password", do: both(change("key.pem", encrypted), content("password.txt", strings.Repeat("x", 4097))), want: []string{
			"$S/password.txt: its line is longer than 4096 bytes." + onePassword}},
		{name: "dangling password", do: both(change("key.pem", encrypted), func(t *testing.T, ssl string) { os.Symlink("nothing", filepath.Join(ssl, "password.txt")) }), want: []string{
			"$S/password.txt: no such file or directory. Correct the link, or remove it if the key has no password."}},

		{name: "expired", do: change("CA.pem", "expired.pem"), extra: "$S/CA.pem: the certificate has expired (valid until "},
		{name: "open directory", do: func(t *testing.T, ssl string) { os.Chmod(filepath.Dir(ssl), 0o755) },
			extra: "$D: everyone on this host can enter, read or change it (mode 0755); chmod o-rwx $D."},
		{name: "open key", do: func(t *testing.T, ssl string) {
			os.Chmod(filepath.Dir(ssl), 0o755)
			os.Chmod(ssl, 0o755)
			os.Chmod(filepath.Join(ssl, "key.pem"), 0o644)
		}, extra: "$S/key.pem: everyone on this host can read it (mode 0644); chmod o-rwx $S/key.pem."},
		{name: "open password", do: func(t *testing.T, ssl string) {
			os.Chmod(filepath.Dir(ssl), 0o755)
			os.Chmod(ssl, 0o755)
			put(t, filepath.Join(ssl, "password.txt"), "x\n")
			os.Chmod(filepath.Join(ssl, "password.txt"), 0o666)
		}, extra: "$S/password.txt: everyone on this host can read it (mode 0666); chmod o-rwx $S/password.txt."},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := directory(t, document)
			ssl := filepath.Join(dir, "ssl")
			c.do(t, ssl)
			o, r, err := okv.Read(dir)
			o.Wipe()
			short := strings.NewReplacer(ssl, "$S", dir, "$D")
			var got []string
			for _, m := range messages(t, err) {
				got = append(got, short.Replace(m))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			said := short.Replace(strings.Join(append(r.Warnings, r.Notes...), "\n"))
			if c.extra == "" && said != "" || !strings.Contains(said, c.extra) {
				t.Errorf("got  %s\nwant %s", said, c.extra)
			}
			for _, leak := range []string{"sesame", "barley"} {
				if strings.Contains(fmt.Sprint(err, r), leak) {
					t.Error("the password shows")
				}
			}
		})
	}
}

// Modes inside a directory that others cannot enter do not matter.
func TestRead_ClosedDirectory(t *testing.T) {
	dir := directory(t, document)
	for _, name := range []string{"ssl", "ssl/key.pem", okv.FileName} {
		if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, r, err := okv.Read(dir); err != nil || len(r.Warnings) != 0 {
		t.Error(err, r.Warnings)
	}
}

func TestRead_Directory(t *testing.T) {
	if _, _, err := okv.Read(""); !errors.Is(err, okv.ErrNoDirectory) ||
		err.Error() != "For keyring_okv to be initialized, please point the keyring_okv_conf_dir variable to a directory containing Oracle Key Vault configuration file and ssl materials" {
		t.Error(err)
	}
	absent := filepath.Join(t.TempDir(), "absent")
	_, _, err := okv.Read(absent)
	if want := "keyring_okv_conf_dir (" + absent + "): there is no such directory. Make it, or correct the path."; err == nil || err.Error() != want || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	dir := directory(t, document)
	file := filepath.Join(dir, okv.FileName)
	if _, _, err := okv.Read(file); err == nil || !strings.Contains(err.Error(), "it is not a directory") {
		t.Error(err)
	}
	// Where okvclient.jar has put the file, people forget it.
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "conf"), 0o700), os.Rename(file, filepath.Join(dir, "conf", okv.FileName))); err != nil {
		t.Fatal(err)
	}
	_, _, err = okv.Read(dir)
	if want := file + ": there is no such file. Copy " + dir + "/conf/okvclient.ora, where okvclient.jar has put it."; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	os.RemoveAll(filepath.Join(dir, "conf"))
	_, _, err = okv.Read(dir)
	if want := file + ": there is no such file. Write it, with the line SERVER=host:port."; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err := syscall.Mkfifo(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err = okv.Read(dir); err == nil || !strings.Contains(err.Error(), "it is not a regular file") {
		t.Error(err)
	}
}

func TestRead_Relative(t *testing.T) {
	dir := directory(t, document)
	t.Chdir(filepath.Dir(dir))
	if o, _, err := okv.Read("okv"); err != nil || o.ClientKeyFile != dir+"/ssl/key.pem" {
		t.Error(err, o.ClientKeyFile)
	}
}

func TestRead_NoPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	dir := directory(t, document)
	if err := os.Chmod(filepath.Join(dir, "ssl/key.pem"), 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := okv.Read(dir); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "the right to read") {
		t.Error(err)
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	e := endpoint(t)
	e.Standbys = append(e.Standbys, "[::1]:5696")
	e.Key, e.Password = pem(t, "enc_aes-256-cbc_hmacWithSHA256.pem"), secret.Copy([]byte("open sesame"))
	defer e.Password.Wipe()
	old := syscall.Umask(0o077)
	err := okv.Write(dir, e)
	syscall.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]fs.FileMode{".": 0o750, "ssl": 0o750, okv.FileName: 0o640, "ssl/CA.pem": 0o640, "ssl/cert.pem": 0o640, "ssl/key.pem": 0o640, "ssl/password.txt": 0o640} {
		if got, _ := config.ModeOf(filepath.Join(dir, name)); got.Perm() != mode {
			t.Errorf("%s has mode %o", name, got.Perm())
		}
	}
	for _, name := range okv.Files(true) {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if got, _ := os.ReadFile(filepath.Join(dir, okv.FileName)); string(got) != "SERVER=198.51.100.20:9002\nSTANDBY_SERVER=203.0.113.125:8041,[::1]:5696\n" {
		t.Errorf("%s", got)
	}
	o, r, err := okv.Read(dir)
	if err != nil || len(r.Warnings)+len(r.Notes) != 0 || len(o.Servers) != 3 || o.ClientKeyPassword.Len() != 11 {
		t.Errorf("%v %v %v", err, r, o.Servers)
	}
	o.Wipe()
	// A new key without a password: the old password.txt would be wrong. Without a
	// server, okvclient.ora stays; so does the mode of a directory that is there.
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	e.Key, e.Password, e.Server = pem(t, "ec_sec1.pem"), nil, ""
	if err := okv.Write(dir, e); err != nil {
		t.Fatal(err)
	}
	if o, r, err := okv.Read(dir); err != nil || len(r.Notes) != 0 || o.ClientKeyPassword != nil || len(o.Servers) != 3 {
		t.Error(err, r.Notes, o.Servers)
	}
	if mode, _ := config.ModeOf(dir); mode.Perm() != 0o700 {
		t.Error(mode)
	}
}

func TestCure(t *testing.T) {
	dir := directory(t, document)
	o, _, err := okv.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, refused := net.Dial("tcp4", "127.0.0.1:1") // nobody listens on port 1
	for _, c := range []struct {
		err  error
		want string
	}{
		{&tlsconf.VerifyError{Check: tlsconf.CheckHostname, Host: "192.0.2.1", Names: []string{"a.test"}},
			"Write a name in the certificate (a.test) into SERVER and STANDBY_SERVER. Have a certificate made for the key server that names 192.0.2.1, or write DBKEYRING_VERIFY_SERVER_NAME=no if nobody else has a certificate of that authority that is good for servers."},
		{&tlsconf.VerifyError{Issuer: "CN=x"}, "Put the certificate of CN=x into $D/ssl/CA.pem."},
		{&tlsconf.VerifyError{Check: tlsconf.CheckDates}, "Renew the key server's certificate, or correct this host's clock."},
		{&tlsconf.VerifyError{Check: tlsconf.CheckUsage}, "Have a certificate made for the key server that is for servers (serverAuth)."},
		{&tlsconf.RefusedError{Alert: "expired certificate"}, "Put a certificate that the key server accepts and that has not expired into $D/ssl/cert.pem, and its key into $D/ssl/key.pem."},
		{&tlsconf.RefusedError{Alert: "handshake failure"}, "Check that the port is the key server's KMIP port, and that it allows TLS 1.2 or 1.3 with a suite of forward secrecy (ECDHE)."},
		{tlsconf.ErrNotTLS, "Correct SERVER and STANDBY_SERVER: the port is the key server's KMIP port, usually 5696."},
		{tlsconf.ErrClosed, "Look into the key server's log: it may not accept the certificate in $D/ssl/cert.pem."},
		{refused, "Start the key server, or correct SERVER and STANDBY_SERVER."},
		{syscall.ENETUNREACH, "Correct SERVER and STANDBY_SERVER, or the network."},
		{&net.DNSError{Name: "kms"}, "Correct SERVER and STANDBY_SERVER, or this host's name resolution."},
		{&kmip.StartTimeoutError{Limit: 30 * time.Second, Err: os.ErrDeadlineExceeded}, "Look at the key server's load, or raise DBKEYRING_START_TIMEOUT_MS (now 30000)."},
		{os.ErrDeadlineExceeded, "Check that the key server runs and that no firewall is in between, or raise DBKEYRING_CONNECT_TIMEOUT_MS (now 20000)."},
	} {
		want := strings.ReplaceAll(c.want, "$D", dir) + " The options are in " + dir + "/okvclient.ora."
		if got := o.Cure(c.err); got != want {
			t.Errorf("%v:\ngot  %s\nwant %s", c.err, got, want)
		}
	}
	if got := o.Cure(errors.New("anything else")); got != "" {
		t.Error(got)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(document))
	f.Add([]byte("\uFEFFSERVER = [::1]:1 # x\r\nSTANDBY_SERVER=,a:2,\nDBKEYRING_KMIP_VERSION=auto\nSSL_DIR=/x"))
	dir := directory(f, document)
	f.Fuzz(func(t *testing.T, data []byte) {
		put(t, filepath.Join(dir, okv.FileName), string(data))
		o, _, err := okv.Read(dir)
		faults, _ := errors.AsType[config.Faults](err)
		switch {
		case err == nil && (len(o.Servers) == 0 || len(o.Servers) > 65 || o.ConnectTimeout <= 0 || o.Timeout <= 0 || o.Profile != kmip.ProfileOKV):
			t.Errorf("taken, and incomplete: %+v", o.Options)
		case err != nil && (len(faults) == 0 || len(o.Servers) != 0):
			t.Errorf("%v, %+v", err, o.Options)
		}
	})
}
