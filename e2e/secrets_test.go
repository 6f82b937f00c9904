//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

// client speaks KMIP with the server as MySQL's endpoint does.
func (s *keyServer) client() *kmipclient.Client {
	s.t.Helper()
	pair, err := tls.LoadX509KeyPair(s.Config["client_ca"].(string), s.Config["client_key"].(string))
	if err != nil {
		s.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(readFile(s.t, s.Config["server_ca"].(string))))
	c, err := kmipclient.New(kmipclient.Options{Servers: []string{s.addr()}, Timeout: 10 * time.Second,
		TLS: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, MinVersion: tls.VersionTLS12}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// content is an object's bytes, from the server.
func (s *keyServer) content(uid string) []byte {
	s.t.Helper()
	got, err := s.client().Get(context.Background(), uid)
	if err != nil {
		s.t.Fatal(err)
	}
	defer got.Object.Wipe()
	return bytes.Clone(got.Object.Content().Reveal())
}

// Neither keys nor the password of the client's key show in the log or in the
// status table; what is in memory stays out of core dumps, and is gone with its
// key.
func TestSecretsStayIn(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	const password = "open-sesame-0815"
	encrypted := encryptedKey(t, ks.Config["client_key"].(string), password)
	m := newMySQL(t, "--skip-log-bin").useKMIP(ks.Config.with(config{"client_key": encrypted, "client_key_password": password}))
	m.start().functions()
	if got := m.status("Component_status"); got != "Active" {
		t.Fatalf("Component_status = %q; log:\n%s", got, tail(m.log()))
	}
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'")

	// A signal that comes just as a key is copied leaves it where the Go runtime saves
	// the registers; nobody can wipe that. What happens in every round is ours.
	for round := 1; ; round++ {
		left := leftInMemory(t, m, func(id string) []byte { return ks.content(m.uid(id)) }, ks.proc)
		if len(left) == 0 {
			break
		}
		if round == 4 {
			t.Errorf("in every round, at last:\n%s", strings.Join(left, "\n"))
			break
		}
	}

	// With all that may be logged, refusals and failures included.
	m.want("1", "SELECT keyring_key_generate('logged', 'AES', 32)")
	key := ks.content(m.uid("logged"))
	m.want("NULL", "SELECT keyring_key_generate('logged', 'AES', 32)")
	ks.kill()
	m.want("NULL", "SELECT keyring_key_generate('down', 'AES', 32)")
	m.want("32", "SELECT keyring_key_length_fetch('logged')")
	shown := fmt.Sprint(m.statusRows())
	m.stop()
	shown += m.log() + ks.proc.output()
	for _, secret := range []string{password, string(key), fmt.Sprintf("%x", key), fmt.Sprintf("%X", key)} {
		if strings.Contains(shown, secret) {
			t.Errorf("a secret is in a log or in the status:\n%s", shown)
		}
	}
}

// uid is the key server's name of a key.
func (m *MySQL) uid(id string) string {
	m.t.Helper()
	return m.value("SELECT BACKEND_KEY_ID FROM performance_schema.keyring_keys WHERE KEY_ID = ?", id)
}

// leftInMemory makes keys, removes them, and tells where they are all the same.
// They are never asked for, so that only our own code has ever had them: one that
// was made here, and one that was read from where it is kept. The key servers have
// had them as well.
func leftInMemory(t *testing.T, m *MySQL, content func(id string) []byte, servers ...*process) (left []string) {
	t.Helper()
	m.want("1", "SELECT keyring_key_generate('read', 'AES', 32)")
	keys := map[string][]byte{"read": content("read")}
	m.restart()
	m.exec("ALTER INSTANCE RELOAD KEYRING")
	m.want("1", "SELECT keyring_key_generate('made', 'AES', 32)")
	keys["made"] = content("made")
	for name, key := range keys {
		found := inMemory(t, m.proc.pid(), key)
		if len(found) == 0 {
			t.Errorf("the search does not find the key %q, which is in use: it proves nothing", name)
		}
		for _, f := range found {
			if !slices.Contains(f.flags, "dd") {
				left = append(left, fmt.Sprintf("the key %q lies at %x in %s, which goes into core dumps", name, f.at, f.mapping))
			}
		}
		m.want("1", "SELECT keyring_key_remove(?)", name)
		for _, f := range inMemory(t, m.proc.pid(), key) {
			left = append(left, fmt.Sprintf("the key %q was removed and is still at %x in %s", name, f.at, f.mapping))
		}
		for _, s := range servers {
			for _, f := range inMemory(t, s.pid(), key) {
				left = append(left, fmt.Sprintf("the key %q was destroyed and is still at %x in %s of the key server", name, f.at, f.mapping))
			}
		}
	}
	return left
}

// encryptedKey puts a private key under a password.
func encryptedKey(t *testing.T, file, password string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(readFile(t, file)))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	//lint:ignore SA1019 the old form is one that users have
	block, err = x509.EncryptPEMBlock(rand.Reader, "PRIVATE KEY", der, []byte(password), x509.PEMCipherAES256)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(tempDir(t), "encrypted.pem")
	writeFile(t, out, string(pem.EncodeToMemory(block)), 0o600)
	return out
}

// finding is a place in a process's memory.
type finding struct {
	at      uint64
	mapping string
	flags   []string // of the kernel, proc(5): dd is "not in core dumps"
}

// inMemory searches all that a process can write.
func inMemory(t *testing.T, pid int, what []byte) (found []finding) {
	t.Helper()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	var start, end uint64
	var mapping string
	var here []finding
	for line := range strings.Lines(readFile(t, fmt.Sprintf("/proc/%d/smaps", pid))) {
		if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok {
			for i := range here {
				here[i].flags = strings.Fields(flags)
			}
			found, here = append(found, here...), nil
			continue
		}
		var mode string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &start, &end, &mode); n != 3 || !strings.HasPrefix(mode, "rw") {
			continue
		}
		mapping = strings.TrimSpace(line)
		const piece = 1 << 20
		buf := make([]byte, piece+len(what)-1)
		for at := start; at < end; at += piece {
			n, _ := mem.ReadAt(buf[:min(uint64(len(buf)), end-at)], int64(at)) // what cannot be read holds no key
			for from := 0; ; {
				i := bytes.Index(buf[from:n], what)
				if i < 0 {
					break
				}
				here = append(here, finding{at: at + uint64(from+i), mapping: mapping})
				from += i + 1
			}
		}
	}
	return found
}
