package optionfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/config/optionfile"
)

// tree writes files, whose texts may name the folder as $DIR, and returns the folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "$DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Each line has the value that the server's own reader (my_print_defaults) makes of it.
func TestRead_Values(t *testing.T) {
	for line, want := range map[string]string{
		"name":                            "name:",
		"name =":                          "name:",
		"name = value ":                   "name:value",
		"name=value\r":                    "name:value",
		"keyring-aws_data-file=/x/a-b_c":  "keyring_aws_data_file:/x/a-b_c",
		"loose-name=1":                    "name:1 loose",
		"loose_name=1":                    "name:1 loose",
		"name=a=b":                        "name:a=b",
		"name=value # a comment":          "name:value",
		"name=value#a comment":            "name:value",
		"name # = value":                  "name:",
		"name=a;b":                        "name:a;b",
		`name="a b"`:                      "name:a b",
		"name='a # b' # c":                "name:a # b",
		`name="a" b"`:                     `name:a" b`,
		`name=a"b#c"d`:                    `name:a"b#c"d`,
		`name="a' # b`:                    `name:"a' # b`,
		`name="a\"#b" # c`:                `name:a"#b`,
		"name='":                          "name:'",
		"name=''":                         "name:",
		`name=a\sb\tc\\sd\qe\`:            "name:a b\tc\\sd\\qe\\",
		`name="\r\n\b\""`:                 "name:\r\n\b\"",
		`name=C:\\keys\\s`:                `name:C:\keys\s`,
		"# name=value":                    "",
		"; name=value":                    "",
		"":                                "",
		" \t name=value":                  "name:value",
		"early-plugin-load=a=b.so;c.so #": "early_plugin_load:a=b.so;c.so",
	} {
		f := optionfile.Read(filepath.Join(tree(t, map[string]string{"my.cnf": "[mysqld]\n" + line + "\n"}), "my.cnf"))
		got := ""
		for _, o := range f.All {
			got = o.Name + ":" + o.Value
			if o.Loose {
				got += " loose"
			}
			if o.Line != 2 || o.Group != "mysqld" {
				t.Errorf("%q: %+v", line, o)
			}
		}
		if got != want || f.Problems != nil {
			t.Errorf("%q: %q, not %q; %v", line, got, want, f.Problems)
		}
	}
}

// Of the groups that the server reads, the last line counts, whichever file it is in.
func TestLast(t *testing.T) {
	dir := tree(t, map[string]string{
		"my.cnf": "[client]\nx=client\n[mysqld]\nx=1\ny=1\n!include $DIR/more.cnf\n!includedir\t$DIR/conf.d\nz=3\n" +
			"[mysqld-9.7] tail\nw=4\n[server]\nv=5\n[ mysqld]\nv=6\n[mysqld_safe]\nv=7\n",
		"more.cnf":         "[mysqld]\nx=2\n",
		"conf.d/b.cnf":     "[mysqld]\ny=b\n",
		"conf.d/a.cnf":     "[mysqld]\ny=a\n",
		"conf.d/c.txt":     "[mysqld]\ny=c\n",
		"conf.d/d.cnf/any": "",
	})
	f := optionfile.Read(dir + "/my.cnf")
	for name, want := range map[string]string{
		"x": "2 $DIR/more.cnf:2", "y": "b $DIR/conf.d/b.cnf:2", "z": "3 $DIR/my.cnf:8", "w": "4 $DIR/my.cnf:10", "v": "5 $DIR/my.cnf:12", "u": "",
	} {
		got := ""
		if o, ok := f.Last(name); ok {
			got = strings.ReplaceAll(fmt.Sprintf("%s %s:%d", o.Value, o.File, o.Line), dir, "$DIR")
		}
		if got != want {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
	}
	want := []string{dir + "/my.cnf", dir + "/more.cnf", dir + "/conf.d/a.cnf", dir + "/conf.d/b.cnf"}
	if f.Problems != nil || !slices.Equal(f.Read, want) {
		t.Errorf("%v, %v", f.Problems, f.Read)
	}
}

// What is wrong is told with its place, and whether the server can do without.
func TestProblems(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		fatal bool
		want  string
	}{
		"no file":            {nil, false, "$DIR/my.cnf: no such file or directory. Correct the line that includes it."},
		"a folder":           {map[string]string{"my.cnf/x": ""}, true, "$DIR/my.cnf: it is not a regular file. Name an option file."},
		"too large":          {map[string]string{"my.cnf": strings.Repeat("#\n", 1<<20)}, true, "$DIR/my.cnf: it is too large for a configuration file. Put the right file there."},
		"open bracket":       {map[string]string{"my.cnf": "\n[mysqld\n"}, true, "$DIR/my.cnf, line 2: a group's name has no closing bracket: the server does not start. Write [mysqld]."},
		"no group":           {map[string]string{"my.cnf": "x=1\n"}, true, "$DIR/my.cnf, line 1: an option stands before any group: the server does not start. Write [mysqld] above it."},
		"no group, included": {map[string]string{"my.cnf": "[mysqld]\n!include $DIR/a\n", "a": "x=1"}, true, "$DIR/a, line 1: an option stands before any group: the server does not start. Write [mysqld] above it."},
		"absent include":     {map[string]string{"my.cnf": "!include $DIR/a\n"}, false, "$DIR/a: no such file or directory. Correct the line that includes it."},
		"absent folder":      {map[string]string{"my.cnf": "!includedir $DIR/a\n"}, true, "$DIR/my.cnf, line 1: $DIR/a: no such file or directory: the server does not start. Make the folder, or take the line out."},
		"include of nothing": {map[string]string{"my.cnf": "[mysqld]\n!include \n"}, true, "$DIR/my.cnf, line 2: there is nothing to include: the server does not start. Name it, or take the line out."},
		"other word":         {map[string]string{"my.cnf": "!including a\n"}, true, `$DIR/my.cnf, line 1: "!including a" is neither !include nor !includedir. Correct the line.`},
		"itself":             {map[string]string{"my.cnf": "!include $DIR/my.cnf\n"}, false, "$DIR/my.cnf, line 1: it is included too deep to count. Include fewer files in files."},
	} {
		dir := tree(t, c.files)
		f := optionfile.Read(dir + "/my.cnf")
		if len(f.Problems) != 1 {
			t.Errorf("%s: %v", name, f.Problems)
			continue
		}
		p := f.Problems[0]
		if d := cmp.Diff(c.want, strings.ReplaceAll(p.Error(), dir, "$DIR")); d != "" || p.Fatal != c.fatal {
			t.Errorf("%s: fatal %v\n%s", name, p.Fatal, d)
		}
	}
	file := tree(t, map[string]string{"my.cnf": "[mysqld]\nx=1\n"}) + "/my.cnf"
	if err := os.Chmod(file, 0o606); err != nil {
		t.Fatal(err)
	}
	if f := optionfile.Read(file); len(f.Problems) != 1 || !f.Problems[0].Fatal || f.All != nil || !strings.Contains(f.Problems[0].Error(), "chmod o-w "+file) {
		t.Errorf("one that everyone can change: %+v", f)
	}
}

func TestKeyrings(t *testing.T) {
	for list, want := range map[string][]string{
		"":                               nil,
		"keyring_aws.so":                 {"keyring_aws"},
		"keyring_aws":                    {"keyring_aws"},
		"keyring_udf.so; keyring_aws.so": {"keyring_aws"},
		"any=keyring_okv.so;keyring_aws=/lib/keyring_aws.so;;keyring_okv.so": {"keyring_okv", "keyring_aws"},
		"other.so": nil,
	} {
		f := optionfile.Read(tree(t, map[string]string{"my.cnf": "[mysqld]\nearly-plugin-load=" + list + "\n"}) + "/my.cnf")
		if got := f.Keyrings(); !slices.Equal(got, want) {
			t.Errorf("%q: %v, not %v", list, got, want)
		}
	}
}
