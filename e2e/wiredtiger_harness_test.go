//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// wtHost is testdata/wt_host.c, compiled once.
var wtHost = sync.OnceValues(func() (string, error) {
	path := filepath.Join(suite.dir, "wt_host")
	out, err := exec.Command("gcc", "-O1", "-Wall", "-Werror", "-o", path, filepath.Join(suite.root, "e2e/testdata/wt_host.c"), "-lwiredtiger", "-lpthread").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return path, err
})

// node is a database on WiredTiger, with a mongod.conf.
type node struct {
	t       testing.TB
	dir     string // db, mongod.conf
	options string // of mongod.conf, below the sections
	Env     []string
}

// newNode makes an empty one with options of the section "security".
func newNode(t testing.TB, security string) *node {
	t.Helper()
	if _, err := exec.LookPath("wt"); err != nil {
		missing(t, "WiredTiger", "apt-get install wiredtiger libwiredtiger-dev.")
	}
	n := &node{t: t, dir: tempDir(t)}
	if err := os.Mkdir(n.home(), 0o700); err != nil {
		t.Fatal(err)
	}
	n.configure(security)
	return n
}

func (n *node) home() string { return filepath.Join(n.dir, "db") }
func (n *node) conf() string { return filepath.Join(n.dir, "mongod.conf") }

// configure writes mongod.conf.
func (n *node) configure(security string) {
	n.t.Helper()
	writeFile(n.t, n.conf(), "storage:\n  dbPath: "+n.home()+"\nsecurity:\n  enableEncryption: true\n"+security, 0o600)
}

// kmipOptions are the section of a client of a key server.
func (s *keyServer) kmipOptions(more ...string) string {
	pem := filepath.Join(s.dir, "node.pem")
	cert, _ := s.Config["client_ca"].(string)
	key, _ := s.Config["client_key"].(string)
	writeFile(s.t, pem, readFile(s.t, key)+readFile(s.t, cert), 0o600)
	text := fmt.Sprintf("  kmip:\n    serverName: 127.0.0.1\n    port: %d\n    clientCertificateFile: %s\n    serverCAFile: %v\n    connectTimeoutMS: 2000\n", s.port, pem, s.Config["server_ca"])
	for _, line := range more {
		text += "    " + line + "\n"
	}
	return text
}

// open is wiredtiger_open's configuration.
func (n *node) open(keyid string) string {
	return fmt.Sprintf(`create,log=(enabled,file_max=1MB),cache_size=64MB,config_base=false,extensions=[%s={entry=dbkeyring_wt_3_2,early_load=true,config={path="%s"}}],encryption=(name=dbkeyring,keyid="%s")`,
		filepath.Join(suite.root, "build/lib/dbkeyring_wiredtiger.so"), n.conf(), keyid)
}

// host runs the program, and wants an error that says want, or none.
func (n *node) host(want string, args ...string) string {
	n.t.Helper()
	path, err := wtHost()
	if err != nil {
		n.t.Fatal(err)
	}
	out, err := command(n.t, 2*time.Minute, path, append([]string{n.home(), n.open("system")}, args...)...)
	if (err == nil) != (want == "") || !strings.Contains(out, want) {
		n.t.Fatalf("%v: %v, want %q:\n%s", args, err, want, tail(out))
	}
	return out
}

func (n *node) fill(table, create string, from, rows int) {
	n.t.Helper()
	n.host("", "fill", table, create, fmt.Sprint(from), fmt.Sprint(rows))
}

func (n *node) read(table string, rows int) {
	n.t.Helper()
	n.host("", "read", table, fmt.Sprint(rows))
}

// refused wants the database not to open, with a message, and without harm.
func (n *node) refused(messages ...string) {
	n.t.Helper()
	out := n.host("Operation not permitted", "read", "t", "1")
	for _, m := range messages {
		if !strings.Contains(out, m) {
			n.t.Errorf("the message lacks %q:\n%s", m, out)
		}
	}
	if strings.Contains(out, "salvage") {
		n.t.Errorf("it speaks of salvage:\n%s", out)
	}
}

// mongod runs `dbkeyring mongod` with a program in the place of mongod.
func (n *node) mongod(args ...string) (string, error) {
	n.t.Helper()
	fake := filepath.Join(n.dir, "mongod")
	writeFile(n.t, fake, "#!/bin/sh\n[ \"$1\" = --version ] && echo 'db version v4.2.24' && exit\nprintf '%s\\n' \"$@\"\n", 0o755)
	return command(n.t, time.Minute, dbkeyringPath(n.t), append([]string{"mongod", "--mongod=" + fake, "--config", n.conf()}, args...)...)
}

// onDisk counts a text in the files of the database.
func (n *node) onDisk(text string) (count int) {
	n.t.Helper()
	err := filepath.WalkDir(n.home(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			count += strings.Count(readFile(n.t, path), text)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		n.t.Fatal(err)
	}
	return count
}

// headers are those of the blocks on disk: format, tag, salt, number.
func (n *node) headers() map[string]int {
	n.t.Helper()
	tags := regexp.MustCompile(`"tag": "([0-9a-f]{8})"`).FindAllStringSubmatch(readFile(n.t, filepath.Join(n.home(), "dbkeyring/keystore")), -1)
	all := map[string]int{}
	files, err := filepath.Glob(filepath.Join(n.home(), "*"))
	if err != nil {
		n.t.Fatal(err)
	}
	for _, tag := range tags {
		var start [5]byte
		start[0] = 1
		fmt.Sscanf(tag[1], "%02x%02x%02x%02x", &start[1], &start[2], &start[3], &start[4])
		for _, file := range files {
			if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
				continue
			}
			text := readFile(n.t, file)
			for at := strings.Index(text, string(start[:])); at >= 0; {
				if at+29 <= len(text) {
					all[text[at:at+29]]++
				}
				next := strings.Index(text[at+1:], string(start[:]))
				if next < 0 {
					break
				}
				at += 1 + next
			}
		}
	}
	return all
}
