package bridge

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// The host sees numbers; they may never change.
func TestCodeOfEachKind(t *testing.T) {
	for _, c := range []struct {
		err  error
		want Code
	}{
		{nil, 0},
		{keyring.ErrNotFound, 1},
		{keyring.ErrExists, 2},
		{keyring.ErrReadOnly, 3},
		{keyring.ErrUnreachable, 4},
		{keyring.ErrInactive, 5},
		{keyring.ErrCorrupt, 6},
		{keyring.ErrDenied, 7},
		{keyring.ErrInvalid, 8},
		{fmt.Errorf("deep: %w", keyring.E("fetch", keyring.ID{Name: "k"}, keyring.ErrDenied, errors.New("no"))), 7},
		{errors.New("unclassified"), 4},
		{&panicError{}, 10},
		{errTooSmall, 11},
		{errUnsupported, 12},
	} {
		if got := codeOf(c.err); got != c.want {
			t.Errorf("codeOf(%v) = %d, want %d", c.err, got, c.want)
		}
	}
}

// The header and this package must agree on every code, and every rotation.
func TestHeaderHasTheSameCodes(t *testing.T) {
	got := inHeader(t, "enum dbk_code {")
	want := map[string]string{}
	for name, code := range map[string]Code{
		"OK": OK, "NOT_FOUND": NotFound, "EXISTS": Exists, "READ_ONLY": ReadOnly, "UNREACHABLE": Unreachable, "INACTIVE": Inactive,
		"CORRUPT": Corrupt, "DENIED": Denied, "INVALID": Invalid, "NOT_LOADED": NotLoaded, "BROKEN": Broken, "TOO_SMALL": TooSmall, "UNSUPPORTED": Unsupported,
	} {
		want[name] = fmt.Sprint(int(code))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	want = map[string]string{"ROTATE_MASTER_KEY": fmt.Sprint(int(RotateMasterKey)), "ROTATE_KEYS": fmt.Sprint(int(RotateKeys))}
	if d := cmp.Diff(want, inHeader(t, "enum dbk_rotation {")); d != "" {
		t.Error(d)
	}
}

// inHeader returns the numbers of an enum in the header.
func inHeader(t *testing.T, start string) map[string]string {
	t.Helper()
	header, err := os.ReadFile("../core/dbkeyring.h")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(header), start)
	body, _, _ = strings.Cut(body, "}")
	got := map[string]string{}
	for _, m := range regexp.MustCompile(`DBK_(\w+) = (\d+)`).FindAllStringSubmatch(body, -1) {
		got[m[1]] = m[2]
	}
	return got
}
