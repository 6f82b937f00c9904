package masterkey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/faultfs"
	"github.com/dbkeyring/dbkeyring/keyring"
)

func TestRotateTable(t *testing.T) {
	for name, c := range map[string]struct {
		stored   string
		provider string
		id       string
		inactive bool
		setup    func(*fake)
		uses     string
		want     string
	}{
		"to a new key":                         {"a", KMIP, "", false, nil, "5", ""},
		"to a key that is named":               {"a", KMIP, "b", false, nil, "b", ""},
		"to the same":                          {"a", KMIP, "a", false, nil, "", "is the key that is in use"},
		"to a Pre-Active key":                  {"a", KMIP, "pre", false, nil, "", "is Pre-Active"},
		"to a Pre-Active key, not activating":  {"a", KMIP, "pre", true, nil, "pre", ""},
		"to one that is absent":                {"a", KMIP, "none", false, nil, "", "is absent"},
		"from one that was revoked":            {"a", KMIP, "", false, func(f *fake) { f.keys["a"].state = Compromised }, "5", ""},
		"from one that is absent":              {"a", KMIP, "", false, func(f *fake) { delete(f.keys, "a") }, "", "is absent"},
		"without a store":                      {"", KMIP, "", false, nil, "", "there is no key store"},
		"to another provider without a move":   {"a", AWSKMS, "", false, nil, "", "Move the master key first"},
		"of a key file":                        {"", KeyFile, "", false, nil, "", "there is no key store"},
		"while the key server is down":         {"a", KMIP, "", false, func(f *fake) { f.down = keyring.E("read", keyring.ID{}, keyring.ErrUnreachable, nil) }, "", "cannot be reached"},
		"while the key server refuses new one": {"a", KMIP, "", false, func(f *fake) { f.failing = "create" }, "", "not permitted"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(KMIP)
			for _, id := range []string{"a", "b", "file"} {
				f.put(id, Active)
			}
			f.put("pre", PreActive)
			o := options(t, t.TempDir(), f)
			var key []byte
			if c.stored != "" {
				o.KeyIdentifier = c.stored
				s := mustOpen(t, o)
				key = theKey(t, s, "sys")
				s.Close()
			}
			f.name = c.provider
			if c.setup != nil {
				c.setup(f)
			}
			path := filepath.Join(o.Dir, FileName)
			o.KeyIdentifier, o.Activate = c.id, !c.inactive
			old, fresh, err := Rotate(t.Context(), Rotation{Options: o})
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("%v", err)
				}
				if c.stored == "" || f.name != KMIP || f.down != nil || f.keys["a"] == nil {
					return
				}
				f.failing, o.KeyIdentifier = "", ""
				if s := mustOpen(t, o); !bytes.Equal(theKey(t, s, "sys"), key) || s.Master().ID != "a" {
					t.Error("the store is not as it was")
				}
				return
			}
			if err != nil || old.ID != c.stored || fresh.ID != c.uses {
				t.Fatalf("%v, %v, %v", old, fresh, err)
			}
			o.KeyIdentifier = ""
			s := mustOpen(t, o)
			if !bytes.Equal(theKey(t, s, "sys"), key) || s.Master().ID != c.uses {
				t.Errorf("%+v", s.Master())
			}
			s.Close()
			// The store of before is beside it, for a backup that needs it.
			kept, err := filepath.Glob(path + ".*")
			if err != nil || len(kept) != 1 {
				t.Fatalf("%v, %v", kept, err)
			}
			text, err := os.ReadFile(kept[0])
			if err == nil {
				err = os.WriteFile(path, text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			f.keys["a"].state = Active
			if s := mustOpen(t, o); !bytes.Equal(theKey(t, s, "sys"), key) || s.Master().ID != "a" {
				t.Errorf("the old store: %+v", s.Master())
			}
		})
	}
}

// The master key moves between providers, and the data keys stay.
func TestMove(t *testing.T) {
	providers := map[string]*fake{KMIP: newFake(KMIP), KeyFile: newFake(KeyFile), AWSKMS: newFake(AWSKMS)}
	providers[KeyFile].put("file", Active)
	o := options(t, t.TempDir(), providers[KMIP])
	s := mustOpen(t, o)
	key := theKey(t, s, "sys")
	s.Close()
	at := KMIP
	for _, to := range []string{AWSKMS, KeyFile, AWSKMS, KMIP, KeyFile, KMIP, KMIP} {
		o.Provider = providers[to]
		if _, fresh, err := Rotate(t.Context(), Rotation{Options: o, From: providers[at]}); err != nil || fresh.Provider != to {
			t.Fatalf("%s to %s: %v, %v", at, to, fresh, err)
		}
		s := mustOpen(t, o)
		if got := s.Master(); got.Provider != to || !bytes.Equal(theKey(t, s, "sys"), key) {
			t.Fatalf("%s to %s: %+v", at, to, got)
		}
		s.Close()
		at = to
	}
}

// Each file operation of a first start, of making a data key and of a rotation fails, or
// is the last one before a power cut; each call of the key server fails, or its answer is
// lost. Afterwards the data keys are what they were, and no key on the key server is
// unknown here: the next attempt works, and makes one key at most.
func TestCrashes(t *testing.T) {
	points := 0
	for _, c := range []struct {
		name  string
		setup func(*testing.T, Options)
		do    func(Options) error
	}{
		{"first start", func(*testing.T, Options) {}, func(o Options) error {
			s, err := Open(t.Context(), o)
			if err == nil {
				s.Close()
			}
			return err
		}},
		{"data key", first, func(o Options) error {
			s, err := Open(t.Context(), o)
			if err != nil {
				return err
			}
			defer s.Close()
			_, err = s.DataKeys("db", true)
			return err
		}},
		{"rotation", first, func(o Options) error {
			_, _, err := Rotate(t.Context(), Rotation{Options: o})
			return err
		}},
	} {
		fault := func(what string, arm func(*faultfs.FS, *fake, int), restart func(*faultfs.FS), hit func(*faultfs.FS, *fake) bool) {
			for n := 1; ; n++ {
				f := newFake(KMIP)
				o := options(t, t.TempDir(), f)
				c.setup(t, o)
				before := len(f.keys)
				var sys []byte
				if before > 0 {
					sys = peek(t, o)
				}
				disk := faultfs.New()
				o.FS = disk
				arm(disk, f, n)
				err := c.do(o)
				if !hit(disk, f) {
					if err != nil {
						t.Fatalf("%s, %s %d: without a fault: %v", c.name, what, n, err)
					}
					return
				}
				points++
				restart(disk)
				f.failing, f.lost, f.down = "", false, nil
				o.FS = nil
				if again := c.do(o); again != nil {
					t.Fatalf("%s, %s %d (%v): the next attempt: %v", c.name, what, n, err, again)
				}
				if sys != nil && !bytes.Equal(peek(t, o), sys) {
					t.Fatalf("%s, %s %d (%v): another data key", c.name, what, n, err)
				}
				made := len(f.keys) - before
				if most := map[string]int{"first start": 1, "data key": 0, "rotation": 2}[c.name]; made > most || c.name == "rotation" && err != nil && made > 1 && peekMaster(t, o) != fmt.Sprint(len(f.keys)) {
					t.Fatalf("%s, %s %d (%v): %d master keys were made", c.name, what, n, err, made)
				}
			}
		}
		for _, left := range faultfs.Outcomes {
			fault(fmt.Sprint("power cut, ", left), func(d *faultfs.FS, _ *fake, n int) { d.CutAt(n) }, func(d *faultfs.FS) { d.Restart(left) }, func(d *faultfs.FS, _ *fake) bool { return d.Hit() })
		}
		fault("no room", func(d *faultfs.FS, _ *fake, n int) { d.FailAt(n, syscall.ENOSPC) }, func(*faultfs.FS) {}, func(d *faultfs.FS, _ *fake) bool { return d.Hit() })
		calls := []string{"create", "activate", "state", "read"}
		fault("call", func(_ *faultfs.FS, f *fake, n int) {
			if n <= len(calls) {
				f.failing = calls[n-1]
			}
		}, func(*faultfs.FS) {}, func(_ *faultfs.FS, f *fake) bool { return f.failing != "" })
	}
	if points < 200 {
		t.Errorf("%d crash points only", points)
	}
	t.Logf("%d crash points", points)
}

// first makes a store with a data key.
func first(t *testing.T, o Options) {
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	theKey(t, s, "sys")
}

func peek(t *testing.T, o Options) []byte {
	t.Helper()
	o.New = false
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return theKey(t, s, "sys")
}

func peekMaster(t *testing.T, o Options) string {
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return s.Master().ID
}

// TestPoll is the key state polling of the document.
func TestPoll(t *testing.T) {
	unreachable := keyring.E("state", keyring.ID{}, keyring.ErrUnreachable, errors.New("nobody listens"))
	type step struct {
		after time.Duration
		do    func(*fake)
	}
	for name, c := range map[string]struct {
		steps []step
		gone  time.Duration // 0: never, within an hour
		why   string
		lines int // of the log, at the least
	}{
		"Active":      {nil, 0, "", 0},
		"unreachable": {[]step{{0, func(f *fake) { f.down = unreachable }}}, 0, "", 3},
		"revoked":     {[]step{{20 * time.Minute, func(f *fake) { f.keys["a"].state = Compromised }}}, 30*time.Minute + 55*time.Second, "is not Active but Compromised", 3},
		"destroyed":   {[]step{{0, func(f *fake) { delete(f.keys, "a") }}}, 15*time.Minute + 55*time.Second, "is absent", 3},
		"a standby that is behind": {[]step{{14 * time.Minute, func(f *fake) { f.keys["a"].state = PreActive }},
			{15*time.Minute + 20*time.Second, func(f *fake) { f.keys["a"].state = Active }}}, 0, "", 2},
		"unreachable after a bad answer": {[]step{{14 * time.Minute, func(f *fake) { f.keys["a"].state = PreActive }},
			{15*time.Minute + 20*time.Second, func(f *fake) { f.down = unreachable }}}, 0, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(KMIP)
				f.put("a", Active)
				var log bytes.Buffer
				start := time.Now()
				var gone time.Duration
				var why string
				p := Poll{Provider: f, Ref: Ref{Provider: KMIP, ID: "a"}, Period: 15 * time.Minute, Log: slog.New(slog.NewTextHandler(&log, nil)),
					Gone: func(reason string) { gone, why = time.Since(start), reason }}
				done := make(chan struct{})
				ctx, cancel := context.WithCancel(t.Context())
				go func() { defer close(done); p.Run(ctx) }()
				for _, s := range c.steps {
					go func() {
						time.Sleep(s.after)
						f.mu.Lock()
						defer f.mu.Unlock()
						s.do(f)
					}()
				}
				time.Sleep(time.Hour - time.Second)
				cancel()
				<-done
				if gone != c.gone || !strings.Contains(why, c.why) {
					t.Errorf("gone after %v: %s\n%s", gone, why, log.String())
				}
				if n := strings.Count(log.String(), "\n"); n < c.lines || n > c.lines+3 {
					t.Errorf("%d lines:\n%s", n, log.String())
				}
			})
		})
	}
}
