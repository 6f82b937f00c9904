package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/config/mongod"
	"github.com/dbkeyring/dbkeyring/masterkey"
)

// wiredTigerModule is the encryptor's file.
const wiredTigerModule = "dbkeyring_wiredtiger.so"

// systemKeyID is the keyid of what belongs to no table.
const systemKeyID = "system"

// mongodCommand is what is run.
type mongodCommand struct {
	program string
	args    []string
}

// String is for a shell.
func (c *mongodCommand) String() string {
	words := []string{c.program}
	for _, a := range c.args {
		if !regexp.MustCompile(`^[\w@%+=:,./-]+$`).MatchString(a) {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

// command finds mongod and the encryptor, and puts them together.
func (own ownFlags) command(o *mongod.Options, rest []string) (*mongodCommand, error) {
	program, err := exec.LookPath(cmp.Or(own.program, "mongod"))
	if err != nil && (!own.print || own.program != "") {
		return nil, fmt.Errorf("mongod: %w. Name it with --mongod=PATH", err)
	}
	library, libraryErr := findLibrary(own.library)
	entry, entryErr := entryOf(program, own.server)
	if err := errors.Join(libraryErr, entryErr); err != nil {
		return nil, err
	}
	effective := filepath.Join(o.DBPath, masterkey.FolderName, effectiveFile)
	for _, path := range []string{library, effective} {
		if strings.ContainsAny(path, "\"\\=,()[]{}") {
			return nil, fmt.Errorf("%s: WiredTiger does not take a path with such a character in its configuration", path)
		}
	}
	engine := fmt.Sprintf(`extensions=[%s={entry=%s,early_load=true,config={path="%s"}}],encryption=(name=dbkeyring,keyid="%s")`, library, entry, effective, systemKeyID)
	if o.EngineConfig != "" {
		engine = o.EngineConfig + "," + engine
	}
	return &mongodCommand{cmp.Or(program, "mongod"), append(append([]string{}, rest...), "--wiredTigerEngineConfigString", engine)}, nil
}

// findLibrary looks where the encryptor is installed.
func findLibrary(named string) (string, error) {
	candidates := []string{named}
	if named == "" {
		candidates = []string{"/usr/lib/dbkeyring/" + wiredTigerModule, "/usr/local/lib/dbkeyring/" + wiredTigerModule}
		if self, err := os.Executable(); err == nil {
			base := filepath.Dir(filepath.Dir(self))
			candidates = append([]string{filepath.Join(base, "lib", wiredTigerModule), filepath.Join(base, "lib", "dbkeyring", wiredTigerModule)}, candidates...)
		}
	}
	for _, c := range candidates {
		if c, err := filepath.Abs(c); err == nil && exists(c) {
			return c, nil
		}
	}
	return "", fmt.Errorf("there is no %s. Name it with --library=PATH", strings.Join(candidates, ", nor "))
}

// releaseLine is in the output of mongod --version.
var releaseLine = regexp.MustCompile(`db version v(\d+)\.(\d+)`)

// entryOf tells the encryptor's entry point for a mongod: the tables that WiredTiger calls
// through have moved.
func entryOf(program, named string) (string, error) {
	text := "db version v" + named
	if named == "" {
		if program == "" {
			return "", errors.New("there is no mongod that could tell its release. Give --mongod-version=8.0, or --mongod=PATH")
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, program, "--version").Output()
		if err != nil {
			return "", fmt.Errorf("%s --version: %w. Give --mongod-version=8.0, say", program, err)
		}
		text = string(out)
	}
	m := releaseLine.FindStringSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("%s does not tell its release. Give --mongod-version=8.0, say", cmp.Or(named, program))
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	switch release := major*100 + minor; {
	case release == 402:
		return "dbkeyring_wt_3_2", nil
	case release >= 404 && release < 800 && (minor == 0 || release == 404):
		return "dbkeyring_wt_10_0", nil
	case release == 800:
		return "dbkeyring_wt_11_3", nil
	}
	return "", fmt.Errorf("mongod %s.%s: dbkeyring knows the interfaces of 4.2, 4.4, 5.0, 6.0, 7.0 and 8.0", m[1], m[2])
}
