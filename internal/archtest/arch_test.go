package archtest

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/dbkeyring/dbkeyring/"
)

// mayImport says which folders of ours a folder's packages may import. The
// longest matching row counts; a package may always import what lies below the
// same row. Tests are free.
var mayImport = map[string][]string{
	"secret":    {},
	"keyring":   {"secret"},
	"kmip":      {"secret"},
	"awskms":    {"keyring", "secret"},
	"internal":  {"keyring", "secret"},
	"backend":   {"keyring", "kmip", "awskms", "secret", "internal"},
	"config":    {"backend", "masterkey", "awskms", "keyring", "secret", "internal"},
	"keyserver": {"keyring", "kmip", "secret", "internal"},
	"masterkey": {"keyring", "kmip", "awskms", "secret", "internal"},
	"module":    {"config", "backend", "masterkey", "keyring", "kmip", "awskms", "secret", "internal"},
	"cmd":       {"config", "backend", "masterkey", "keyserver", "keyring", "kmip", "awskms", "secret", "internal"},
	"e2e":       {},
}

// apart are folders whose children never import each other, but for those that
// are there to choose among the others, and for the format of a server's option file,
// in which more than one keyring has its settings.
var (
	apart      = []string{"backend", "config"}
	chooser    = []string{"config/anyconf"}
	optionFile = "config/optionfile"
)

// mayUse says which modules of others a folder's packages may import: fewer
// than go.mod allows, so that a protocol stays a protocol. Suites that tests
// call, in folders named ...test, may use what tests use.
var mayUse = map[string][]string{
	"secret":    {"golang.org/x/sys"},
	"keyring":   {},
	"kmip":      {},
	"awskms":    {"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go", "golang.org/x/sys"},
	"internal":  {"golang.org/x/sys"},
	"backend":   {"golang.org/x/sync"},
	"config":    {"go.yaml.in/yaml/v3"},
	"keyserver": {"go.etcd.io/bbolt", "golang.org/x/crypto", "golang.org/x/sys", "golang.org/x/sync"},
	"module":    {},
	"cmd":       {"github.com/alecthomas/kong", "golang.org/x/term", "golang.org/x/sys", "golang.org/x/sync"},
	"e2e":       {},

	// and nobody else of keyserver/:
	"keyserver/metrics":       {"github.com/prometheus/client_golang"},
	"keyserver/store/journal": {"github.com/google/btree", "golang.org/x/sys"},
}

// ofOthers returns the longest row of mayUse that dir lies in.
func ofOthers(dir string) []string {
	for ; dir != "."; dir = path.Dir(dir) {
		if row, ok := mayUse[dir]; ok {
			return row
		}
	}
	return nil
}

// notInADatabase must not be in a process that is not ours: they take signals, or are
// the server's. The AWS SDK brings net/http, and os/exec for the credential_process
// of an AWS profile.
var notInADatabase = []string{
	"os/signal", "testing", "flag", "go.etcd.io/bbolt", "github.com/alecthomas/kong", module + "keyserver", module + "cmd",
}

// noGuests are calls that only a program of our own may make.
var noGuests = map[string][]string{
	"os":        {"Exit"},
	"os/signal": {"Notify", "Ignore", "Reset", "NotifyContext"},
	"log":       {"*"},
	"log/slog":  {"Default", "SetDefault", "Debug", "Info", "Warn", "Error", "Log"},
	"fmt":       {"Print", "Printf", "Println"},
}

type file struct {
	path string // below the project's folder
	ast  *ast.File
}

func (f file) dir() string  { return path.Dir(f.path) }
func (f file) top() string  { return strings.SplitN(f.path, "/", 2)[0] }
func (f file) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }
func (f file) imports() []string {
	var all []string
	for _, i := range f.ast.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		all = append(all, p)
	}
	return all
}

// goFiles parses every Go file of the tree, whatever its build tags.
func goFiles(t *testing.T) []file {
	t.Helper()
	var files []file
	fset := token.NewFileSet()
	for _, p := range textFiles(t) {
		if !strings.HasSuffix(p, ".go") {
			continue
		}
		parsed, err := parser.ParseFile(fset, filepath.Join(root, p), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file{p, parsed})
	}
	if len(files) < 20 {
		t.Fatalf("only %d Go files found: is this the project's folder?", len(files))
	}
	return files
}

// textFiles lists what is in the tree, less what is built or run there.
func textFiles(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "build", "run"}, rel) {
			return filepath.SkipDir
		}
		ignored := slices.Contains([]string{".test", ".prof"}, path.Ext(rel)) || rel == ".git" // as .gitignore has it; a file in a worktree
		if d.Type().IsRegular() && !ignored {
			all = append(all, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFormatted(t *testing.T) {
	for _, p := range textFiles(t) {
		if !strings.HasSuffix(p, ".go") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(root, p))
		if err != nil {
			t.Fatal(err)
		}
		if formatted, err := format.Source(b); err != nil || !bytes.Equal(b, formatted) {
			t.Errorf("%s is not as gofmt writes it (%v)", p, err)
		}
	}
}

func TestImportsPointOneWay(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.isTest() {
			continue
		}
		own, known := mayImport[f.top()]
		if !known {
			t.Errorf("%s: no rule says what %s/ may import: add one here and to ARCHITECTURE.md", f.path, f.top())
			continue
		}
		for _, imported := range f.imports() {
			target, ours := strings.CutPrefix(imported, module)
			if !ours {
				host, _, _ := strings.Cut(imported, "/")
				if strings.Contains(host, ".") && !strings.HasSuffix(f.dir(), "test") &&
					!slices.ContainsFunc(ofOthers(f.dir()), func(m string) bool { return within(imported, m) }) {
					t.Errorf("%s imports %s", f.path, imported)
				}
				continue
			}
			top := strings.SplitN(target, "/", 2)[0]
			if top != f.top() && !slices.Contains(own, top) {
				t.Errorf("%s imports %s: %s/ may import only %v", f.path, imported, f.top(), own)
			}
			if top == f.top() && slices.Contains(apart, top) && target != top && child(target) != child(f.dir()) && !slices.Contains(chooser, f.dir()) && target != optionFile {
				t.Errorf("%s imports %s: what is in %s/ stands apart", f.path, imported, top)
			}
		}
	}
}

// child is the first two elements of a path.
func child(p string) string {
	parts := strings.SplitN(p, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

func within(p, prefix string) bool { return p == prefix || strings.HasPrefix(p, prefix+"/") }

func TestOnlyCoreImportsC(t *testing.T) {
	found := false
	for _, f := range goFiles(t) {
		if slices.Contains(f.imports(), "C") {
			if f.dir() != "module/core" {
				t.Errorf("%s imports C", f.path)
			}
			found = true
		}
	}
	if !found {
		t.Error("not even module/core imports C: this test looks in the wrong place")
	}
}

// The library that databases load carries nothing that minds their business.
func TestNothingForeignInADatabase(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "./module/core")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v: %s", err, out)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, module+"module/bridge") {
		t.Fatal("module/core does not depend on module/bridge: this test looks in the wrong place")
	}
	for _, dep := range deps {
		if slices.ContainsFunc(notInADatabase, func(bad string) bool { return dep == bad || strings.Contains(bad, ".") && within(dep, bad) }) {
			t.Errorf("module/core depends on %s", dep)
		}
	}
}

func TestPackagesHaveDocComments(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range goFiles(t) {
		if !f.isTest() {
			documented[f.dir()] = documented[f.dir()] || f.ast.Doc != nil
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no package comment", dir)
		}
	}
}

// init functions have effects that nobody asked for, and cannot fail.
func TestNoInitFunctions(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function", f.path)
			}
		}
	}
}

// Library code does not end the process, take its signals, or write to its
// output.
func TestLibrariesAreGuests(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.isTest() || f.top() == "cmd" {
			continue
		}
		names := map[string]string{} // name in this file → import path
		for _, i := range f.ast.Imports {
			p, _ := strconv.Unquote(i.Path.Value)
			name := path.Base(p)
			if i.Name != nil {
				name = i.Name.Name
			}
			names[name] = p
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := sel.X.(*ast.Ident)
			if !ok || x.Obj != nil {
				return true
			}
			bad := noGuests[names[x.Name]]
			if slices.Contains(bad, sel.Sel.Name) || slices.Contains(bad, "*") {
				t.Errorf("%s uses %s.%s", f.path, x.Name, sel.Sel.Name)
			}
			return true
		})
	}
}

// places are paths of somebody's machine, and hosts that packages come from.
var places = regexp.MustCompile(`(/root/|/home/[a-z]|/work/)|\b(deb|ftp|security|snapshot|proxy|registry)\.[a-z]+\.(org|com)\b`)

func TestNoPlacesOfOneMachine(t *testing.T) {
	for _, p := range textFiles(t) {
		if p == "internal/archtest/arch_test.go" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(root, p))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(b), "\n") {
			if m := places.FindString(line); m != "" {
				t.Errorf("%s:%d names %q", p, i+1, m)
			}
		}
	}
}
