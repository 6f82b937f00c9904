package mongod_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/config/mongod"
	"github.com/dbkeyring/dbkeyring/internal/tlsconf"
)

func TestCure(t *testing.T) {
	dir := folder(t)
	file := filepath.Join(dir, mongod.FileName)
	write(t, file, string(mongod.ConfigText(mongod.Endpoint{Server: "kms", ClientCertificateFile: dir + "/client_certificate.pem", ServerCAFile: dir + "/ca.pem"})), 0o600)
	o, _, err := mongod.Read(file, "")
	if err != nil {
		t.Fatal(err)
	}
	const server, port = "security.kmip.serverName (--kmipServerName)", "security.kmip.port (--kmipPort)"
	const certificate = "security.kmip.clientCertificateFile (--kmipClientCertificateFile)"
	_, refused := net.Dial("tcp4", "127.0.0.1:1") // nobody listens on port 1
	for _, c := range []struct {
		err  error
		want string
	}{
		{&tlsconf.VerifyError{Check: tlsconf.CheckHostname, Host: "kms", Names: []string{"a.test", "::1"}},
			"Set " + server + " to a name in the certificate (a.test, ::1), or: Have a certificate made for the KMIP server that names kms."},
		{&tlsconf.VerifyError{Check: tlsconf.CheckHostname, Host: "kms", Also: &tlsconf.VerifyError{Issuer: "CN=x"}},
			"Have a certificate made for the KMIP server that names kms. Put the certificate of CN=x into the file of security.kmip.serverCAFile (--kmipServerCAFile), now " + dir + "/ca.pem."},
		{fmt.Errorf("connect: %w", &tlsconf.VerifyError{Check: tlsconf.CheckDates}), "Renew the KMIP server's certificate, or correct this host's clock."},
		{&tlsconf.VerifyError{Check: tlsconf.CheckUsage}, "Have a certificate made for the KMIP server that is for servers (serverAuth)."},
		{&tlsconf.RefusedError{Alert: "expired certificate"},
			"Put a certificate that the KMIP server accepts and that has not expired, with its key, into the file of " + certificate + ", now " + dir + "/client_certificate.pem."},
		{&tlsconf.RefusedError{Alert: "handshake failure"},
			"Check that " + port + " is the KMIP server's port, and that it allows TLS 1.2 or 1.3 with a suite of forward secrecy (ECDHE)."},
		{tlsconf.ErrNotTLS, "Set " + server + " and " + port + " to the KMIP server's, whose port is usually 5696."},
		{tlsconf.ErrClosed, "Look into the KMIP server's log: it may not accept the certificate of " + certificate + ", now " + dir + "/client_certificate.pem."},
		{refused, "Start the KMIP server, or correct " + server + " and " + port + "."},
		{syscall.EHOSTUNREACH, "Correct " + server + ", or the network."},
		{&net.DNSError{Err: "no such host", Name: "kms", IsTimeout: true}, "Correct " + server + ", or this host's name resolution."},
		{context.DeadlineExceeded, "Check that the KMIP server runs and that no firewall is in between, or raise security.kmip.connectTimeoutMS (--kmipConnectTimeoutMS), now 5000, or security.kmip.connectRetries (--kmipConnectRetries), now 0."},
	} {
		if got, want := o.KMIP.Cure(c.err), c.want+" The options are in "+file+"."; got != want {
			t.Errorf("%v:\ngot  %s\nwant %s", c.err, got, want)
		}
	}
	if got := o.KMIP.Cure(errors.New("anything else")); got != "" {
		t.Error(got)
	}
}

func TestCure_WhereTheOptionsAre(t *testing.T) {
	dir := folder(t)
	file := filepath.Join(dir, mongod.FileName)
	write(t, file, "security.enableEncryption: true\n", 0o600)
	kmip := []string{"--kmipServerName=a.test", "--kmipClientCertificateFile=" + dir + "/client_certificate.pem"}
	for _, c := range []struct {
		args []string
		want string
	}{
		{append([]string{"-f", file}, kmip...), "The options are in " + file + " and on the command line."},
		{append([]string{"--enableEncryption"}, kmip...), "The options are on the command line."},
	} {
		o, _, _, err := mongod.ReadArgs(c.args, "")
		if err != nil {
			t.Fatal(err)
		}
		got := o.KMIP.Cure(&tlsconf.VerifyError{Issuer: "CN=x"})
		if want := "Set security.kmip.serverCAFile (--kmipServerCAFile) to a file with the certificate of CN=x, which this host does not trust. " + c.want; got != want {
			t.Errorf("got %s", got)
		}
	}
	for _, c := range []struct{ args, want string }{
		{"", "Correct the credentials of the default chain of AWS (environment, shared files, the machine's role), or set security.awsKms.accessKeyId (--awsKmsAccessKeyId) and"},
		{"--awsKmsAccessKeyId=AKIAIOSFODNN7EXAMPLE --awsKmsSecretAccessKey=x", "Correct security.awsKms.accessKeyId (--awsKmsAccessKeyId) and security.awsKms.secretAccessKey (--awsKmsSecretAccessKey). The options are on the command line."},
	} {
		o, _, _, err := mongod.ReadArgs(append([]string{"--enableEncryption", "--awsKmsKeyId=alias/a", "--awsKmsRegion=eu-west-1"}, strings.Fields(c.args)...), "")
		if err != nil {
			t.Fatal(err)
		}
		if got := o.AWSKMS.AWS.Cure(&awskms.Error{Code: "UnrecognizedClientException"}); !strings.HasPrefix(got, c.want) {
			t.Errorf("got %s", got)
		}
	}
}

// Under root, what the data directory's owner cannot read is told.
func TestRead_OwnerOfTheDataDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make files of other users")
	}
	dir := folder(t)
	db := filepath.Join(dir, "db")
	if err := os.Chown(db, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, mongod.FileName)
	write(t, file, "security: {enableEncryption: true, encryptionKeyFile: "+dir+"/keyfile}\nstorage: {dbPath: "+db+"}\n", 0o640)
	_, r, err := mongod.Read(file, "")
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(r.Warnings, "\n")
	for _, f := range []string{file, dir + "/keyfile"} {
		if want := "the owner of the data directory " + db + " (user id 65534) cannot read " + f + " because of the rights of " + f + "."; !strings.Contains(all, want) {
			t.Errorf("%q is not in %s", want, all)
		}
	}
}
