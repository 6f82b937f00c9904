package atomicfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
)

// TestMain is also the body of the child processes that run under a limit or
// as another user, which would disturb this process.
func TestMain(m *testing.M) {
	path := os.Getenv("ATOMICFILE_WRITE")
	if path == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("ATOMICFILE_FULL") != "" {
		signal.Ignore(syscall.SIGXFSZ) // so that write answers an error, as on a full disk
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1000, Max: 1000}); err != nil {
			fmt.Println("setrlimit:", err)
			os.Exit(3)
		}
	}
	if err := atomicfile.WriteFile(path, make([]byte, 100_000), 0o600); err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	os.Exit(0)
}

func child(t *testing.T, path string, full bool, attr *syscall.SysProcAttr) (out string, code int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if attr != nil { // another user cannot enter go test's own folder
		b, err := os.ReadFile(exe)
		if err != nil {
			t.Fatal(err)
		}
		dir, err := os.MkdirTemp("", "atomicfile")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		exe = filepath.Join(dir, "child")
		if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(exe, b, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(exe)
	cmd.Dir = "/"
	cmd.Env = []string{"ATOMICFILE_WRITE=" + path}
	if full {
		cmd.Env = append(cmd.Env, "ATOMICFILE_FULL=1")
	}
	cmd.SysProcAttr = attr
	b, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		t.Fatalf("the child did not start: %v", err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

// only fails unless dir holds exactly the file name with the content want.
func only(t *testing.T, dir, name, want string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != name {
			t.Errorf("%s was left behind", e.Name())
		}
	}
	if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
		t.Errorf("%s holds %d bytes, %v; want %q", name, len(got), err, want)
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	defer syscall.Umask(syscall.Umask(0o077))
	for _, c := range []struct {
		data string
		perm fs.FileMode
	}{{"first", 0o644}, {"", 0o600}, {strings.Repeat("x", 1<<20), 0o640}} {
		if err := atomicfile.WriteFile(path, []byte(c.data), c.perm); err != nil {
			t.Fatal(err)
		}
		only(t, dir, "f", c.data)
		if info, err := os.Stat(path); err != nil || info.Mode() != c.perm {
			t.Errorf("mode %v, %v; want %v", info.Mode(), err, c.perm)
		}
	}
}

func TestWriteFile_SymbolicLinkStays(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	target := filepath.Join(elsewhere, "real")
	link := filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(target, []byte("old"), 0o600), os.Symlink(target, link)); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.WriteFile(link, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	only(t, elsewhere, "real", "new")
	if to, err := os.Readlink(link); err != nil || to != target {
		t.Errorf("the link became %q, %v", to, err)
	}
}

func TestWriteFile_FullDiskKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code := child(t, path, true, nil)
	if code != 2 || !strings.Contains(out, "file too large") || !strings.HasPrefix(out, "write "+path+": ") {
		t.Errorf("child ended with %d: %s", code, out)
	}
	only(t, dir, "f", "old")
}

func TestWriteFile_Faults(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "folder", "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := atomicfile.WriteFile(filepath.Join(dir, "folder"), []byte("x"), 0o600)
	if !errors.Is(err, syscall.EEXIST) && !errors.Is(err, syscall.EISDIR) {
		t.Errorf("over a folder: %v", err)
	}
	err = atomicfile.WriteFile(filepath.Join(dir, "absent", "f"), []byte("x"), 0o600)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in no folder: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestWriteFile_RootAndOtherUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("owners can only be given away by root")
	}
	const uid, gid = 65534, 65533
	dir, err := os.MkdirTemp("", "atomicfile") // t.TempDir's parent lets only its owner in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "f")
	owner := func() (int, int) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		st := info.Sys().(*syscall.Stat_t)
		return int(st.Uid), int(st.Gid)
	}
	write := func(data string) {
		if err := atomicfile.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("root's folder, new file")
	if u, g := owner(); u != 0 || g != 0 {
		t.Errorf("owner %d:%d, want 0:0", u, g)
	}
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	write("root's folder, another's file")
	if u, g := owner(); u != uid || g != gid {
		t.Errorf("owner %d:%d, want %d:%d", u, g, uid, gid)
	}
	if err := errors.Join(os.Chown(path, 0, 0), os.Chown(dir, uid, gid)); err != nil {
		t.Fatal(err)
	}
	write("another's folder")
	if u, g := owner(); u != uid || g != gid {
		t.Errorf("owner %d:%d, want %d:%d", u, g, uid, gid)
	}
	only(t, dir, "f", "another's folder")

	// That owner rewrites it; a stranger cannot and leaves no trace.
	as := func(u uint32) *syscall.SysProcAttr {
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: u, Gid: u}}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, code := child(t, path, false, as(65500)); code != 2 || !strings.Contains(out, "permission denied") {
		t.Errorf("a stranger's write ended with %d: %s", code, out)
	}
	only(t, dir, "f", "another's folder")
	if out, code := child(t, path, false, as(uid)); code != 0 {
		t.Errorf("the owner's write ended with %d: %s", code, out)
	}
	only(t, dir, "f", string(make([]byte, 100_000)))
}

func TestWriteFile_ReadersSeeWholeFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	content := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i%26)}, 10_000+i) }
	if err := atomicfile.WriteFile(path, content(0), 0o600); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 50 {
			if err := atomicfile.WriteFile(path, content(i), 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	for range 200 {
		b, err := os.ReadFile(path)
		if err != nil || len(b) < 10_000 || !bytes.Equal(b, content(len(b)-10_000)) {
			t.Fatalf("a reader saw %d bytes, %v", len(b), err)
		}
	}
	wg.Wait()
}
