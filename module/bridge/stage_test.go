package bridge_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/hostlog"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/module/bridge"
	"github.com/dbkeyring/dbkeyring/module/hosttest/testring"
)

// elsewhere is a second configuration directory with a word in its file.
func (x *host) elsewhere(word string) bridge.Request {
	x.t.Helper()
	dir := filepath.Join(x.t.TempDir(), "b")
	if err := os.Mkdir(dir, 0o700); err != nil {
		x.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, component+".cnf"), []byte(word), 0o600); err != nil {
		x.t.Fatal(err)
	}
	return bridge.Request{ComponentPath: dir}
}

func (x *host) stage(req bridge.Request) (string, bridge.Code) {
	x.t.Helper()
	return x.Stage(x.h, req)
}

func TestStageAndCommit(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	x.config("ok")
	x.load()
	id := keyring.ID{Name: "k"}
	x.want(x.Generate(x.h, id, "AES", 16), bridge.OK, "Generate")
	req := x.elsewhere("ok")
	reason, code := x.stage(req)
	x.want(code, bridge.OK, "Stage")
	if reason != "" {
		t.Errorf("reason %q", reason)
	}
	x.config("unreachable")
	x.want(x.Remove(x.h, id), bridge.Unreachable, "a call before the Commit")
	x.want(x.Commit(x.h, req.ComponentPath), bridge.OK, "Commit")
	x.want(x.Remove(x.h, id), bridge.OK, "a call after the Commit")
	x.want(x.Commit(x.h, req.ComponentPath), bridge.NotLoaded, "Commit again")
	x.want(x.Generate(x.h, id, "AES", 16), bridge.OK, "a call after that")
}

func TestStageRefuses(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	x.config("ok")
	x.load()
	for word, want := range map[string]bridge.Code{"nonsense": bridge.Invalid, "unreachable": bridge.Unreachable} {
		req := x.elsewhere(word)
		reason, code := x.stage(req)
		x.want(code, want, word)
		if !strings.Contains(reason, map[string]string{"nonsense": "no such word", "unreachable": "nobody listens"}[word]) {
			t.Errorf("%s: %q", word, reason)
		}
		if !x.logged("ERROR", "was not reloaded", reason) {
			t.Errorf("%s is not in the log", word)
		}
		x.want(x.Commit(x.h, req.ComponentPath), bridge.NotLoaded, "Commit of what was refused")
	}
	x.want(x.Generate(x.h, keyring.ID{Name: "k"}, "AES", 16), bridge.OK, "the old keyring")
}

// Commit is called with locks of the host held: it does not wait for the
// keyring that another session opens meanwhile.
func TestCommitDoesNotWait(t *testing.T) {
	opening, release := make(chan struct{}), make(chan struct{})
	ring := testring.New()
	x := newHost(t, func(req bridge.Request) (bridge.Config, error) {
		if filepath.Base(req.ComponentPath) == "slow" {
			close(opening)
			<-release
		}
		return ring.Configure(req)
	})
	ready := x.elsewhere("ok")
	_, code := x.stage(ready)
	x.want(code, bridge.OK, "Stage")
	slow := x.elsewhere("ok")
	if err := os.Rename(slow.ComponentPath, filepath.Join(filepath.Dir(slow.ComponentPath), "slow")); err != nil {
		t.Fatal(err)
	}
	slow.ComponentPath = filepath.Join(filepath.Dir(slow.ComponentPath), "slow")
	done := make(chan bridge.Code)
	go func() { _, code := x.Stage(x.h, slow); done <- code }()
	<-opening
	x.want(x.Commit(x.h, ready.ComponentPath), bridge.OK, "Commit beside a Stage")
	close(release)
	x.want(<-done, bridge.OK, "the slow Stage")
	x.want(x.Commit(x.h, slow.ComponentPath), bridge.OK, "its Commit")
}

// A background that still tries the old configuration ends with the Commit.
func TestCommitEndsTheRetries(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	x.config("unreachable")
	x.want(x.Load(x.h, bridge.Request{ComponentPath: x.dir}, false), bridge.Unreachable, "Load")
	req := x.elsewhere("ok")
	_, code := x.stage(req)
	x.want(code, bridge.OK, "Stage")
	x.want(x.Commit(x.h, req.ComponentPath), bridge.OK, "Commit")
	if !x.Ready(x.h) || !x.logged("WARN", "The keyring is available now") {
		t.Errorf("ready %v, log %q", x.Ready(x.h), x.log)
	}
}

// closings counts the keyrings that were closed.
type closings struct {
	keyring.Keyring
	n *int
}

func (c closings) Close() error { *c.n++; return nil }

func TestStagedKeyringsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		b := bridge.New(map[string]bridge.Dialect{component: opens(func() keyring.Keyring { return closings{n: &n} })})
		h, _ := b.Open(component, reload, func(hostlog.Line) {})
		stage := func(path string) {
			if _, code := b.Stage(h, bridge.Request{ComponentPath: path}); code != bridge.OK {
				t.Fatalf("Stage: %d", code)
			}
		}
		closed := func(want int, when string) {
			t.Helper()
			synctest.Wait()
			if n != want {
				t.Errorf("%d closed %s, not %d", n, when, want)
			}
		}
		stage("/a")
		stage("/a")
		closed(1, "when another took its place")
		stage("/b")
		b.Commit(h, "/b")
		time.Sleep(time.Minute + time.Second)
		closed(2, "after a minute")
		if code := b.Commit(h, "/a"); code != bridge.NotLoaded {
			t.Errorf("Commit after a minute: %d", code)
		}
		stage("/a")
		b.Close(h)
		closed(4, "at the end")
		if _, code := b.Stage(h, bridge.Request{}); code != bridge.Invalid {
			t.Errorf("Stage after Close: %d", code)
		}
		if code := b.Commit(h, "/a"); code != bridge.Invalid {
			t.Errorf("Commit after Close: %d", code)
		}
	})
}

func TestASecondKeyringIsTold(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	x.config("ok")
	x.load()
	second := func(req bridge.Request) {
		h, code := x.Open(component, reload, x.emit)
		x.want(code, bridge.OK, "Open")
		req.ComponentPath = x.dir
		x.Load(h, req, false)
		x.Load(h, req, false)
		x.Close(h)
	}
	told := func() (n int) {
		for _, line := range x.log {
			if strings.HasPrefix(line, "WARN "+component+" is loaded beside "+component) {
				n++
			}
		}
		return n
	}
	if second(bridge.Request{Several: true}); told() != 0 {
		t.Errorf("in a migration: %q", x.log)
	}
	if second(bridge.Request{}); told() != 1 {
		t.Errorf("told %d times", told())
	}
	x.load()
	if told() != 1 {
		t.Error("told of one that is gone")
	}
}
