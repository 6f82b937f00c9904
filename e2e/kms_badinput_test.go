//go:build e2e

package e2e

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/internal/faultnet"
)

// Whatever is wrong with the configuration, the file, or AWS KMS is told in MySQL's
// own error log, with the option to change, and the keys of the last load stay in use.
func TestKMSBadInputIsToldInTheLog(t *testing.T) {
	t.Parallel()
	s, arn := stubKMS(t)
	s.Credentials(accessKey)
	m := newMySQL(t, "--skip-log-bin")
	m.Env = append(m.Env, awsEnv...)
	good := kmsInTime(m.kmsConfig(s.URL, arn))
	m.useComponent(kmsComponent, good)
	m.start().functions()
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	m.want("1", "SELECT keyring_key_store('kept', 'SECRET', 'a secret')")

	disabled, dying := s.NewKey(region), s.NewKey(region)
	s.SetState(disabled, "Disabled")
	s.SetState(dying, "PendingDeletion")
	_, disabledID, _ := strings.Cut(disabled, "key/")
	frozen := faultnet.New(t, strings.TrimPrefix(s.URL, "http://"))
	frozen.Set(faultnet.Freeze())
	noAWS := faultnet.Serve(t, func(c net.Conn) { io.WriteString(c, "220 mail ESMTP ready\r\n") })
	on := func(op string, f kmstest.Fault) func() {
		return func() {
			s.SetBefore(func(asked string, _ int) *kmstest.Fault {
				if asked == op {
					return &f
				}
				return nil
			})
		}
	}
	file := func(text string) config {
		path := filepath.Join(tempDir(t), "data")
		writeFile(t, path, text, 0o640)
		return good.with(config{"path": path})
	}
	whole := readFile(t, m.kmsFile())
	flipped := strings.Replace(whole, `"data":"`, `"data":"41`, 1)
	const token = "a token that is not to be seen"

	for _, c := range []struct {
		name string
		hurt func() // what AWS KMS does
		conf config
		want []string
	}{
		{"no KMS key", nil, good.with(config{"kms_key": ""}), []string{"kms_key (", "it is blank"}},
		{"no form of a KMS key", nil, good.with(config{"kms_key": "a key of ours!"}), []string{"kms_key ("}},
		{"an unknown KMS key", nil, good.with(config{"kms_key": "01234567-89ab-cdef-0123-456789abcdef"}), []string{"does not exist", "NotFoundException", "Correct kms_key and region"}},
		{"an unknown alias", nil, good.with(config{"kms_key": "nobody"}), []string{"alias/nobody", "is not found", "Correct kms_key and region"}},
		{"a disabled KMS key", nil, good.with(config{"kms_key": disabledID}), []string{"is not in use (Disabled)", "Enable it"}},
		{"a KMS key that will be deleted", nil, good.with(config{"kms_key": dying}), []string{"PendingDeletion", "will be deleted on", "Cancel the deletion"}},
		{"a KMS key for something else", nil, good.with(config{"kms_key": s.NewKeyOf(region, "GENERATE_VERIFY_MAC", "HMAC_256")}), []string{"is for something else"}},
		{"another region", nil, good.with(config{"region": "Frankfurt"}), []string{"region (", `"Frankfurt" is not the name of an AWS region`, "eu-central-1"}},
		{"not permitted", on("Decrypt", kmstest.Fault{Code: "AccessDeniedException", Message: "User: arn:aws:iam::111122223333:user/mysql is not authorized to perform: kms:Decrypt"}), good,
			[]string{"is not authorized to perform: kms:Decrypt", "Allow the user of auth_key kms:Decrypt"}},
		{"an expired token", on("DescribeKey", kmstest.Fault{Code: "ExpiredTokenException", Message: "The security token included in the request is expired"}),
			good.with(config{"auth_key": "ASIAIOSFODNN7EXAMPLE", "session_token": "IQoJb3JpZ2luX2VjEExample"}), []string{"is expired", "Renew auth_key and secret_access_key, and session_token"}},
		{"an unknown access key", nil, good.with(config{"auth_key": "AKIANOBODY7EXAMPLE00"}), []string{"UnrecognizedClientException", "Correct auth_key and secret_access_key."}},
		{"a wrong secret", nil, good.with(config{"secret_access_key": "open/barley"}), []string{"InvalidSignatureException", "Correct auth_key and secret_access_key."}},
		{"half an access key", nil, good.with(config{"secret_access_key": ""}), []string{"secret_access_key (", "it is blank while auth_key is set"}},
		{"throttled", on("Decrypt", kmstest.Fault{Code: "ThrottlingException", Message: "You have exceeded the rate at which you may call KMS."}), good,
			[]string{"You have exceeded the rate", "Have the quota of requests raised"}},
		{"an inner fault of AWS KMS", on("DescribeKey", kmstest.Fault{Code: "KMSInternalException", Message: "inner"}), good, []string{"KMSInternalException"}},
		{"silence", nil, good.with(config{"endpoint": urlOf(frozen.Addr())}), []string{"raise timeout_ms (now 1000)"}},
		{"a closed port", nil, good.with(config{"endpoint": urlOf(closedAddr(t))}), []string{"connection refused", "correct region and endpoint (now http://127.0.0.1:"}},
		{"no such host", nil, good.with(config{"endpoint": "https://no-such-host.invalid"}), []string{"no-such-host.invalid", "Correct region and endpoint"}},
		{"no AWS", nil, good.with(config{"endpoint": urlOf(noAWS)}), []string{"[ERROR]"}},
		{"a web page", on("DescribeKey", kmstest.Fault{Status: 200, Body: "<html>Welcome</html>"}), good, []string{"[ERROR]"}},
		{"no folder for the file", nil, good.with(config{"path": "/nowhere/data"}), []string{"path (", "there is no folder /nowhere"}},
		{"the file of component_keyring_file", nil, file(perconaFile(element{"", "k", "AES", "00FF"})), []string{"this may be the file of component_keyring_file"}},
		{"half a file", nil, file(whole[:len(whole)/2]), []string{"the keyring file is damaged"}},
		{"a blob that AWS KMS has not made", nil, file(perconaFile(element{"", "k", "AES", perconaData([]byte("not a blob at all"))})), []string{"InvalidCiphertextException", "from a backup"}},
		{"a changed key", nil, file(flipped), []string{"[ERROR]"}},
		{"every option wrong", nil, config{"path": 5, "read_only": "maybe", "kms_key": true, "region": 1, "auth_key": 1, "secret_access_key": []string{token}, "session_token": 1,
			"endpoint": "ftp://kms", "proxy": "nothing", "timeout_ms": "5000", "start_timeout_ms": -1, "fips": 2, "format": "json", "read_local_config": false},
			[]string{"path (", "read_only (", "kms_key (", "region (", "auth_key (", "secret_access_key (", "session_token (", "endpoint (", "proxy (", "timeout_ms (", "start_timeout_ms (", "fips (", "format ("}},
		{"an option that nobody knows", nil, good.with(config{"reigon": "eu-west-1", "kms_key": ""}), []string{"reigon (", "did you mean region?"}},
	} {
		if c.hurt != nil {
			c.hurt()
		}
		before := len(m.log())
		m.setKMS(c.conf)
		err := m.try("ALTER INSTANCE RELOAD KEYRING")
		s.SetBefore(nil)
		if err == nil {
			t.Errorf("%s: RELOAD KEYRING worked", c.name)
			continue
		}
		said := m.log()[before:]
		for _, want := range append(c.want, "[ERROR]", "The keyring was not reloaded, the keys of the last load stay in use: ") {
			if !strings.Contains(said, want) {
				t.Errorf("%s: the log lacks %q:\n%s", c.name, want, said)
			}
		}
		for _, secret := range []string{token, "open/barley", accessKey.SecretAccessKey, "IQoJb3JpZ2luX2VjEExample"} {
			if strings.Contains(said, secret) {
				t.Errorf("%s: a secret is in the log:\n%s", c.name, said)
			}
		}
		m.want("a secret", "SELECT keyring_key_fetch('kept')")
	}
	if got := m.status("Component_status"); got != "Active" {
		t.Errorf("Component_status = %q after failed reloads", got)
	}
	// What was loaded before is there, to write as well.
	m.want("1", "SELECT keyring_key_generate('after', 'AES', 32)")
	m.setKMS(good)
	m.exec("ALTER INSTANCE RELOAD KEYRING", "ALTER INSTANCE ROTATE INNODB MASTER KEY")
	m.want("42", "SELECT v FROM e2e.t")

	t.Log("what is refused while it runs is told with its cause, and nothing is lost")
	for code, want := range map[string]string{
		"DisabledException": "Enable the KMS key in AWS KMS", "AccessDeniedException": "kms:Encrypt", "ThrottlingException": "quota",
	} {
		before := len(m.log())
		on("Encrypt", kmstest.Fault{Code: code, Message: "refused"})()
		m.want("NULL", "SELECT keyring_key_generate('refused', 'AES', 32)")
		s.SetBefore(nil)
		m.logged(before, code, want)
		m.want("NULL", "SELECT keyring_key_fetch('refused')")
	}
	m.restart()
	m.want("a secret", "SELECT keyring_key_fetch('kept')")
	m.want("NULL", "SELECT keyring_key_fetch('refused')")
	m.want("1", "SELECT keyring_key_generate('refused', 'AES', 32)")
	testKMSFileFaults(t, m)
	m.stop()
}

// testKMSFileFaults changes the file behind MySQL's back.
func testKMSFileFaults(t *testing.T, m *MySQL) {
	whole := readFile(t, m.kmsFile())
	empty := perconaFile()
	for name, text := range map[string]string{"another file": empty, "half a file": whole[:len(whole)/2]} {
		before := len(m.log())
		writeFile(t, m.kmsFile(), text, 0o640)
		m.want("NULL", "SELECT keyring_key_generate('over', 'AES', 32)")
		m.logged(before, "[ERROR]", m.kmsFile())
		if readFile(t, m.kmsFile()) != text {
			t.Errorf("%s was overwritten", name)
		}
		m.want("a secret", "SELECT keyring_key_fetch('kept')")
	}
	writeFile(t, m.kmsFile(), whole, 0o640)
	m.want("1", "SELECT keyring_key_generate('over', 'AES', 32)")
	// What another program adds is taken over.
	m.want("1", "SELECT keyring_key_remove('over')")
}
