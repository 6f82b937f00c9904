package hosttest_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/backend/kmsdata"
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/secret"
)

// With cache_keys false no plain key is in a database's memory between two
// operations: not as it is, not in hexadecimal, not in base64. With true it is,
// which shows that the search finds what there is.
func TestNoCache_Memory(t *testing.T) {
	modules := searchable(t)
	server := keyservertest.New(t)
	content := secret.Random(32)
	defer content.Wipe()
	for _, cached := range []bool{false, true} {
		t.Run(fmt.Sprintf("cache_keys=%t", cached), func(t *testing.T) {
			dir := enterpriseDir(t, server, cached)
			keyFor(t, server, dir, content)
			left := leftInMemory(t, modules, "component_keyring_kmip", dir+"/", content.Reveal())
			if !cached && left != "" {
				t.Errorf("the key is in the memory every time: %s", left)
			}
			if cached && left == "" {
				t.Error("the search does not find a key that is in memory: it proves nothing")
			}
		})
	}
}

// keyring_aws never keeps a plain key: what AWS KMS has decrypted is wiped, too, in the
// buffers of HTTP and JSON.
func TestAWSKeys_Memory(t *testing.T) {
	kmstest.ClearEnvironment()
	modules := searchable(t)
	s := kmstest.New(t)
	s.Credentials(awskms.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"})
	dir := t.TempDir()
	o := kmsdata.Options{DataFile: filepath.Join(dir, "data"), KeyID: s.NewKey(kmstest.Region), AWS: s.Options()}
	credentials, err := o.AWS.Credentials(t.Context())
	if err == nil {
		err = keyringaws.WriteConf(filepath.Join(dir, "conf"), credentials, s.URL)
	}
	if err != nil {
		t.Fatal(err)
	}
	k, err := kmsdata.Open(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	content := secret.Random(32)
	defer content.Wipe()
	if err := k.Store(t.Context(), keyring.ID{Name: "wanted"}, keyring.Key{Type: "AES", Data: content}); err != nil {
		t.Fatal(err)
	}
	settings := keyringaws.Settings{KeyID: o.KeyID, ConfFile: filepath.Join(dir, "conf"), DataFile: o.DataFile}
	if left := leftInMemory(t, modules, keyringaws.Plugin, settings.String(), content.Reveal()); left != "" {
		t.Errorf("the key is in the memory every time: %s", left)
	}
}

// searchable builds the library, as it is released, and the host whose memory is searched.
func searchable(t *testing.T) (dir string) {
	t.Helper()
	noteSources(t)
	dir = t.TempDir()
	for _, c := range [][]string{
		{"make", "-s", "-C", "../..", "-f", "module/module.mk", "MODULE_LIB=" + dir, filepath.Join(dir, "libdbkeyring.so")},
		{"gcc", "-O1", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", filepath.Join(dir, "nocache"), filepath.Join("testdata", "nocache.c"), "-ldl"},
	} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(c, " "), err, out)
		}
	}
	return dir
}

// leftInMemory says where the host has the key once it is wiped, every time. A signal that
// comes in the very moment of copying leaves the registers on its stack; nobody can wipe
// that. What happens every time is ours.
func leftInMemory(t *testing.T, modules, module, configuration string, content []byte) (left string) {
	t.Helper()
	for range 3 {
		if left = fetchAndSearch(t, modules, module, configuration, content); left == "" {
			break
		}
	}
	return left
}

// enterpriseDir makes a folder with the configuration of MySQL Enterprise's
// component_keyring_kmip.
func enterpriseDir(t *testing.T, server *keyservertest.Server, cached bool) string {
	t.Helper()
	dir := t.TempDir()
	cert, key := server.NewClient(fmt.Sprintf("mysql-%t", cached))
	ssl := filepath.Join(dir, "ssl")
	if err := os.Mkdir(ssl, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]string{"CA.pem": server.CAFile, "cert.pem": cert, "key.pem": key} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(ssl, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	conf := fmt.Sprintf(`{"kmip_configuration_directory": %q, "server": %q, "cache_keys": %t}`, dir, server.Addr, cached)
	if err := os.WriteFile(filepath.Join(dir, "component_keyring_kmip.cnf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// keyFor stores a key for the client of the folder.
func keyFor(t *testing.T, server *keyservertest.Server, dir string, content *secret.Bytes) {
	t.Helper()
	ssl := filepath.Join(dir, "ssl")
	k, err := backend.Open(t.Context(), backend.Options{Profile: backend.ProfileOKV, Servers: []string{server.Addr},
		ClientCertFile: filepath.Join(ssl, "cert.pem"), ClientKeyFile: filepath.Join(ssl, "key.pem"), ServerCAFile: filepath.Join(ssl, "CA.pem")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if err := k.Store(t.Context(), keyring.ID{Name: "wanted"}, keyring.Key{Type: "AES", Data: content}); err != nil {
		t.Fatal(err)
	}
}

// fetchAndSearch runs the host and returns what the search has found after the
// host has wiped its buffer, in any of three rounds.
func fetchAndSearch(t *testing.T, modules, module, configuration string, content []byte) (left string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(modules, "nocache"), filepath.Join(modules, "libdbkeyring.so"), module, configuration, "wanted")
	var log bytes.Buffer
	cmd.Stderr, cmd.WaitDelay = &log, time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, rounds := bufio.NewScanner(out), 0
	for lines.Scan() {
		found := inMemory(t, cmd.Process.Pid, content)
		switch got := lines.Text(); got {
		case "held 0":
			if found == "" {
				t.Error("the host has the key, and the search does not find it")
			}
		case "wiped 1":
			left, rounds = cmp.Or(left, found), rounds+1
		default:
			t.Errorf("the host says %q", got)
		}
		io.WriteString(in, "\n")
	}
	if err := cmd.Wait(); err != nil || rounds != 3 {
		t.Fatalf("the host: %v, %d rounds\n%s", err, rounds, log.String())
	}
	return left
}

// inMemory says where a process has a key, and in which form; "" for nowhere.
func inMemory(t *testing.T, pid int, content []byte) string {
	t.Helper()
	forms := map[string][]byte{
		"raw": content, "hexadecimal": []byte(hex.EncodeToString(content)), "HEXADECIMAL": bytes.ToUpper([]byte(hex.EncodeToString(content))),
	}
	for shift := range 3 { // base64 of something that holds the key
		whole := content[(3-shift)%3:]
		whole = whole[:len(whole)/3*3]
		forms[fmt.Sprintf("base64 from byte %d", (3-shift)%3)] = []byte(base64.StdEncoding.EncodeToString(whole))
		forms[fmt.Sprintf("base64url from byte %d", (3-shift)%3)] = []byte(base64.URLEncoding.EncodeToString(whole))
	}
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	var found []string
	for line := range strings.Lines(string(maps)) {
		var start, end uint64
		var mode string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &start, &end, &mode); n != 3 || !strings.HasPrefix(mode, "r") {
			continue
		}
		const piece, most = 1 << 20, 256 // of bytes; the longest form is shorter
		buf := make([]byte, piece+most)
		for at := start; at < end; at += piece {
			n, _ := mem.ReadAt(buf[:min(uint64(len(buf)), end-at)], int64(at)) // what cannot be read holds no key
			for form, what := range forms {
				if i := bytes.Index(buf[:n], what); i >= 0 {
					found = append(found, fmt.Sprintf("%s at %x in %s", form, at+uint64(i), strings.TrimSpace(line)))
				}
			}
		}
	}
	return strings.Join(found, "; ")
}
