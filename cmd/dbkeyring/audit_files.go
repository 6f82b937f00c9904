package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// auditFiles returns the files that were named, or those of a data directory: audit.log and what
// a rotation has made of it, beside it.
func auditFiles(named []string, dir string) ([]string, error) {
	if len(named) > 0 {
		return named, nil
	}
	files, err := filepath.Glob(filepath.Join(dir, "audit.log*"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, &failed{err: fmt.Errorf("--data %s: there is no audit.log", dir), hint: "name the server's directory with --data, or the files themselves", code: exitUsage}
	}
	return files, nil
}

// readAudit opens a file of the log for fn, compressed by gzip or not.
func readAudit(file string, fn func(io.Reader) error) (err error) {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if !strings.HasSuffix(file, ".gz") {
		return fn(f)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	defer func() { err = errors.Join(err, z.Close()) }()
	return fn(z)
}
