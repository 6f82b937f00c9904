// Package testring is the keyring in the test builds of the library (build tag
// memorykeyring): it keeps keys in memory, and the host under test says through
// the configuration file how it behaves.
package testring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/dbkeyring/dbkeyring/backend/memory"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/module/bridge"
)

// Server plays the key server: its keys outlive every keyring opened on it.
type Server struct {
	keys      *memory.Keyring
	rotations atomic.Int32
}

// New returns a server without keys.
func New() *Server { return &Server{keys: memory.New()} }

// Configure is a bridge.Dialect. The file <component>.cnf has one of the words
//
//	ok           everything works
//	unreachable  the key server does not answer
//	frozen       opening lasts until its deadline
//
// Any other is a wrong configuration. The word is read again by each call: an
// open keyring goes down with its server. A host that passes lines NAME=VALUE instead
// of a folder names the file in conf_file.
func (s *Server) Configure(req bridge.Request) (bridge.Config, error) {
	path := filepath.Join(req.ComponentPath, req.Component+".cnf")
	said := []any{"file", path}
	if strings.Contains(req.ComponentPath, "=") {
		said = []any{"settings", strings.ReplaceAll(strings.TrimSuffix(req.ComponentPath, "\n"), "\n", ", ")}
		_, path, _ = strings.Cut(req.ComponentPath, "conf_file=")
		path, _, _ = strings.Cut(path, "\n")
	}
	rows := []keyring.StatusRow{
		{Name: "Config_file", Value: path}, {Name: "Instance_path", Value: req.InstancePath}, {Name: "First_dir", Value: req.FirstDir},
	}
	word, err := os.ReadFile(path)
	if err == nil && !slices.Contains([]string{"ok", "unreachable", "frozen"}, strings.TrimSpace(string(word))) {
		err = errors.New("no such word in " + path + ": " + strings.TrimSpace(string(word)))
	}
	if err != nil {
		return bridge.Config{Status: rows}, keyring.E("read the configuration", keyring.ID{}, keyring.ErrInvalid, err)
	}
	return bridge.Config{Status: rows, Open: func(ctx context.Context) (keyring.Keyring, error) {
		if req.Quick {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, bridge.ContactTimeout)
			defer cancel()
		}
		if err := answer(ctx, "open", keyring.ID{}, path); err != nil {
			return nil, err
		}
		req.Log.Info("The test keyring is open.", said...)
		return &ring{s, path}, nil
	}}, nil
}

// answer is nil, or how the server fails now.
func answer(ctx context.Context, op string, id keyring.ID, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return keyring.E(op, id, keyring.ErrInvalid, err)
	}
	switch strings.TrimSpace(string(text)) {
	case "unreachable":
		return keyring.E(op, id, keyring.ErrUnreachable, errors.New("nobody listens"))
	case "frozen":
		<-ctx.Done()
		return keyring.E(op, id, keyring.ErrUnreachable, ctx.Err())
	}
	return nil
}

// ring is a connection to the server, which fails when the server does.
type ring struct {
	*Server
	path string
}

func (r *ring) Fetch(ctx context.Context, id keyring.ID) (keyring.Key, error) {
	if err := answer(ctx, "fetch", id, r.path); err != nil {
		return keyring.Key{}, err
	}
	if id.Name == "broken-pipe" {
		return keyring.Key{}, keyring.E("fetch", id, keyring.ErrUnreachable, breakPipe())
	}
	return r.keys.Fetch(ctx, id)
}

// breakPipe writes to a socket whose other end is closed.
func breakPipe() error {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(pair[0])
	if err := syscall.Close(pair[1]); err != nil {
		return err
	}
	_, err = syscall.Write(pair[0], []byte("x"))
	return err
}

func (r *ring) Store(ctx context.Context, id keyring.ID, k keyring.Key) error {
	if err := answer(ctx, "store", id, r.path); err != nil {
		return err
	}
	return r.keys.Store(ctx, id, k)
}

func (r *ring) Generate(ctx context.Context, id keyring.ID, typ string, size int) error {
	if err := answer(ctx, "generate", id, r.path); err != nil {
		return err
	}
	return r.keys.Generate(ctx, id, typ, size)
}

func (r *ring) Remove(ctx context.Context, id keyring.ID) error {
	if err := answer(ctx, "remove", id, r.path); err != nil {
		return err
	}
	return r.keys.Remove(ctx, id)
}

func (r *ring) List(ctx context.Context) ([]keyring.ID, error) {
	if err := answer(ctx, "list", keyring.ID{}, r.path); err != nil {
		return nil, err
	}
	ids, err := r.keys.List(ctx)
	slices.SortFunc(ids, func(a, b keyring.ID) int { return strings.Compare(a.Owner+a.Name, b.Owner+b.Name) })
	return ids, err
}

// Close closes the connection, not the server.
func (r *ring) Close() error { return nil }

// RotateMasterKey makes the ring a keyring.MasterKeyRotator.
func (r *ring) RotateMasterKey(ctx context.Context) (string, error) {
	if err := answer(ctx, "rotate", keyring.ID{}, r.path); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d times by now", r.rotations.Add(1)), nil
}

// Rewrap makes the ring a keyring.Rewrapper.
func (r *ring) Rewrap(ctx context.Context, progress func(done, total int)) error {
	ids, err := r.List(ctx)
	if err == nil {
		progress(len(ids), len(ids))
	}
	return err
}

// NativeID makes the ring a keyring.NativeIDer.
func (r *ring) NativeID(ctx context.Context, id keyring.ID) (string, error) {
	k, err := r.Fetch(ctx, id)
	if err != nil {
		return "", err
	}
	k.Wipe()
	return "native-" + id.Name, nil
}
