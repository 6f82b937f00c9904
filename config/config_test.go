package config_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dbkeyring/dbkeyring/config"
)

func TestParseObject(t *testing.T) {
	got, err := config.ParseObject([]byte(" {\n\"a\" : \"x\\\"}\",\n\n \"b\":[1,{\"c\":\"]\"}] , \"\\u0061\":-1.5e3\n,\"d\":true,\"e\":null,\"f\":{}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	want := []config.Member{
		{"a", raw(`"x\"}"`), 2}, {"b", raw(`[1,{"c":"]"}]`), 4}, {"a", raw(`-1.5e3`), 4},
		{"d", raw("true"), 5}, {"e", raw("null"), 5}, {"f", raw("{}"), 5},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got, err := config.ParseObject([]byte("{ }")); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
}

func TestParseObject_Errors(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "line 1: the file is empty",
		" \n ":                  "line 1: the file is empty",
		"[]":                    "line 1: it is not a JSON object, which stands in braces { }",
		"\n\nnull":              "line 3: it is not a JSON object, which stands in braces { }",
		"\"{}\"":                "line 1: it is not a JSON object, which stands in braces { }",
		"{\n\"a\": 1,\n}":       "line 3: it is not JSON: there is a comma before the closing brace",
		"{\n\"a\": 1\n\"b\":2}": "line 3: it is not JSON: invalid character '\"' after object key:value pair",
		"{\n\"a\": 1\n":         "line 2: it is not JSON: it ends before the closing brace",
		"{\n} \n x":             "line 3: it is not JSON: invalid character 'x' after top-level value, nothing may follow the closing brace",
		"{ # remark\n}":         "line 1: it is not JSON: invalid character '#' looking for beginning of object key string",
		"{\n\"a\": \"\xff\"}":   "line 2: it is not UTF-8",
		"{'a': 1}":              "line 1: it is not JSON: invalid character '\\'' looking for beginning of object key string",
	} {
		if _, err := config.ParseObject([]byte(in)); err == nil || err.Error() != want {
			t.Errorf("%q:\ngot  %v\nwant %s", in, err, want)
		}
	}
}

func FuzzParseObject(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1}`, ` {"a" : [ "}" , {"b":null} ] , "c":"\\" } `, `[1]`, `{"a":1}x`, "{\"a\":\n-0.5e-1}", `{"a":{}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		members, err := config.ParseObject(data)
		var want map[string]json.RawMessage
		stdErr := json.Unmarshal(data, &want)
		if err != nil {
			if _, ok := errors.AsType[*config.SyntaxError](err); !ok {
				t.Errorf("not a SyntaxError: %v", err)
			}
			return
		}
		if stdErr != nil {
			t.Fatalf("taken, and encoding/json says %v", stdErr)
		}
		got := map[string]json.RawMessage{}
		line := 0
		for _, m := range members {
			got[m.Name] = m.Value
			if m.Line < line {
				t.Error("lines go backwards")
			}
			line = m.Line
		}
		if len(got) != len(want) {
			t.Fatalf("%d members, want %d", len(got), len(want))
		}
		for name, v := range got {
			if string(v) != string(want[name]) {
				t.Errorf("%q: %s, want %s", name, v, want[name])
			}
		}
	})
}

func TestFaults(t *testing.T) {
	if err := (config.Faults)(nil).Err(); err != nil {
		t.Error("no faults are an error:", err)
	}
	one := &config.Fault{Option: "a", File: "/f", Line: 3, Problem: "it is bad", Cure: "Make it good.", Err: fs.ErrNotExist}
	two := &config.Fault{File: "/f", Problem: "it is empty"}
	if got := (config.Faults{one}).Error(); got != "a (/f, line 3): it is bad. Make it good." {
		t.Error(got)
	}
	err := config.Faults{one, two}.Err()
	if got := err.Error(); got != "2 faults in the configuration. (1) a (/f, line 3): it is bad. Make it good. (2) /f: it is empty." {
		t.Error(got)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
}

func TestBase_Resolve(t *testing.T) {
	cwd, dir := t.TempDir(), t.TempDir()
	for _, p := range []string{filepath.Join(cwd, "both"), filepath.Join(dir, "both"), filepath.Join(dir, "beside")} {
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cnf := filepath.Join(dir, "x.cnf")
	for _, c := range []struct {
		base       config.Base
		path, want string
		tried      []string
	}{
		{config.Base(cwd), "/abs/x", "/abs/x", []string{"/abs/x"}},
		{config.Base(cwd), "both", cwd + "/both", []string{cwd + "/both"}},
		{config.Base(cwd), "beside", dir + "/beside", []string{cwd + "/beside", dir + "/beside"}},
		{config.Base(cwd), "./no/../where", dir + "/where", []string{cwd + "/where", dir + "/where"}},
		{"", "both", dir + "/both", []string{dir + "/both"}},
		{config.Base(dir), "none", dir + "/none", []string{dir + "/none"}},
	} {
		if got, tried := c.base.Resolve(c.path, cnf); got != c.want || !slices.Equal(tried, c.tried) {
			t.Errorf("%q in %q: %q, %q", c.path, c.base, got, tried)
		}
	}
	t.Chdir(cwd)
	if got := config.CurrentBase(); string(got) != cwd {
		t.Errorf("the current base is %q", got)
	}
}
