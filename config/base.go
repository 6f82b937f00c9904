package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Base is where relative paths start first: the current directory at the first
// load of a module, absolute. A database changes its directory after that, so
// the caller finds it out once, with [CurrentBase], and hands in the same value
// at every reload. The empty Base is for callers that have none.
type Base string

// CurrentBase is the current directory of now.
func CurrentBase() Base {
	dir, err := os.Getwd()
	if err != nil {
		return "" // it was removed: nothing can be relative to it
	}
	return Base(dir)
}

// Resolve makes path absolute. A relative one is taken in the base, where the
// documents' products take it, if there is such a file, else in the folder of
// the configuration file. Tried are the places that were looked at, in order;
// the last one is returned if no file is there.
func (b Base) Resolve(path, configFile string) (abs string, tried []string) {
	if filepath.IsAbs(path) {
		return path, []string{path}
	}
	dirs := []string{filepath.Dir(configFile)}
	if b != "" && string(b) != dirs[0] {
		dirs = []string{string(b), dirs[0]}
	}
	for _, dir := range dirs {
		abs = filepath.Join(dir, path)
		tried = append(tried, abs)
		// A file that may not be looked at is there: to pass it over would hide why.
		if _, err := os.Stat(abs); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return abs, tried
}
