package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/anyconf"
	"github.com/dbkeyring/dbkeyring/config/percona"
	"github.com/dbkeyring/dbkeyring/internal/faultnet"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
)

// writeKeys makes a data file of n keys.
func writeKeys(t testing.TB, path string, n int) {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(`{"version":"1.0","elements":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		typ := []string{"AES", "SECRET"}[i%2]
		fmt.Fprintf(&b, `{"user":%q,"data_id":"key-%04d","data_type":"%s","data":"%0*X","extension":[]}`, []string{"", "root@localhost"}[i%2], i, typ, 64, i+1)
	}
	b.WriteString("]}")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// clientConf enrols a client of the server and returns its configuration file,
// which leads to addr.
func clientConf(t testing.TB, s *keyservertest.Server, name, addr string) string {
	t.Helper()
	cert, key := s.NewClient(name)
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), percona.FileName)
	text := percona.ConfigText(percona.Endpoint{ServerAddr: host, ServerPort: port, ClientCA: cert, ClientKey: key, ServerCA: s.CAFile})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// call runs a command line and returns the exit code and both outputs.
func call(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(&process{ctx: t.Context(), stdin: strings.NewReader(""), stdout: &out, stderr: &errs}, args)
	return code, out.String(), errs.String()
}

func TestMigrateThousandKeys(t *testing.T) {
	s := keyservertest.New(t)
	dir := t.TempDir()
	file, back := filepath.Join(dir, "keyring.json"), filepath.Join(dir, "back.json")
	writeKeys(t, file, 1000)
	conf := clientConf(t, s, "db1", s.Addr)
	started := time.Now()
	for _, args := range [][]string{{file, conf}, {conf, back}, {back, conf}} {
		code, stdout, stderr := call(t, append([]string{"migrate", "--yes"}, args...)...)
		t.Logf("%v: %s in all", strings.TrimSpace(stdout), time.Since(started).Round(time.Millisecond))
		if code != 0 || !strings.Contains(stdout, "all 1000 read again and compared") {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
	}
	if took := time.Since(started); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

// terminal is a pseudo-terminal: what is written to it is collected.
type terminal struct {
	*os.File // the side of the program
	mu       sync.Mutex
	text     bytes.Buffer
	done     chan struct{}
	master   *os.File
}

// newTerminal calls seen with each piece that is written to the terminal.
func newTerminal(t *testing.T, seen func(string)) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{File: slave, master: master, done: make(chan struct{})}
	go func() {
		defer close(term.done)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			term.mu.Lock()
			term.text.Write(buf[:n])
			term.mu.Unlock()
			seen(string(buf[:n]))
			if err != nil {
				return // the program's side is closed
			}
		}
	}()
	return term
}

// end returns what was written.
func (t *terminal) end() string {
	t.File.Close()
	<-t.done
	t.master.Close()
	return t.text.String()
}

// The network fails in the middle; the same again goes on where it ended.
func TestMigrateResumes(t *testing.T) {
	const keys = 400
	s := keyservertest.New(t)
	proxy := faultnet.New(t, s.Addr)
	proxy.Set(faultnet.Delay(time.Millisecond)) // so that there is a middle
	file := filepath.Join(t.TempDir(), "keyring.json")
	writeKeys(t, file, keys)
	conf := clientConf(t, s, "db1", proxy.Addr())

	var cut sync.Once
	term := newTerminal(t, func(text string) {
		if strings.Contains(text, "copying") {
			cut.Do(func() { proxy.Set(faultnet.Refuse()) })
		}
	})
	var stdout bytes.Buffer
	code := run(&process{ctx: t.Context(), stdin: strings.NewReader(""), stdout: &stdout, stderr: term.File}, []string{"migrate", "--yes", "--json", file, conf})
	text := term.end()
	said := regexp.MustCompile(`error: (\d+) of 400 keys were copied, then it failed: store key .*(?:connection refused|may or may not have been made)`).FindStringSubmatch(text)
	if code != exitUnreachable || said == nil || !strings.Contains(text, "hint: once that is mended, run the same again") {
		t.Fatalf("exit code %d: %q", code, text)
	}
	if !regexp.MustCompile(`\rreading   \[#+\] 400/400`).MatchString(text) || !strings.Contains(text, "\rcopying   [ ") {
		t.Errorf("no bar: %q", text)
	}
	before, _ := strconv.Atoi(said[1])
	var sum summary
	if err := json.Unmarshal(stdout.Bytes(), &sum); err != nil || sum.OK || sum.Copied != before || sum.ToCopy != keys-before || before == 0 || before == keys {
		t.Fatalf("%d copied before the cut; the summary: %+v, %v", before, sum, err)
	}

	proxy.Set(faultnet.Pass())
	code, out, stderr := call(t, "migrate", "--yes", "--json", file, conf)
	sum = summary{}
	if err := json.Unmarshal([]byte(out), &sum); err != nil || code != 0 || !sum.OK || sum.Verified != keys ||
		sum.Copied+sum.ThereAlready != keys || sum.ThereAlready < before || sum.ThereAlready > before+1 {
		t.Errorf("after %d: exit code %d, %d copied, %d there already, %d verified, %v: %s", before, code, sum.Copied, sum.ThereAlready, sum.Verified, err, stderr)
	}
	if strings.Contains(stderr, "\r") {
		t.Error("a bar where no terminal is")
	}
}

// opened is a migration between two data files that has read both.
func opened(t *testing.T, keys int) (m *migration, source, destination string) {
	t.Helper()
	source, destination = filepath.Join(t.TempDir(), "source.json"), filepath.Join(t.TempDir(), "destination.json")
	writeKeys(t, source, keys)
	m = &migration{p: &process{stdout: io.Discard, stderr: io.Discard}, log: slog.New(slog.DiscardHandler)}
	t.Cleanup(m.wipe)
	for path, s := range map[string]*side{source: &m.from, destination: &m.to} {
		conf, err := anyconf.Read(path, config.CurrentBase())
		if err != nil {
			t.Fatal(err)
		}
		s.conf = conf
	}
	if err := m.read(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if err := m.copy(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m, source, destination
}

func rewrite(t *testing.T, path, old, new string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte(old)) {
		t.Fatalf("%s has no %s", path, old)
	}
	if err := os.WriteFile(path, bytes.Replace(b, []byte(old), []byte(new), 1), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestMigrateVerifies(t *testing.T) {
	lastOfThree := strings.Repeat("0", 63) + "3"
	for name, c := range map[string]struct {
		atSource bool
		old, new string
		want     string
	}{
		"nothing happens":             {false, `"1.0"`, `"1.0"`, ""},
		"a byte differs":              {false, lastOfThree, lastOfThree[:63] + "4", "the destination does not have what was copied: 1 of 3 keys:\n  key-0002: the destination has another key of this name"},
		"a key is gone":               {false, "key-0001", "key-9999", "the destination does not have what was copied: 1 of 3 keys:\n  key-0001 of root@localhost: it is not there"},
		"a type differs":              {false, `"SECRET"`, `"RSA"`, "its type is RSA, not SECRET"},
		"the type is spelt otherwise": {false, `"SECRET"`, `"Secret"`, ""},
		"the destination is cut off":  {false, `]}`, ``, "the keys are copied, and could not be verified: file "},
		"the source changes":          {true, lastOfThree, lastOfThree[:63] + "4", "the source changed while it was copied: key-0002"},
		"the source has another key":  {true, "key-0001", "key-9999", "the source changed while it was copied: key-0001 of root@localhost, key-9999 of root@localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			m, source, destination := opened(t, 3)
			path := destination
			if c.atSource {
				path = source
			}
			rewrite(t, path, c.old, c.new)
			err := m.verify(t.Context())
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("verify: %v", err)
			}
		})
	}
}

func TestProgress(t *testing.T) {
	var out bytes.Buffer
	bar := &progress{w: &out, what: "copying"}
	for i := range 10_001 {
		bar.show(i, 10_000)
	}
	bar.end()
	bar.end()
	text := out.String()
	if !strings.HasPrefix(text, "\rcopying   ["+strings.Repeat(" ", 30)+"] 0/10000") ||
		!strings.Contains(text, "["+strings.Repeat("#", 30)+"] 10000/10000\r") || !strings.HasSuffix(text, " \r") {
		t.Errorf("%q", text)
	}
	if n := strings.Count(text, "copying"); n > 100 {
		t.Errorf("drawn %d times", n)
	}
	(*progress)(nil).show(1, 2)
	(*progress)(nil).end()
}
