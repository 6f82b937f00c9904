package hosttest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// wtSlots are the releases of WiredTiger whose tables are known: each entry point calls
// the slots of its own, and no other.
var wtSlots = []struct {
	entry    string
	get, add int
}{
	{"dbkeyring_wt_3_2", 19, 16}, {"wiredtiger_extension_init", 19, 16}, {"dbkeyring_wt_10_0", 19, 14}, {"dbkeyring_wt_11_3", 20, 15},
}

// TestWiredTiger loads the encryptor as each release does; sanitizers look for wrong
// memory accesses, undefined behaviour and leaks.
func TestWiredTiger(t *testing.T) {
	noteSources(t)
	dir := t.TempDir()
	sources, err := filepath.Glob("../wiredtiger/*.c")
	if err != nil || len(sources) != 2 {
		t.Fatalf("%v, %v", sources, err)
	}
	flags := []string{"-g", "-O1", "-std=gnu11", "-Wall", "-Wextra", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"}
	module, host := filepath.Join(dir, "dbkeyring_wiredtiger.so"), filepath.Join(dir, "host")
	for _, args := range [][]string{
		append(append(append([]string{}, flags...), "-fPIC", "-fvisibility=hidden", "-shared", "-o", module), sources...),
		append(append([]string{}, flags...), "-o", host, filepath.Join("testdata", "wt_host.c"), "-ldl", "-pthread"),
	} {
		if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
			t.Fatalf("gcc %v: %v\n%s", args, err, out)
		}
	}
	run := func(t *testing.T, conf, entry string, get, add int) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		out, err := exec.CommandContext(ctx, host, module, conf, entry, fmt.Sprint(get), fmt.Sprint(add)).CombinedOutput()
		if err != nil || strings.Contains(string(out), "Sanitizer") || strings.Contains(string(out), "runtime error") {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	conf := func(t *testing.T, more string) string {
		t.Helper()
		data := t.TempDir()
		key := filepath.Join(data, "key")
		if err := os.WriteFile(key, []byte("BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(data, "mongod.conf")
		text := "storage:\n  dbPath: " + data + "\nsecurity:\n  enableEncryption: true\n  encryptionKeyFile: " + key + "\n" + more
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}

	lone := run(t, conf(t, ""), "dbkeyring_wt_3_2", 19, 16) // the library is not beside it yet
	if want := "dbkeyring: libdbkeyring.so is not in the folder of dbkeyring_wiredtiger.so. Copy it there\ninit 1\n"; lone != want {
		t.Errorf("%q", lone)
	}
	if err := os.Symlink(filepath.Join(built, "libdbkeyring.so"), filepath.Join(dir, "libdbkeyring.so")); err != nil {
		t.Fatal(err)
	}
	for _, c := range wtSlots {
		for _, mode := range []string{"", "  encryptionCipherMode: AES256-CBC\n"} {
			path := conf(t, mode)
			for range 2 { // a new database, and one that is there
				got := run(t, path, c.entry, c.get, c.add)
				want := "added dbkeyring\ninit 0\ndbkeyring: encryption has no keyid: write encryption=(name=dbkeyring,keyid=...)\nno keyid 1\nsystem 0\ntable 0\n"
				if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "terminate 0 0 0\n") || strings.Count(got, "a block cannot be read: ") != 4 || strings.Contains(got, "passes") {
					t.Errorf("%s: %s", c.entry, got)
				}
			}
		}
	}
	refused := run(t, conf(t, "  nonsense: true\n  kmip:\n    port: x\n"), "dbkeyring_wt_11_3", 20, 15)
	if !strings.HasPrefix(refused, "dbkeyring: ") || !strings.Contains(refused, "kmip") || !strings.HasSuffix(refused, "init 1\n") {
		t.Errorf("%s", refused)
	}
}
