package rootkey

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dbkeyring/dbkeyring/internal/atomicfile"
	"github.com/dbkeyring/dbkeyring/internal/filesys"
	"github.com/dbkeyring/dbkeyring/secret"
)

const pemType = "DBKEYRING ROOT KEY"

// nextSuffix is of the file with a root key that the store does not name yet. A
// rotation that is cut off leaves both, and the ID tells which counts.
const nextSuffix = ".next"

// File is the [Source] of root keys in files.
type File struct {
	// Beside is the path of the one beside the store.
	Beside string
}

func (f File) path(s Settings) string {
	if s.File != "" {
		return s.File
	}
	return f.Beside
}

// Open implements [Source]. It ends what a rotation that was cut off has begun.
func (f File) Open(_ context.Context, s Settings) (Key, error) {
	path := f.path(s)
	root, err := ReadFile(path)
	if err == nil && idOf(root) == s.ID {
		defer root.Wipe()
		_ = os.Remove(path + nextSuffix) // never came to count
		return newLocal(root)
	}
	root.Wipe()
	next, nextErr := ReadFile(path + nextSuffix)
	defer next.Wipe()
	if nextErr == nil && idOf(next) == s.ID {
		if err := f.Keep(s); err != nil {
			return nil, err
		}
		return newLocal(next)
	}
	if err == nil {
		err = fmt.Errorf("the root key %s: %w. The one that is needed has the ID %s", path, ErrWrong, s.ID)
	}
	return nil, err
}

// Make implements [Source].
func (f File) Make(_ context.Context, s Settings, _ *secret.Bytes) (Settings, Key, error) {
	path := f.path(s)
	if s.File != "" && !filepath.IsAbs(s.File) {
		return s, nil, fmt.Errorf("the root key's file %s: give an absolute path, since the server may run in another folder", s.File)
	}
	if s.File == f.Beside {
		s.File = ""
	}
	if err := f.free(s); err != nil {
		return s, nil, err
	}
	root := secret.Random(Size)
	defer root.Wipe()
	text := pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: root.Reveal()})
	defer secret.Wipe(text)
	if err := atomicfile.WriteFile(path+nextSuffix, text, 0o600); err != nil {
		return s, nil, fmt.Errorf("write the new root key: %w", err)
	}
	s.ID = idOf(root)
	k, err := newLocal(root)
	return s, k, err
}

// free says whether the place of a root key may be overwritten. It may not if there is
// that of another data directory, nor if the present one has yet to get its name.
func (f File) free(s Settings) error {
	path := f.path(s)
	if next, err := ReadFile(path + nextSuffix); err == nil {
		defer next.Wipe()
		if idOf(next) == s.ID {
			return f.Keep(s)
		}
	}
	if s.File == "" {
		return nil // nobody else's lies beside our store
	}
	root, err := ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	defer root.Wipe()
	if err == nil && idOf(root) == s.ID {
		return nil
	}
	return fmt.Errorf("%s is there already, and is not the root key of this data directory. Name a file that does not exist yet", path)
}

// Keep implements [Source].
func (f File) Keep(s Settings) error {
	path := f.path(s)
	if err := os.Rename(path+nextSuffix, path); err != nil {
		return fmt.Errorf("put the new root key in its place: %w", err)
	}
	return filesys.SyncDir(filesys.OS{}, filepath.Dir(path))
}

// Drop implements [Source].
func (f File) Drop(s Settings) error {
	path := f.path(s)
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // as at each start
	}
	if err != nil {
		return fmt.Errorf("remove the old root key: %w", err)
	}
	return filesys.SyncDir(filesys.OS{}, filepath.Dir(path))
}

// ReadFile reads a root key's file, which nobody else may be able to read.
func ReadFile(path string) (*secret.Bytes, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the root key %s can be read by others (mode %#o). Run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	defer secret.Wipe(text)
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemType || len(block.Bytes) != Size {
		return nil, fmt.Errorf("%s is no root key of %d bytes", path, Size)
	}
	return secret.Take(block.Bytes), nil
}
