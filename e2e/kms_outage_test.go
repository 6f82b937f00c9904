//go:build e2e

package e2e

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/internal/faultnet"
)

// kmsInTime ends what waits for a dead AWS KMS within the tests' limits.
func kmsInTime(c config) config {
	return c.with(config{"timeout_ms": timeoutMS, "start_timeout_ms": 1500})
}

// An AWS KMS that is frozen under a running MySQL, and a network that refuses,
// swallows, cuts or garbles.
func TestKMSFaults(t *testing.T) {
	t.Parallel()
	k := newKMS(t)
	net := faultnet.New(t, k.addr())
	set := func(m faultnet.Mode) func() { return func() { net.Set(m) } }
	m := newMySQL(t, "--skip-log-bin").useKMS(k)
	m.setKMS(kmsInTime(m.kmsConfig(urlOf(net.Addr()), k.newKey(region))))
	testFaults(t, m, []fault{
		{"frozen", k.freeze, k.thaw},
		{"refused", set(faultnet.Refuse()), set(faultnet.Pass())},
		{"swallowed", set(faultnet.Freeze()), set(faultnet.Pass())},
		{"cut", set(faultnet.CutAfter(10)), set(faultnet.Pass())},
		{"garbled", set(faultnet.Garbage()), set(faultnet.Pass())},
	})
	if n := len(k.readKMSFile(m.kmsFile())); n == 0 {
		t.Error("no key is in the file")
	}
}

// An AWS KMS that is down when MySQL starts: MySQL is up, says why it has no keys, and
// gets them when AWS KMS is back.
func TestKMSDownAtStart(t *testing.T) {
	t.Parallel()
	k := sharedKMS(t)
	net := faultnet.New(t, k.addr())
	m := newMySQL(t, "--skip-log-bin").useKMS(k)
	m.setKMS(kmsInTime(m.kmsConfig(urlOf(net.Addr()), k.newKey(region))))
	m.start().functions()
	for _, table := range []string{"e2e.t", "e2e.asked"} {
		m.exec("CREATE TABLE "+table+" (v INT) ENCRYPTION='Y'", "INSERT INTO "+table+" VALUES (42)")
	}
	m.want("1", "SELECT keyring_key_store('kept', 'SECRET', 'a secret')")
	m.stop()
	file := readFile(t, m.kmsFile())
	for name, c := range map[string]struct {
		mode    faultnet.Mode
		recover func()
	}{
		"by itself": {faultnet.Refuse(), func() {
			eventually(t, healLimit, "the keyring comes back by itself", func() (bool, string) {
				return m.status("Component_status") == "Active", tail(m.log())
			})
		}},
		"by RELOAD": {faultnet.Freeze(), func() { m.exec("ALTER INSTANCE RELOAD KEYRING") }},
	} {
		t.Log(name)
		net.Set(c.mode)
		m.start()
		m.logged(0, "[ERROR]", "The keyring is not available yet: ", "timeout_ms")
		if got := m.status("Component_status"); got != "Disabled" {
			t.Errorf("Component_status = %q with no AWS KMS", got)
		}
		m.want("NULL", "SELECT keyring_key_fetch('kept')")
		m.want("NULL", "SELECT keyring_key_generate('other', 'AES', 32)")
		if err := m.try("SELECT v FROM e2e.asked"); err == nil {
			t.Error("an encrypted table was readable without its key")
		}
		if err := m.try("ALTER INSTANCE RELOAD KEYRING"); err == nil {
			t.Error("RELOAD KEYRING worked with no AWS KMS")
		}
		if readFile(t, m.kmsFile()) != file {
			t.Error("the file was changed without AWS KMS")
		}
		net.Set(faultnet.Pass())
		c.recover()
		m.want("a secret", "SELECT keyring_key_fetch('kept')")
		m.want("42", "SELECT v FROM e2e.t")
		m.exec("ALTER INSTANCE ROTATE INNODB MASTER KEY")
		m.restart()
		m.want("42", "SELECT v FROM e2e.asked")
		m.want("42", "SELECT v FROM e2e.t")
		m.stop()
		file = readFile(t, m.kmsFile())
	}
}

// regions are several before one AWS KMS, each of which can be silent.
type regions struct {
	url  string
	mu   sync.Mutex
	down map[string]bool
}

func newRegions(t *testing.T, s *kmstest.Server) *regions {
	r := &regions{down: map[string]bool{}}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		for name := range r.silent() {
			if strings.Contains(q.Header.Get("Authorization"), "/"+name+"/kms/") {
				_, _ = io.Copy(io.Discard, q.Body) // so that it shows when the client goes
				<-q.Context().Done()
				return
			}
		}
		s.ServeHTTP(w, q)
	}))
	t.Cleanup(func() { h.CloseClientConnections(); h.Close() })
	r.url = h.URL
	return r
}

func (r *regions) silent() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.down)
}

func (r *regions) set(region string, down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.down, region)
	if down {
		r.down[region] = true
	}
}

// The format dbkeyring with KMS keys in two regions: while one region is out of order
// all keys are read through the other; a write wants both. Percona's component would
// not take the file for its own, and ours takes Percona's, and writes it anew.
func TestKMSTwoRegions(t *testing.T) {
	t.Parallel()
	s := kmstest.New(t)
	regions := newRegions(t, s)
	first, second := s.NewKey(region), s.NewKey(otherRegion)
	m := newMySQL(t, "--skip-log-bin")
	m.Env = append(m.Env, awsEnv...)
	c := m.kmsConfig(regions.url, first).with(config{"timeout_ms": timeoutMS, "start_timeout_ms": 10_000})
	m.useComponent(kmsComponent, c)
	m.start().functions()
	m.want("1", "SELECT keyring_key_store('kept', 'SECRET', 'a secret')")
	m.exec("CREATE TABLE e2e.t (v INT) ENCRYPTION='Y'", "INSERT INTO e2e.t VALUES (42)")
	kept := func() {
		t.Helper()
		m.want("a secret", "SELECT keyring_key_fetch('kept')")
		m.want("42", "SELECT v FROM e2e.t")
	}

	both := c.with(config{"kms_key": []string{first, second}, "format": "dbkeyring"})
	m.setKMS(both)
	m.exec("ALTER INSTANCE RELOAD KEYRING")
	before := len(m.log())
	m.want("1", "SELECT keyring_key_generate('made', 'AES', 32)")
	m.logged(before, `the format "dbkeyring"`)
	made := m.value("SELECT HEX(keyring_key_fetch('made'))")
	file := readFile(t, m.kmsFile())
	if strings.Contains(file, `"version":"1.0"`) || strings.Contains(file, `"data":"4`) || strings.Count(file, first) != 3 || strings.Count(file, second) != 3 {
		t.Errorf("the file:\n%s", file)
	}

	for arn, out := range map[string]string{first: region, second: otherRegion} {
		t.Log("without " + out)
		regions.set(out, true)
		m.restart()
		kept()
		m.want(made, "SELECT HEX(keyring_key_fetch('made'))")
		before = len(m.log())
		m.want("NULL", "SELECT keyring_key_generate('half', 'AES', 32)")
		m.logged(before, arn)
		regions.set(out, false)
	}
	m.want("1", "SELECT keyring_key_generate('half', 'AES', 32)")

	t.Log("a byte that is another one")
	m.stop()
	file = readFile(t, m.kmsFile())
	for at := 20; at < len(file); at += len(file) / 5 {
		damaged := []byte(file)
		damaged[at] ^= 1
		writeFile(t, m.kmsFile(), string(damaged), 0o640)
		m.start()
		if got := m.status("Component_status"); got != "Disabled" {
			t.Errorf("byte %d: Component_status = %q", at, got)
		}
		m.logged(0, "[ERROR]", m.kmsFile(), "damaged")
		m.want("NULL", "SELECT keyring_key_generate('other', 'AES', 32)")
		if readFile(t, m.kmsFile()) != string(damaged) {
			t.Errorf("byte %d: the damaged file was overwritten", at)
		}
		if at > len(file)/3 { // two by a start, the rest by RELOAD
			break
		}
		m.stop()
	}
	writeFile(t, m.kmsFile(), file, 0o640)
	m.exec("ALTER INSTANCE RELOAD KEYRING")
	kept()
	m.stop()
}
