package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/secret"
)

// phraseSource is where a pass phrase may come from, the first that is there: a
// file, a credential of systemd, the environment, the terminal. Never the command
// line, which everybody on the machine can read.
type phraseSource struct {
	what       string // "the backup's pass phrase"
	option     string // names the file
	file       string
	credential string // its name in $CREDENTIALS_DIRECTORY
	variable   string
}

// read gets the pass phrase. A new one is asked for twice.
func (s phraseSource) read(p *process, isNew bool) (*secret.Bytes, error) {
	if s.file != "" {
		phrase, err := config.ReadPassword(s.file)
		if err != nil {
			return nil, &failed{err: fmt.Errorf("%s: %w", s.option, err), code: exitUsage}
		}
		return phrase, nil
	}
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		phrase, err := config.ReadPassword(filepath.Join(dir, s.credential))
		if err == nil {
			return phrase, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the credential %s of systemd: %w", s.credential, err)
		}
	}
	if text := os.Getenv(s.variable); text != "" {
		return secret.Copy([]byte(text)), nil
	}
	in, ok := p.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil, &failed{err: fmt.Errorf("no pass phrase: %s is needed", s.what), code: exitUsage,
			hint: fmt.Sprintf("name a file that has it with %s, or put it into %s, or run the command on a terminal", s.option, s.variable)}
	}
	phrase, err := ask(p, in, s.what)
	if err != nil || !isNew {
		return phrase, err
	}
	again, err := ask(p, in, s.what+", once more")
	defer again.Wipe()
	if err == nil && !again.Equal(phrase) {
		err = errors.New("the two pass phrases are not the same. Nothing was done")
	}
	if err != nil {
		phrase.Wipe()
		return nil, err
	}
	return phrase, nil
}

// ask reads a line from the terminal without showing it.
func ask(p *process, in *os.File, what string) (*secret.Bytes, error) {
	fmt.Fprintf(p.stderr, "%s: ", what)
	line, err := term.ReadPassword(int(in.Fd()))
	fmt.Fprintln(p.stderr)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return secret.Take(line), nil
}
