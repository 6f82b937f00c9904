package main

import (
	"fmt"
	"io"
	"os"
)

type caCmd struct {
	Import caImportCmd `cmd:"" help:"Trust another CA: clients may have their certificates of it."`
	List   caListCmd   `cmd:"" help:"List the imported CAs, their revocation lists and their clients."`
	CRL    caCRLCmd    `cmd:"" name:"crl" help:"Give an imported CA another revocation list, which holds at once."`
	Remove caRemoveCmd `cmd:"" help:"Trust an imported CA no more, at once."`
}

// maxCAFile bounds a file of a CA in bytes.
const maxCAFile = 32 << 20

// readCAFile reads a file of a CA whole, if it is not absurdly large.
func readCAFile(option, name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", option, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCAFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", option, err)
	}
	if len(text) > maxCAFile {
		return nil, fmt.Errorf("%s %s: it is longer than %d MiB", option, name, maxCAFile>>20)
	}
	return text, nil
}
