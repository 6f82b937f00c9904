package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/secret"
)

func TestMain(m *testing.M) {
	kmstest.ClearEnvironment()
	testscript.Main(m, map[string]func(){"dbkeyring": main})
}

// TestScript runs testdata/*.txtar. A script starts servers in the background,
// on ports that the system chooses, and reads the address out of `status`.
func TestScript(t *testing.T) {
	kms := kmstest.New(t)
	kms.Credentials(awskms.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"})
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Deadline:            time.Now().Add(8 * time.Minute),
		Setup: func(e *testscript.Env) error {
			e.Setenv("DBKEYRING_DATA", e.WorkDir+"/data")
			e.Setenv("KMS", kms.URL)
			e.Setenv("KEY", kms.NewKey("eu-central-1"))
			e.Setenv("KEY2", kms.NewKey("eu-central-1"))
			e.Setenv("FARKEY", kms.NewKey("us-west-2"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"keystate": func(ts *testscript.TestScript, _ bool, args []string) { kms.SetState(args[0], args[1]) },
			"makekey":  cmdMakeKey,
			"getkey":   cmdGetKey,
			"mode":     cmdMode,
			"truncate": cmdTruncate,
			"head":     cmdHead,
			"setaddr":  cmdSetAddress,
			"signal":   cmdSignal,
			"waitfile": cmdWaitFile,
		},
	})
}

// cmdMakeKey: makekey CONFIG VAR NAME has the server of a configuration make an
// AES key and sets VAR to its Unique ID.
func cmdMakeKey(ts *testscript.TestScript, _ bool, args []string) {
	flags := clientFlags{Config: ts.MkAbs(args[0])}
	p := &process{ctx: context.Background(), stderr: io.Discard}
	ts.Check(flags.withClient(p, func(ctx context.Context, c *kmipclient.Client) error {
		answer, err := c.Create(ctx, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: kmip.Attributes{
			kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES),
			kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256),
			kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 12), // Encrypt, Decrypt
			kmip.NameAttribute(args[2]),
		}}})
		if err == nil {
			ts.Setenv(args[1], answer.UniqueIdentifier)
		}
		return err
	}))
}

// cmdGetKey: getkey CONFIG ID reads the key of a Unique ID, as a database does.
func cmdGetKey(ts *testscript.TestScript, _ bool, args []string) {
	flags := clientFlags{Config: ts.MkAbs(args[0])}
	p := &process{ctx: context.Background(), stderr: io.Discard}
	ts.Check(flags.withClient(p, func(ctx context.Context, c *kmipclient.Client) error {
		answer, err := c.Get(ctx, args[1])
		if err == nil {
			kmip.WipePayload(answer)
		}
		return err
	}))
}

// cmdMode: mode 600 FILE... checks permissions.
func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	for _, file := range args[1:] {
		info, err := os.Stat(ts.MkAbs(file))
		ts.Check(err)
		const digits = "01234567"
		m := info.Mode().Perm()
		if got := string([]byte{digits[m>>6&7], digits[m>>3&7], digits[m&7]}); (got == args[0]) == neg {
			ts.Fatalf("%s has mode %s", file, got)
		}
	}
}

// cmdTruncate: truncate FILE empties a file.
func cmdTruncate(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.Truncate(ts.MkAbs(args[0]), 0))
}

// cmdHead: head FROM N TO writes the first N bytes of a file into another.
func cmdHead(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(ts.ReadFile(args[0]))[:n], 0o600))
}

// cmdSetAddress: setaddr VAR sets VAR to the address in the last output of
// `dbkeyring status`.
func cmdSetAddress(ts *testscript.TestScript, _ bool, args []string) {
	_, rest, ok := strings.Cut(ts.ReadFile("stdout"), "KMIP on ")
	if !ok {
		ts.Fatalf("the output has no address")
	}
	address, _, _ := strings.Cut(rest, "\n")
	ts.Setenv(args[0], address)
}

// cmdSignal: signal TERM|HUP sends it to the process that was started last.
func cmdSignal(ts *testscript.TestScript, _ bool, args []string) {
	running := ts.BackgroundCmds()
	ts.Check(running[len(running)-1].Process.Signal(map[string]os.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}[args[0]]))
}

// cmdWaitFile: waitfile FILE waits until another process has made it.
func cmdWaitFile(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s does not come", args[0])
}

func TestLife(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1d": day, "365d": 365 * day, "2w": 14 * day, "10y": 3650 * day, "12h": 12 * time.Hour, "90m": 90 * time.Minute,
	} {
		var l life
		if err := l.UnmarshalText([]byte(text)); err != nil || time.Duration(l) != want {
			t.Errorf("%s = %v, %v", text, time.Duration(l), err)
		}
	}
	for _, text := range []string{"", "d", "0d", "-1d", "1.5d", "99999999999d", "1000y", "0s", "-1h", "soon"} {
		var l life
		if err := l.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "no life time") {
			t.Errorf("%q = %v, %v", text, time.Duration(l), err)
		}
	}
}

func TestUsageText(t *testing.T) {
	for mask, want := range map[int64]string{0: "none", 12: "Encrypt, Decrypt", 0x201: "Sign, Derive Key", 0x404: "Encrypt, 0x400"} {
		if got := usageText(mask); got != want {
			t.Errorf("%#x: %s", mask, got)
		}
	}
}

// TestListObjects_InPages: a server may give out a part at a time.
func TestListObjects_InPages(t *testing.T) {
	for name, test := range map[string]struct {
		keeper *kmiptest.Keeper
		fails  bool
	}{
		"whole":             {keeper: &kmiptest.Keeper{}},
		"in pages":          {keeper: &kmiptest.Keeper{PageLimit: 7}},
		"in pages, no more": {keeper: &kmiptest.Keeper{PageLimit: 7, IgnoresOffset: true}, fails: true},
		"no batches":        {keeper: &kmiptest.Keeper{NoBatches: true}},
	} {
		t.Run(name, func(t *testing.T) {
			ca := kmiptest.NewAuthority(t)
			server := kmiptest.NewServer(t, ca.ServerConfig(ca.Server()), test.keeper.Handle)
			for i := range 60 {
				test.keeper.Add(kmip.SymmetricKey(kmip.AlgorithmAES, secret.New(16)), kmip.StateActive, kmip.NameAttribute(fmt.Sprint(i)))
			}
			c, err := kmipclient.New(kmipclient.Options{Servers: []string{server.Addr}, TLS: ca.ClientConfig(ca.Client("me"))})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			got, err := listObjects(t.Context(), c)
			if test.fails {
				if err == nil || !strings.Contains(err.Error(), "the server has 60 objects and tells the Unique IDs of 7 only") {
					t.Errorf("%d objects, %v", len(got), err)
				}
				return
			}
			if err != nil || len(got) != 60 || got[59].Names[0] != "0" || got[59].State != "Active" {
				t.Errorf("%d objects, %v", len(got), err)
			}
		})
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"INNODBKey-1": "INNODBKey-1", "ключ": "ключ", "a b": "a b", "\x1b[2J": `"\x1b[2J"`, "a\nb": `"a\nb"`, "\xff": `"\xff"`,
		"": `""`, "a  b": `"a  b"`, " a": `" a"`,
	} {
		if got := printable(in); got != want {
			t.Errorf("%q = %s, want %s", in, got, want)
		}
	}
}
