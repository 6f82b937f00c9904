package bridge_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/dbkeyring/dbkeyring/internal/hostlog"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/module/bridge"
	"github.com/dbkeyring/dbkeyring/module/hosttest/testring"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	component = "component_keyring_kmip"
	reload    = "ALTER INSTANCE RELOAD KEYRING"
)

// host is a bridge with one open instance, its log and its configuration file.
type host struct {
	*bridge.Bridge
	t   *testing.T
	h   bridge.Handle
	dir string

	mu  sync.Mutex
	log []string
}

func newHost(t *testing.T, dialect bridge.Dialect) *host {
	t.Helper()
	x := &host{Bridge: bridge.New(map[string]bridge.Dialect{component: dialect}), t: t, dir: t.TempDir()}
	h, code := x.Open(component, reload, x.emit)
	if code != bridge.OK {
		t.Fatalf("Open: %d", code)
	}
	x.h = h
	t.Cleanup(func() { x.Close(h) })
	return x
}

func (x *host) emit(l hostlog.Line) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.log = append(x.log, l.Level.String()+" "+l.Text)
}

// logged says whether a line has all of the words.
func (x *host) logged(words ...string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, line := range x.log {
		ok := true
		for _, w := range words {
			ok = ok && strings.Contains(line, w)
		}
		if ok {
			return true
		}
	}
	return false
}

func (x *host) config(word string) {
	x.t.Helper()
	if err := os.WriteFile(filepath.Join(x.dir, component+".cnf"), []byte(word), 0o600); err != nil {
		x.t.Fatal(err)
	}
}

func (x *host) load() bridge.Code {
	return x.Load(x.h, bridge.Request{ComponentPath: x.dir, InstancePath: "/data/", FirstDir: "/start"}, false)
}

func (x *host) want(got, want bridge.Code, what string) {
	x.t.Helper()
	if got != want {
		x.t.Errorf("%s answered %d, want %d; log: %q", what, got, want, x.log)
	}
}

func (x *host) fetch(id keyring.ID) ([]byte, string, bridge.Code) {
	data, typ := make([]byte, keyring.MaxKeySize), make([]byte, 64)
	n, code := x.Fetch(x.h, id, data, typ)
	if code != bridge.OK {
		return nil, "", code
	}
	return data[:n.Data], string(typ[:n.Type]), code
}

func (x *host) pairs(s bridge.Handle, size int, code bridge.Code) [][2]string {
	x.t.Helper()
	x.want(code, bridge.OK, "snapshot")
	text := make([]byte, size)
	x.want(x.TakeSnapshot(s, text), bridge.OK, "TakeSnapshot")
	x.want(x.TakeSnapshot(s, text), bridge.Invalid, "a second TakeSnapshot")
	var out [][2]string
	fields := strings.Split(string(text), "\x00")
	for i := 0; i+2 < len(fields)+1 && i+1 < len(fields); i += 2 {
		out = append(out, [2]string{fields[i], fields[i+1]})
	}
	return out
}

func (x *host) status() map[string]string {
	x.t.Helper()
	m := map[string]string{}
	for _, p := range x.pairs(x.SnapshotStatus(x.h)) {
		m[p[0]] = p[1]
	}
	return m
}

func TestLifeOfAKey(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	x.config("ok")
	x.want(x.load(), bridge.OK, "Load")
	if !x.Ready(x.h) {
		t.Error("not ready after a load")
	}
	mine, other := keyring.ID{Name: "k", Owner: "u@h"}, keyring.ID{Name: "K"}

	_, _, code := x.fetch(mine)
	x.want(code, bridge.NotFound, "Fetch of an absent key")
	x.want(x.Store(x.h, mine, "Aes", []byte("0123456789abcdef")), bridge.OK, "Store")
	x.want(x.Store(x.h, mine, "AES", []byte("other")), bridge.Exists, "Store again")
	x.want(x.Generate(x.h, other, "SECRET", 100), bridge.OK, "Generate")

	data, typ, code := x.fetch(mine)
	if code != bridge.OK || string(data) != "0123456789abcdef" || typ != "Aes" {
		t.Errorf("Fetch: %d %q %q", code, data, typ)
	}
	if data, _, _ := x.fetch(other); len(data) != 100 || bytes.Equal(data, make([]byte, 100)) {
		t.Errorf("a generated key is %x", data)
	}
	if d := cmp.Diff([][2]string{{"K", ""}, {"k", "u@h"}}, x.pairs(x.SnapshotKeys(x.h))); d != "" {
		t.Error(d)
	}
	name := make([]byte, 64)
	n, code := x.NativeID(x.h, mine, name)
	if x.want(code, bridge.OK, "NativeID"); string(name[:n]) != "native-k" {
		t.Errorf("native id %q", name[:n])
	}
	x.want(x.Remove(x.h, mine), bridge.OK, "Remove")
	x.want(x.Remove(x.h, mine), bridge.NotFound, "Remove again")
}

func TestSmallBuffersStayUntouched(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	x.config("ok")
	x.load()
	id := keyring.ID{Name: "k"}
	x.want(x.Store(x.h, id, "AES", []byte("0123456789abcdef")), bridge.OK, "Store")
	for _, c := range []struct{ data, typ int }{{15, 3}, {16, 2}, {0, 0}} {
		data, typ := make([]byte, c.data), make([]byte, c.typ)
		n, code := x.Fetch(x.h, id, data, typ)
		x.want(code, bridge.TooSmall, "Fetch")
		if n != (bridge.Sizes{Data: 16, Type: 3}) || !bytes.Equal(data, make([]byte, c.data)) || !bytes.Equal(typ, make([]byte, c.typ)) {
			t.Errorf("%+v: %+v %q %q", c, n, data, typ)
		}
	}
	if _, code := x.Fetch(x.h, id, make([]byte, 16), make([]byte, 3)); code != bridge.OK {
		t.Errorf("buffers of the exact size: %d", code)
	}
	if n, code := x.NativeID(x.h, id, make([]byte, 3)); code != bridge.TooSmall || n != len("native-k") {
		t.Errorf("NativeID: %d %d", n, code)
	}
	s, size, _ := x.SnapshotKeys(x.h)
	x.want(x.TakeSnapshot(s, make([]byte, size-1)), bridge.TooSmall, "TakeSnapshot")
	x.want(x.TakeSnapshot(s, make([]byte, size)), bridge.Invalid, "TakeSnapshot of a forgotten one")
	if !x.Ready(x.h) || x.logged("ERROR") {
		t.Errorf("small buffers are no fault: %q", x.log)
	}
}

func TestRefused(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	x.config("ok")
	x.load()
	long := strings.Repeat("x", bridge.MaxNameSize+1)
	for _, c := range []struct {
		name string
		id   keyring.ID
		typ  string
		size int
		say  []string
	}{
		{"no id", keyring.ID{}, "AES", 16, []string{"the key id is empty"}},
		{"everything", keyring.ID{Name: long, Owner: long}, "", 16385, []string{"id has 256 bytes", "owner has 256 bytes", "type is empty", "not 16385"}},
		{"no bytes", keyring.ID{Name: "k"}, "AES", 0, []string{"1 to 16384 bytes, not 0"}},
	} {
		x.want(x.Store(x.h, c.id, c.typ, make([]byte, c.size)), bridge.Invalid, c.name)
		x.want(x.Generate(x.h, c.id, c.typ, c.size), bridge.Invalid, c.name)
		if !x.logged(append(c.say, "ERROR", "store")...) || !x.logged(append(c.say, "ERROR", "generate")...) {
			t.Errorf("%s: log %q", c.name, x.log)
		}
	}
	longest := keyring.ID{Name: long[1:], Owner: long[1:]}
	x.want(x.Store(x.h, longest, "AES", make([]byte, 16384)), bridge.OK, "the longest of all")
	x.want(x.Remove(x.h, keyring.ID{}), bridge.Invalid, "Remove of no id")
}

func TestHandles(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	if _, code := x.Open("component_keyring_other", reload, x.emit); code != bridge.Invalid {
		t.Errorf("an unknown component: %d", code)
	}
	x.config("ok")
	id := keyring.ID{Name: "k"}
	x.want(x.Generate(x.h, id, "AES", 16), bridge.NotLoaded, "a call before Load")
	x.load()
	x.want(x.Close(x.h), bridge.OK, "Close")
	x.want(x.Close(x.h), bridge.Invalid, "Close again")
	x.want(x.load(), bridge.Invalid, "Load after Close")
	_, _, code := x.fetch(id)
	x.want(code, bridge.Invalid, "Fetch after Close")
	if x.Ready(x.h) {
		t.Error("ready after Close")
	}
}

func TestReloadSwapsOnlyOnSuccess(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	x.config("ok")
	x.load()
	id := keyring.ID{Name: "k"}
	x.want(x.Generate(x.h, id, "AES", 16), bridge.OK, "Generate")
	before := x.status()

	x.config("wrong")
	x.want(x.load(), bridge.Invalid, "a reload of a wrong configuration")
	if !x.Ready(x.h) || !x.logged("ERROR", "not reloaded", "no such word") {
		t.Errorf("after a failed reload: ready %v, log %q", x.Ready(x.h), x.log)
	}
	if d := cmp.Diff(before, x.status()); d != "" {
		t.Error("status after a failed reload:\n" + d)
	}
	x.config("ok")
	if _, _, code := x.fetch(id); code != bridge.OK {
		t.Errorf("the old state answers %d", code)
	}
	x.want(x.load(), bridge.OK, "a good reload")
	if _, _, code := x.fetch(id); code != bridge.OK {
		t.Errorf("the new state answers %d", code)
	}
}

func TestFirstLoadFailsThenReload(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	x.want(x.load(), bridge.Invalid, "a load without a configuration")
	if !x.logged("ERROR", "not available", "RELOAD KEYRING") {
		t.Errorf("log: %q", x.log)
	}
	if _, _, code := x.fetch(keyring.ID{Name: "k"}); code != bridge.NotLoaded {
		t.Errorf("Fetch: %d", code)
	}
	if s := x.status(); s["Component_status"] != "Disabled" {
		t.Errorf("status %v", s)
	}
	x.config("ok")
	x.want(x.load(), bridge.OK, "Load after the cure")
	if !x.logged("WARN", "stay closed until it is restarted") {
		t.Errorf("log: %q", x.log)
	}
	if s := x.status(); s["Component_status"] != "Active" || !x.Ready(x.h) {
		t.Errorf("status %v", s)
	}
}

func TestHealsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newHost(t, testring.New().Configure)
		defer x.Close(x.h) // before the bubble ends
		x.config("unreachable")
		x.want(x.load(), bridge.Unreachable, "Load")
		time.Sleep(time.Minute)
		synctest.Wait()
		if x.Ready(x.h) {
			t.Fatal("ready without a server")
		}
		x.config("ok")
		time.Sleep(11 * time.Second) // longer than the longest interval
		synctest.Wait()
		if !x.Ready(x.h) {
			t.Fatalf("not healed; log %q", x.log)
		}
		x.want(x.Generate(x.h, keyring.ID{Name: "k"}, "AES", 16), bridge.OK, "Generate")
		if !x.logged("WARN", "available now") {
			t.Errorf("log %q", x.log)
		}
		told := 0
		for _, l := range x.log {
			if strings.Contains(l, "not available") {
				told++
			}
		}
		if told != 1 {
			t.Errorf("the same cause was logged %d times", told)
		}
	})
}

// A server that refuses is asked again too, at the slower pace: what is wrong is mended
// there, and nobody there thinks of this host.
func TestRefusalHealsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var opened atomic.Int32
		var err atomic.Pointer[error]
		fail := func(e error) { err.Store(&e) }
		fail(keyring.E("open", keyring.ID{}, keyring.ErrDenied, errors.New("not permitted")))
		x := newHost(t, func(bridge.Request) (bridge.Config, error) {
			return bridge.Config{Open: func(context.Context) (keyring.Keyring, error) { opened.Add(1); return &faulty{}, *err.Load() }}, nil
		})
		defer x.Close(x.h)
		x.want(x.load(), bridge.Denied, "Load")
		time.Sleep(10 * time.Minute)
		if synctest.Wait(); opened.Load() < 10 || opened.Load() > 30 {
			t.Errorf("opened %d times in 10 minutes", opened.Load())
		}
		fail(keyring.E("open", keyring.ID{}, keyring.ErrInactive, errors.New("disabled")))
		time.Sleep(time.Minute)
		fail(nil)
		time.Sleep(time.Minute)
		if synctest.Wait(); !x.Ready(x.h) {
			t.Errorf("not healed; log %q", x.log)
		}
		if !x.logged("not available yet: not permitted") || !x.logged("still not available: disabled") {
			t.Errorf("log %q", x.log)
		}
	})
}

func TestWrongConfigurationIsNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newHost(t, testring.New().Configure)
		defer x.Close(x.h)
		x.config("wrong")
		x.want(x.load(), bridge.Invalid, "Load")
		x.config("ok")
		time.Sleep(time.Minute)
		if synctest.Wait(); x.Ready(x.h) {
			t.Error("a wrong configuration was tried again behind the user's back")
		}
	})
}

func TestCloseStopsTheRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newHost(t, testring.New().Configure)
		x.config("unreachable")
		x.load()
		x.want(x.Close(x.h), bridge.OK, "Close") // the bubble fails if a goroutine stays
	})
}

func TestQuickAndOffline(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	x.config("frozen")
	start := time.Now()
	x.want(x.Load(x.h, bridge.Request{ComponentPath: x.dir, Quick: true}, false), bridge.Unreachable, "Load")
	if d := time.Since(start); d > 1900*time.Millisecond {
		t.Errorf("a quick load took %v", d)
	}
	x.want(x.Load(x.h, bridge.Request{ComponentPath: x.dir}, true), bridge.OK, "an offline load")
	if x.Ready(x.h) {
		t.Error("ready after an offline load")
	}
	if s := x.status(); s["Config_file"] == "" || s["Component_status"] != "Disabled" {
		t.Errorf("status %v", s)
	}
}

func TestOutageIsNeverAbsence(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	x.config("ok")
	x.load()
	x.config("unreachable")
	_, _, code := x.fetch(keyring.ID{Name: "nothing"})
	x.want(code, bridge.Unreachable, "Fetch")
	_, _, code = x.SnapshotKeys(x.h)
	x.want(code, bridge.Unreachable, "SnapshotKeys")
	if !x.logged("ERROR", "Could not fetch key 'nothing'", "nobody listens") {
		t.Errorf("log %q", x.log)
	}
}

func TestStatusRows(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	x.config("ok")
	x.Load(x.h, bridge.Request{ComponentPath: x.dir, FirstDir: "/start"}, false)
	want := [][2]string{
		{"Component_name", component}, {"Author", "dbkeyring"}, {"License", "Apache-2.0"},
		{"Implementation_name", component}, {"Version", "1.0"}, {"Component_status", "Active"},
		{"Config_file", filepath.Join(x.dir, component+".cnf")}, {"Instance_path", "<NONE>"}, {"First_dir", "/start"},
	}
	if d := cmp.Diff(want, x.pairs(x.SnapshotStatus(x.h))); d != "" {
		t.Error(d)
	}
}

// faulty panics, or hangs until its context ends, where the test says.
type faulty struct {
	keyring.Keyring
	fetch func(context.Context) error
	close func()
}

func (f *faulty) Fetch(ctx context.Context, id keyring.ID) (keyring.Key, error) {
	return keyring.Key{}, f.fetch(ctx)
}

func (f *faulty) Close() error {
	if f.close != nil {
		f.close()
	}
	return nil
}

// opens is a dialect without a configuration.
func opens(open func() keyring.Keyring) bridge.Dialect {
	return func(bridge.Request) (bridge.Config, error) {
		return bridge.Config{Open: func(context.Context) (keyring.Keyring, error) { return open(), nil }}, nil
	}
}

func TestPanicBreaksTheStateAndReloadCures(t *testing.T) {
	secretText := "key bytes 00ff"
	cause := func(context.Context) error { var m map[string]int; m["x"] = 1; return nil }
	x := newHost(t, opens(func() keyring.Keyring { return &faulty{fetch: cause} }))
	for _, c := range []struct {
		name  string
		panic func(context.Context) error
		say   string
	}{
		{"runtime error", cause, "assignment to entry in nil map"},
		{"a value", func(context.Context) error { panic(secretText) }, "panic with a string"},
		{"nil", func(context.Context) error { panic(nil) }, "panic called with nil argument"},
	} {
		cause = c.panic
		x.want(x.load(), bridge.OK, "Load")
		_, _, code := x.fetch(keyring.ID{Name: "k"})
		x.want(code, bridge.Broken, c.name)
		x.want(x.Remove(x.h, keyring.ID{Name: "k"}), bridge.Broken, "the next call")
		if x.Ready(x.h) || x.status()["Component_status"] != "Disabled" {
			t.Error("still ready after a panic")
		}
		if !x.logged("ERROR", c.say, "(*faulty).Fetch") {
			t.Errorf("%s: log %q", c.name, x.log)
		}
	}
	if x.logged(secretText) {
		t.Error("the value of a panic is in the log")
	}
}

func TestPanicInALoad(t *testing.T) {
	for name, dialect := range map[string]bridge.Dialect{
		"dialect": func(bridge.Request) (bridge.Config, error) { panic("x") },
		"open":    opens(func() keyring.Keyring { panic("x") }),
	} {
		x := newHost(t, dialect)
		x.want(x.load(), bridge.Broken, name)
		if x.Ready(x.h) || !x.logged("ERROR", "panic with a string") {
			t.Errorf("%s: ready %v, log %q", name, x.Ready(x.h), x.log)
		}
	}
}

func TestPanicInABackgroundClose(t *testing.T) {
	x := newHost(t, opens(func() keyring.Keyring { return &faulty{close: func() { panic("x") }} }))
	x.load()
	x.want(x.Close(x.h), bridge.OK, "Close")
}

func TestCallsHaveADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newHost(t, func(r bridge.Request) (bridge.Config, error) {
			c, err := opens(func() keyring.Keyring {
				return &faulty{fetch: func(ctx context.Context) error {
					<-ctx.Done()
					return keyring.E("fetch", keyring.ID{}, keyring.ErrUnreachable, ctx.Err())
				}}
			})(r)
			c.CallTimeout = 3 * time.Second
			return c, err
		})
		defer x.Close(x.h)
		x.load()
		start := time.Now()
		_, _, code := x.fetch(keyring.ID{Name: "k"})
		x.want(code, bridge.Unreachable, "Fetch")
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("the call took %v", d)
		}
	})
}

// A reload must not close a keyring that a call is still using, nor wait for it.
func TestReloadLeavesCallsInFlightAlone(t *testing.T) {
	release, started, closed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	f := &faulty{
		fetch: func(context.Context) error {
			close(started)
			<-release
			select {
			case <-closed:
				return errors.New("closed under the call")
			default:
				return keyring.E("fetch", keyring.ID{}, keyring.ErrNotFound, nil)
			}
		},
		close: func() { close(closed) },
	}
	first := true
	x := newHost(t, opens(func() keyring.Keyring {
		if first {
			first = false
			return f
		}
		return &faulty{}
	}))
	x.load()
	done := make(chan bridge.Code)
	go func() {
		_, _, code := x.fetch(keyring.ID{Name: "k"})
		done <- code
	}()
	<-started
	x.want(x.load(), bridge.OK, "a reload meanwhile")
	close(release)
	x.want(<-done, bridge.NotFound, "the call in flight")
	<-closed
}

func TestManyThreads(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	x.config("ok")
	x.load()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 50 {
				id := keyring.ID{Name: fmt.Sprint("k", w, "-", i)}
				x.want(x.Generate(x.h, id, "AES", 32), bridge.OK, "Generate")
				if data, _, code := x.fetch(id); code != bridge.OK || len(data) != 32 {
					t.Errorf("fetch: %d, %d bytes", code, len(data))
				}
				if i%10 == 0 {
					x.want(x.load(), bridge.OK, "Load")
					x.pairs(x.SnapshotKeys(x.h))
					x.status()
				}
				x.want(x.Remove(x.h, id), bridge.OK, "Remove")
			}
		})
	}
	wg.Wait()
}

// The secrets of a configuration are wiped once, when nothing is to be opened
// with them any more.
func TestConfigIsWiped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wiped atomic.Int32
		var err error
		x := newHost(t, func(bridge.Request) (bridge.Config, error) {
			return bridge.Config{
				Open: func(context.Context) (keyring.Keyring, error) { return &faulty{}, err },
				Wipe: func() { wiped.Add(1) },
			}, nil
		})
		defer x.Close(x.h)
		for _, c := range []struct {
			err   error
			after int32
		}{{keyring.ErrUnreachable, 0}, {keyring.ErrDenied, 1}, {keyring.ErrUnreachable, 2}, {nil, 4}, {keyring.ErrUnreachable, 5}} {
			err = c.err
			x.load()
			if synctest.Wait(); wiped.Load() != c.after {
				t.Errorf("after a load with %v it was wiped %d times, want %d", c.err, wiped.Load(), c.after)
			}
		}
	})
}

func TestLogLevels(t *testing.T) {
	x := newHost(t, func(r bridge.Request) (bridge.Config, error) {
		r.Log.Debug("quiet")
		r.Log.Log(context.Background(), slog.LevelInfo, "said")
		return opens(func() keyring.Keyring { return &faulty{} })(r)
	})
	x.load()
	if d := cmp.Diff([]string{"INFO said"}, x.log); d != "" {
		t.Error(d)
	}
}
