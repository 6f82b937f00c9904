package kmip_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/masterkey"
	"github.com/dbkeyring/dbkeyring/secret"
)

// A key is not Active, or not there, if all servers that answer say so.
func TestServersThatDiffer(t *testing.T) {
	const (
		absent = kmip.State(0)
		denied = kmip.State(100) // by a server that refuses to answer
		down   = kmip.State(101)
	)
	for name, c := range map[string]struct {
		states []kmip.State
		want   masterkey.State
		kind   error
	}{
		"both Active":               {[]kmip.State{kmip.StateActive, kmip.StateActive}, masterkey.Active, nil},
		"the first lags behind":     {[]kmip.State{kmip.StatePreActive, kmip.StateActive}, masterkey.Active, nil},
		"a standby without":         {[]kmip.State{absent, absent, kmip.StateActive}, masterkey.Active, nil},
		"revoked on both":           {[]kmip.State{kmip.StateCompromised, kmip.StateCompromised}, masterkey.Compromised, nil},
		"revoked, and not there":    {[]kmip.State{kmip.StateDeactivated, absent}, masterkey.Deactivated, nil},
		"not there, and revoked":    {[]kmip.State{absent, kmip.StateActive, kmip.StateDeactivated}, masterkey.Active, nil},
		"revoked, the other down":   {[]kmip.State{kmip.StateDeactivated, down}, masterkey.Deactivated, nil},
		"revoked, the other denies": {[]kmip.State{kmip.StateDeactivated, denied}, masterkey.Deactivated, nil},
		"nowhere":                   {[]kmip.State{absent, absent, absent}, "", keyring.ErrNotFound},
		"nowhere, one down":         {[]kmip.State{absent, down}, "", keyring.ErrUnreachable},
		"nowhere, the first down":   {[]kmip.State{down, absent}, "", keyring.ErrUnreachable},
		"not there, another denies": {[]kmip.State{absent, denied}, "", keyring.ErrDenied},
		"the first down":            {[]kmip.State{down, kmip.StateActive}, masterkey.Active, nil},
		"all down":                  {[]kmip.State{down, down}, "", keyring.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, keepers := fakes(t, len(c.states))
			for i, state := range c.states {
				switch state {
				case absent:
				case down:
					o.Servers[i] = closedPort(t)
				case denied:
					keepers[i].Hook(func(kmip.Payload) error { return kmip.Errorf(kmip.ReasonPermissionDenied, "no") }, nil)
				default:
					keepers[i].Add(kmip.SymmetricKey(kmip.AlgorithmAES, secret.Random(32)), state)
				}
			}
			p := newProvider(t, o)
			for range 2 { // by whichever server is in use then
				state, err := p.State(t.Context(), masterkey.Ref{ID: "1"})
				if state != c.want || c.kind == nil && err != nil || c.kind != nil && keyring.KindOf(err) != c.kind {
					t.Errorf("%s, %v", state, err)
				}
			}
		})
	}
}

// Some servers pass over a Name in a question, and find everything: a key of another
// name, or of none, is not taken for the one that was lost.
func TestFind_NamesPassedOver(t *testing.T) {
	o, keepers := fakes(t, 2)
	for _, k := range keepers {
		k.DropsNames = true
		for range 70 {
			k.Add(kmip.SymmetricKey(kmip.AlgorithmAES, secret.Random(32)), kmip.StateActive, kmip.NameAttribute("another"))
		}
		k.Add(kmip.SymmetricKey(kmip.AlgorithmAES, secret.Random(32)), kmip.StateActive)
	}
	p := newProvider(t, o)
	if ref, err := p.Find(t.Context(), "marker"); keyring.KindOf(err) != keyring.ErrNotFound {
		t.Errorf("%+v, %v", ref, err)
	}
	keepers[1].Add(kmip.SymmetricKey(kmip.AlgorithmAES, secret.Random(32)), kmip.StateDestroyed, kmip.NameAttribute("marker"))
	if ref, err := p.Find(t.Context(), "marker"); keyring.KindOf(err) != keyring.ErrNotFound {
		t.Errorf("a destroyed one: %+v, %v", ref, err)
	}
	want := keepers[1].Add(kmip.SymmetricKey(kmip.AlgorithmAES, secret.Random(32)), kmip.StatePreActive, kmip.NameAttribute("marker"))
	if ref, err := p.Find(t.Context(), "marker"); err != nil || ref.ID != want || ref.Server != o.Servers[1] {
		t.Errorf("%+v, %v", ref, err)
	}
}

// hangsUp loses answers to requests that make a key, after the first n of them or, with
// before, without carrying them out.
func hangsUp(k *kmiptest.Keeper, n int, before bool) {
	var lost atomic.Int32
	hook := func(p kmip.Payload) error {
		if op := p.Operation(); (op == kmip.OpRegister || op == kmip.OpCreate) && int(lost.Add(1)) <= n {
			return kmiptest.ErrHangUp
		}
		return nil
	}
	if before {
		k.Hook(hook, nil)
	} else {
		k.Hook(nil, hook)
	}
}

func TestCreate_AnswerLost(t *testing.T) {
	for name, c := range map[string]struct {
		lost     int
		before   bool // the request is lost, and not the answer
		attempts int
		creates  bool
		keys     int
		kind     error
	}{
		"Register, answer lost":                      {1, false, 1, false, 1, nil},
		"Create, answer lost":                        {1, false, 1, true, 1, nil},
		"answer lost, more attempts":                 {1, false, 3, false, 1, nil},
		"Register, request lost":                     {1, true, 1, false, 0, keyring.ErrUnreachable},
		"Register, request lost, one more attempt":   {1, true, 2, false, 1, nil},
		"Create, requests lost, two more attempts":   {2, true, 3, true, 1, nil},
		"Register, requests lost, one attempt short": {2, true, 2, false, 0, keyring.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, keepers := fakes(t, 2)
			o.Attempts, o.ServerCreates = c.attempts, c.creates
			hangsUp(keepers[0], c.lost, c.before)
			p := newProvider(t, o)
			key, ref, err := p.Create(t.Context(), "marker")
			if n := len(keepers[0].IDs()); n != c.keys || len(keepers[1].IDs()) != 0 {
				t.Errorf("%d keys on the first server, %d on the second", n, len(keepers[1].IDs()))
			}
			if c.kind != nil {
				if keyring.KindOf(err) != c.kind || !strings.Contains(err.Error(), "may or may not") {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if ref.Server != o.Servers[0] {
				t.Errorf("%+v", ref)
			}
			if got, _, err := p.Read(t.Context(), ref); err != nil || !got.Equal(key) {
				t.Errorf("%v", err)
			}
		})
	}
}

// Who has made a key and does not answer any more has it: nobody else makes another.
func TestCreate_ServerLost(t *testing.T) {
	a := kmiptest.NewAuthority(t)
	o, keepers := fakesOf(t, a, 2)
	var dead atomic.Bool
	gone := func(p kmip.Payload) error {
		if p.Operation() == kmip.OpRegister {
			dead.Store(true)
		}
		if dead.Load() {
			return kmiptest.ErrHangUp
		}
		return nil
	}
	keepers[0].Hook(nil, gone)
	o.Attempts = 3
	p := newProvider(t, o)
	if _, _, err := p.Create(t.Context(), "marker"); keyring.KindOf(err) != keyring.ErrUnreachable || !strings.Contains(err.Error(), "may or may not") {
		t.Errorf("%v", err)
	}
	if len(keepers[0].IDs()) != 1 || len(keepers[1].IDs()) != 0 {
		t.Errorf("%v, %v", keepers[0].IDs(), keepers[1].IDs())
	}
	// It comes back, and the key is found by the next attempt.
	keepers[0].Hook(nil, nil)
	if ref, err := newProvider(t, o).Find(t.Context(), "marker"); err != nil || ref.ID != keepers[0].IDs()[0] {
		t.Errorf("%+v, %v", ref, err)
	}
}

// A server that may still be at it is not asked a second time.
func TestCreate_Slow(t *testing.T) {
	o, keepers := fakes(t, 1)
	o.Attempts, o.Timeout = 3, 500*time.Millisecond
	var first atomic.Bool
	release := make(chan struct{})
	keepers[0].Hook(func(p kmip.Payload) error {
		if p.Operation() == kmip.OpRegister && first.CompareAndSwap(false, true) {
			<-release
		}
		return nil
	}, nil)
	p := newProvider(t, o)
	_, _, err := p.Create(t.Context(), "marker")
	close(release)
	if keyring.KindOf(err) != keyring.ErrUnreachable {
		t.Errorf("%v", err)
	}
	for range 100 {
		if len(keepers[0].IDs()) > 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if n := len(keepers[0].IDs()); n != 1 || keepers[0].Operations(kmip.OpRegister) != 1 {
		t.Errorf("%d keys", n)
	}
}

// What counts is the state, not the answer.
func TestActivate(t *testing.T) {
	for name, c := range map[string]struct {
		state    kmip.State
		refusal  error // nil: as it should be
		carried  bool  // out before the refusal
		attempts int
		kind     error
		sent     int
	}{
		"Pre-Active":                           {kmip.StatePreActive, nil, true, 1, nil, 1},
		"Active":                               {kmip.StateActive, nil, true, 1, nil, 0},
		"Compromised":                          {kmip.StateCompromised, nil, true, 1, keyring.ErrInactive, 0},
		"Destroyed":                            {kmip.StateDestroyed, nil, true, 1, keyring.ErrInactive, 0},
		"the answer is lost":                   {kmip.StatePreActive, kmiptest.ErrHangUp, true, 1, nil, 1},
		"the request is lost":                  {kmip.StatePreActive, kmiptest.ErrHangUp, false, 1, keyring.ErrUnreachable, 1},
		"the request is lost, again and again": {kmip.StatePreActive, kmiptest.ErrHangUp, false, 2, keyring.ErrUnreachable, 2},
		"refused, and done":                    {kmip.StatePreActive, kmip.Errorf(kmip.ReasonIllegalOperation, "it is active"), true, 1, nil, 1},
		"not permitted":                        {kmip.StatePreActive, kmip.Errorf(kmip.ReasonPermissionDenied, "no"), false, 3, keyring.ErrDenied, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, keepers := fakes(t, 2)
			o.Attempts = c.attempts
			id := keepers[1].Add(kmip.SymmetricKey(kmip.AlgorithmAES, secret.Random(32)), c.state)
			hook := func(p kmip.Payload) error {
				if p.Operation() == kmip.OpActivate {
					return c.refusal
				}
				return nil
			}
			if c.carried {
				keepers[1].Hook(nil, hook)
			} else {
				keepers[1].Hook(hook, nil)
			}
			err := newProvider(t, o).Activate(t.Context(), masterkey.Ref{ID: id})
			if c.kind == nil && err != nil || c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("%v", err)
			}
			if n := keepers[1].Operations(kmip.OpActivate); n != c.sent {
				t.Errorf("%d were sent", n)
			}
		})
	}
}

// What is registered is what Percona Server for MongoDB registers, and the marker.
func TestRegister_Attributes(t *testing.T) {
	o, keepers := fakes(t, 1)
	if _, _, err := newProvider(t, o).Create(t.Context(), "dbkeyring 0a1b 7"); err != nil {
		t.Fatal(err)
	}
	for _, m := range keepers[0].Requests() {
		req, ok := m.Items[0].Payload.(*kmip.RegisterRequest)
		if !ok {
			continue
		}
		mask, _ := req.Template.Attributes.Get(kmip.AttrCryptographicUsageMask)
		length, _ := req.Template.Attributes.Get(kmip.AttrCryptographicLength)
		if req.ObjectType != kmip.ObjectTypeSymmetricKey || mask.Int != 12 || length.Int != 256 || req.Object.KeyBlock.Format != kmip.KeyFormatRaw ||
			!slices.Equal(req.Template.Attributes.Names(), []string{"dbkeyring 0a1b 7"}) || len(req.Template.Attributes) != 4 {
			t.Errorf("%+v", req.Template)
		}
		return
	}
	t.Error("nothing was registered")
}
