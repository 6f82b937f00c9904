package bridge_test

import (
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/module/bridge"
	"github.com/dbkeyring/dbkeyring/module/hosttest/testring"
)

func TestRotate(t *testing.T) {
	x := newHost(t, testring.New().Configure)
	rotate := func(what bridge.Rotation, want bridge.Code, reason string) {
		t.Helper()
		why, code := x.Rotate(x.h, what)
		x.want(code, want, "Rotate")
		if !strings.Contains(why, reason) || (why == "") != (want == bridge.OK) {
			t.Errorf("Rotate(%d) says %q, want %q", what, why, reason)
		}
	}
	rotate(bridge.RotateKeys, bridge.NotLoaded, "the keyring is not loaded")
	x.config("ok")
	x.want(x.load(), bridge.OK, "Load")
	x.want(x.Generate(x.h, keyring.ID{Name: "k"}, "AES", 32), bridge.OK, "Generate")
	rotate(bridge.RotateMasterKey, bridge.OK, "")
	rotate(bridge.RotateMasterKey, bridge.OK, "")
	rotate(bridge.RotateKeys, bridge.OK, "")
	if !x.logged("WARN", "The master key was rotated: 2 times by now") || !x.logged("INFO", "Every key was encrypted anew. keys=1") {
		t.Errorf("log %q", x.log)
	}
	x.config("unreachable")
	rotate(bridge.RotateMasterKey, bridge.Unreachable, "nobody listens")
	rotate(bridge.RotateKeys, bridge.Unreachable, "nobody listens")
	rotate(3, bridge.Invalid, "no such rotation")
	x.want(x.Close(x.h), bridge.OK, "Close")
	rotate(bridge.RotateKeys, bridge.Invalid, "not loaded")
}

// A keyring whose keeper has no such thing says so, and nothing is an error in the log.
func TestRotateWhatCannot(t *testing.T) {
	x := newHost(t, opens(func() keyring.Keyring { return &faulty{} }))
	x.want(x.load(), bridge.OK, "Load")
	for _, what := range []bridge.Rotation{bridge.RotateMasterKey, bridge.RotateKeys} {
		if why, code := x.Rotate(x.h, what); code != bridge.Unsupported || why != "this keyring cannot do that" {
			t.Errorf("%q, %d", why, code)
		}
	}
	if x.logged("ERROR") {
		t.Errorf("log %q", x.log)
	}
}
