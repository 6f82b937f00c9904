package keyfile

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/masterkey"
	"github.com/dbkeyring/dbkeyring/masterkey/providertest"
)

func TestProvider(t *testing.T) {
	dir := t.TempDir()
	want := bytes.Repeat([]byte{7}, 32)
	good := base64.StdEncoding.EncodeToString(want)
	for name, c := range map[string]struct {
		text    string
		mode    os.FileMode
		relaxed bool
		kind    error
		says    string
	}{
		"600":              {good + "\n", 0o600, false, nil, ""},
		"400":              {good, 0o400, false, nil, ""},
		"blanks around it": {" \n" + good + "\n\n", 0o600, false, nil, ""},
		"640, relaxed":     {good, 0o640, true, nil, ""},
		"440, relaxed":     {good, 0o440, true, nil, ""},
		"640":              {good, 0o640, false, keyring.ErrDenied, "chmod 600"},
		"644, relaxed":     {good, 0o644, true, keyring.ErrDenied, "too open"},
		"660, relaxed":     {good, 0o660, true, keyring.ErrDenied, "too open"},
		"short":            {base64.StdEncoding.EncodeToString(want[:16]), 0o600, false, keyring.ErrCorrupt, "backup"},
		"hexadecimal":      {strings.Repeat("ab", 32), 0o600, false, keyring.ErrCorrupt, "32 bytes"},
		"empty":            {"", 0o600, false, keyring.ErrCorrupt, "32 bytes"},
		"700":              {good, 0o700, false, keyring.ErrDenied, "0700"},
		"long":             {good + strings.Repeat("\n", 2000), 0o600, false, keyring.ErrCorrupt, "32 bytes"},
		"two keys":         {good + "\n" + good, 0o600, false, keyring.ErrCorrupt, "32 bytes"},
	} {
		if os.Geteuid() != 0 && c.relaxed && c.kind == nil {
			continue // only root's file may be so
		}
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", "_"))
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		p := New(Options{Path: path, RelaxedPermissions: c.relaxed})
		key, ref, err := p.Read(t.Context(), masterkey.Ref{Provider: masterkey.KMIP, ID: "whatever"})
		state, stateErr := p.State(t.Context(), ref)
		if c.kind == nil {
			if err != nil || !bytes.Equal(key.Reveal(), want) || ref.Provider != masterkey.KeyFile || state != masterkey.Active || stateErr != nil {
				t.Errorf("%s: %v, %v", name, err, stateErr)
			}
			continue
		}
		if keyring.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) || stateErr == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := New(Options{Path: filepath.Join(dir, "none")})
	if _, _, err := p.Read(t.Context(), masterkey.Ref{}); keyring.KindOf(err) != keyring.ErrNotFound {
		t.Errorf("%v", err)
	}
	if _, _, err := New(Options{Path: dir}).Read(t.Context(), masterkey.Ref{}); keyring.KindOf(err) != keyring.ErrInvalid {
		t.Errorf("%v", err)
	}
	if _, _, err := p.Create(t.Context(), "m"); keyring.KindOf(err) != keyring.ErrInvalid || !strings.Contains(err.Error(), "openssl rand -base64 32 > "+filepath.Join(dir, "none")+"; chmod 600") {
		t.Errorf("%v", err)
	}
	if _, err := p.Find(t.Context(), "m"); keyring.KindOf(err) != keyring.ErrNotFound {
		t.Errorf("%v", err)
	}
	if p.Name() != masterkey.KeyFile || p.Activate(t.Context(), masterkey.Ref{}) != nil || p.Close() != nil {
		t.Error("the rest")
	}
}

func TestConformance(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))), 0o600); err != nil {
		t.Fatal(err)
	}
	providertest.Test(t, func(testing.TB) masterkey.Provider { return New(Options{Path: path}) },
		providertest.Keeper{Given: &masterkey.Ref{Provider: masterkey.KeyFile}})
	providertest.Test(t, func(testing.TB) masterkey.Provider { return New(Options{Path: path}) },
		providertest.Keeper{Given: &masterkey.Ref{}})
}

// What is no file is not waited for, and what only root may do is tested where root runs
// the tests.
func TestOtherFiles(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]error{pipe: keyring.ErrInvalid, filepath.Join(file, "below"): keyring.ErrNotFound, loop: keyring.ErrUnreachable} {
		if _, _, err := New(Options{Path: path}).Read(t.Context(), masterkey.Ref{}); keyring.KindOf(err) != kind {
			t.Errorf("%s: %v", path, err)
		}
	}
	if os.Geteuid() != 0 {
		return
	}
	good := filepath.Join(dir, "good")
	if err := os.WriteFile(good, []byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chown(good, 1234, 1234), os.Chmod(good, 0o440)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := New(Options{Path: good, RelaxedPermissions: true}).Read(t.Context(), masterkey.Ref{}); keyring.KindOf(err) != keyring.ErrDenied || !strings.Contains(err.Error(), "root does not own") {
		t.Errorf("%v", err)
	}
}
