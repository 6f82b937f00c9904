package awskms_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// A rotation is asked for once, whatever happens on the way.
func TestRotate(t *testing.T) {
	once := func(f kmstest.Fault) func(op string, n int) *kmstest.Fault {
		return func(op string, n int) *kmstest.Fault {
			if op == "RotateKeyOnDemand" && n == 0 {
				return &f
			}
			return nil
		}
	}
	denied := kmstest.Fault{Code: "AccessDeniedException", Message: "not authorized"}
	for name, tc := range map[string]struct {
		before func(op string, n int) *kmstest.Fault
		lag    time.Duration
		sent   int // how often
		done   int // rotations
		err    error
		text   string
	}{
		"plain":           {nil, 0, 1, 1, nil, ""},
		"takes its time":  {nil, 500 * time.Millisecond, 1, 1, nil, ""},
		"throttled":       {once(kmstest.Fault{Code: "ThrottlingException"}), 0, 2, 1, nil, ""},
		"skewed":          {once(kmstest.Fault{Code: "RequestExpired"}), 0, 2, 1, nil, ""},
		"answer lost":     {once(kmstest.Fault{Cut: true}), 0, 1, 1, nil, ""},
		"lost, goes on":   {once(kmstest.Fault{Cut: true}), 500 * time.Millisecond, 1, 1, nil, ""},
		"request lost":    {once(kmstest.Fault{Hang: true}), 0, 1, 0, keyring.ErrUnreachable, "It is not known whether the KMS key will be rotated: look at its rotations before you ask again"},
		"internal error":  {once(kmstest.Fault{Code: "KMSInternalException"}), 0, 1, 0, keyring.ErrUnreachable, "It is not known"},
		"denied":          {once(denied), 0, 1, 0, keyring.ErrDenied, "not authorized (AccessDeniedException)"},
		"limit":           {once(kmstest.Fault{Code: "LimitExceededException", Message: "25"}), 0, 1, 0, keyring.ErrDenied, "25 (LimitExceededException)"},
		"goes on already": {once(kmstest.Fault{Code: "ConflictException", Message: "in progress"}), 0, 1, 0, keyring.ErrDenied, "in progress (ConflictException)"},
		"may not be watched": {func(op string, n int) *kmstest.Fault {
			if op != "RotateKeyOnDemand" {
				return &denied
			}
			return nil
		}, 0, 1, 1, nil, ""},
		"lost, may not be watched": {func(op string, n int) *kmstest.Fault {
			if op != "RotateKeyOnDemand" {
				return &denied
			}
			return &kmstest.Fault{Cut: true}
		}, 0, 1, 1, keyring.ErrUnreachable, "It is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, c, key := quietClient(t)
			s.SetRotationLag(tc.lag)
			s.SetBefore(tc.before)
			err := c.Rotate(t.Context(), key)
			if tc.err == nil && err != nil || tc.err != nil && !errors.Is(err, tc.err) {
				t.Errorf("%v", err)
			}
			if tc.text != "" && (err == nil || !strings.Contains(err.Error(), tc.text)) {
				t.Errorf("%v, want %s", err, tc.text)
			}
			if n := s.Requests()["RotateKeyOnDemand"]; n != tc.sent {
				t.Errorf("sent %d times", n)
			}
			if n := s.Materials(key) - 1; n != tc.done {
				t.Errorf("%d rotations", n)
			}
		})
	}
}

// quietClient is newClient for tests that run beside each other: it sets no variables.
func quietClient(t *testing.T) (*kmstest.Server, *awskms.Client, string) {
	t.Helper()
	s := kmstest.New(t)
	o := s.Options()
	o.Timeout = time.Second
	c, err := awskms.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return s, c, s.NewKey(kmstest.Region)
}

// A rotation that lasts longer than its caller waits is no success, and no reason to ask again.
func TestRotate_Slow(t *testing.T) {
	s, c, key := newClient(t, func(o *awskms.Options) { o.Timeout = 500 * time.Millisecond })
	s.SetRotationLag(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err := c.Rotate(ctx, key)
	if !errors.Is(err, keyring.ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) ||
		!strings.Contains(err.Error(), "the rotation was accepted, and is not over yet. Do not ask for it again") {
		t.Error(err)
	}
	if err := c.Rotate(t.Context(), key); !errors.Is(err, keyring.ErrDenied) || !strings.Contains(err.Error(), "ConflictException") {
		t.Error(err)
	}
	if n, err := c.Rotations(t.Context(), key); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

func TestRotate_Limit(t *testing.T) {
	_, c, key := newClient(t, nil)
	for i := range awskms.MaxOnDemandRotations {
		if err := c.Rotate(t.Context(), key); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	if err := c.Rotate(t.Context(), key); !errors.Is(err, keyring.ErrDenied) || !strings.Contains(err.Error(), "LimitExceededException") {
		t.Error(err)
	}
	if n, err := c.Rotations(t.Context(), key); n != awskms.MaxOnDemandRotations || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
