//go:build e2e

package e2e

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// suite is what the tests of a run share.
var suite struct {
	dir  string // everything made in this run is below it
	root string // the project's folder

	template sync.Once // makes templateDir, an initialised data directory
	templErr error

	mu      sync.Mutex
	skipped map[string][]string // missing part → tests that it kept from running
}

func TestMain(m *testing.M) {
	if arguments := os.Getenv(echoEnv); arguments != "" { // see newEcho
		fmt.Fprintln(os.Stderr, serveEcho(arguments))
		os.Exit(1)
	}
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	// Its complaints about servers that tests have ended are no news.
	_ = mysql.SetLogger(&mysql.NopLogger{})
	wd, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	suite.root = filepath.Dir(wd)
	suite.skipped = map[string][]string{}
	// Short, for the sockets below it; open, for a mysqld that runs as nobody.
	if suite.dir, err = os.MkdirTemp(fastDir(), "dbk"); err == nil {
		err = os.Chmod(suite.dir, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(suite.dir)
	code := m.Run()
	shared.moto.kill()
	for part, tests := range suite.skipped {
		fmt.Printf("e2e: %d tests skipped, for want of %s: %s\n", len(tests), part, strings.Join(tests, " "))
	}
	return code
}

// fastDir is the parent of the run's folder: TMPDIR, else memory where there is
// plenty (a data directory has 190 MB, and InnoDB syncs a lot), else the usual.
func fastDir() string {
	const memory, plenty = "/dev/shm", 4 << 30
	var fs syscall.Statfs_t
	if os.Getenv("TMPDIR") == "" && syscall.Statfs(memory, &fs) == nil && fs.Bavail*uint64(fs.Bsize) > plenty {
		return memory
	}
	return os.TempDir()
}

// missing ends a test for want of a real part: a failure with the sentence that
// installs it, or, if the user allows that, a counted skip.
func missing(t testing.TB, part, cure string) {
	t.Helper()
	if os.Getenv("DBKEYRING_SKIP_MISSING") != "1" {
		t.Fatalf("no %s: %s (DBKEYRING_SKIP_MISSING=1 skips the tests that need it.)", part, cure)
	}
	suite.mu.Lock()
	suite.skipped[part] = append(suite.skipped[part], t.Name())
	suite.mu.Unlock()
	t.Skipf("no %s: %s", part, cure)
}

// tempDir is t.TempDir with a short path, outside of which nothing is written.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(suite.dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() && os.Getenv("DBKEYRING_KEEP") == "1" {
			return
		}
		os.RemoveAll(dir)
	})
	return dir
}

// diskDir is a folder on the disk that the project lies on, where tempDir's may be
// in memory: for what measures durable writes.
func diskDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Join(suite.root, "build"), "bench")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// eventually polls until ok returns true, and fails the test after the limit.
// ok's second result says what is still missing.
func eventually(t testing.TB, limit time.Duration, what string, ok func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		done, state := ok()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v: %s", what, limit, state)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func writeFile(t testing.TB, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, to, readFile(t, from), info.Mode().Perm())
}
