// Package hosttest loads the modules into C programs that play the database.
package hosttest_test

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hostSources is the program that plays the database.
var hostSources = []string{filepath.Join("testdata", "host.c"), filepath.Join("testdata", "plugin_host.c")}

// built is the folder with the test build of the modules and the host program.
var built string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if slices.Contains(os.Args, "-test.short=true") {
		fmt.Println("the C hosts are left out of a short run")
		return 0
	}
	for _, tool := range []string{"gcc", "make"} {
		if _, err := exec.LookPath(tool); err != nil {
			fmt.Fprintf(os.Stderr, "The modules are tested in C programs, and there is no %s: apt-get install %s\n", tool, tool)
			return 1
		}
	}
	dir, err := os.MkdirTemp("", "hosttest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built = dir
	for _, c := range [][]string{
		{"make", "-s", "-C", "../..", "-f", "module/module.mk", "MODULE_LIB=" + dir, "MODULE_TAGS=memorykeyring,faultinject", "modules"},
		{"gcc", "-O1", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-rdynamic", "-pthread", "-o", filepath.Join(dir, "host"), hostSources[0], hostSources[1]},
	} {
		cmd := exec.Command(c[0], c[1:]...)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", strings.Join(c, " "), err)
			return 1
		}
	}
	return m.Run()
}

// host runs the commands in a fresh folder, which DIR in a command stands for,
// and returns what it printed, with DIR again for the folder.
func host(t *testing.T, env []string, commands ...string) string {
	t.Helper()
	return hostOf(t, built, env, commands...)
}

// hostOf does so with the host program and the modules in the folder modules.
func hostOf(t *testing.T, modules string, env []string, commands ...string) string {
	t.Helper()
	noteSources(t)
	dir := t.TempDir()
	for _, c := range []string{"component_keyring_kmip.cnf", "component_keyring_kms.cnf"} {
		if err := os.WriteFile(filepath.Join(dir, c), []byte("ok"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{modules}
	for _, c := range commands {
		args = append(args, strings.ReplaceAll(c, "DIR", dir))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(modules, "host"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	text := strings.ReplaceAll(string(out), dir, "DIR")
	if err != nil || ctx.Err() != nil {
		t.Fatalf("the host: %v (%v)\n%s", err, ctx.Err(), text)
	}
	return text
}

// noteSources looks at every source file, for the go command to see that the
// result of a test depends on them: it knows nothing of what make builds.
func noteSources(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "build"):
			return filepath.SkipDir
		case slices.Contains([]string{".go", ".c", ".h", ".map", ".mk", ".mod"}, filepath.Ext(path)):
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // removed meanwhile
		t.Fatal(err)
	}
}

const (
	openKMIP = "open component_keyring_kmip"
	loadDir  = "load DIR/ DIR/data/"
	isOpen   = "log 3 Keyring 11071 component_keyring_kmip: The test keyring is open. file=DIR/component_keyring_kmip.cnf"
)

// expect compares the output with lines that are joined by line breaks.
func expect(t *testing.T, got string, want ...string) {
	t.Helper()
	if d := cmp.Diff(strings.Join(want, "\n")+"\nend\n", got); d != "" {
		t.Error(d)
	}
}

func TestServices(t *testing.T) {
	got := host(t, nil, openKMIP, "ready", loadDir, "ready",
		"fetch k -", "store k - AES 0123456789abcdef", "store k - AES again", "fetch k -", "fetch k other@host",
		"generate g u@h SECRET 16384", "fetch g u@h", "generate g u@h SECRET 1", "native k - 64", "native k - 5", "native no - 64",
		"keys 256", "keys 2", "remove k -", "remove k -", "fetch k -", "status", "deinit")
	expect(t, got,
		"init component_keyring_kmip 0", "ready 0", isOpen, "load 0", "ready 1",
		"fetch k: absent", "store k: 0",
		"log 1 Keyring 11071 component_keyring_kmip: Could not store key 'k': a key of this name exists already", "store k: 1",
		"fetch k: AES 16 bytes 0123456789abcdef", "fetch k: absent",
		"generate g: 0", "fetch g: SECRET 16384 bytes ",
		"log 1 Keyring 11071 component_keyring_kmip: Could not generate key 'g' of 'u@h': a key of this name exists already", "generate g: 1",
		"native k: 0 native-k", "native k: 0 nati", "native no: 1 ",
		"key 'k' (1) of '' (0)", "key 'g' (1) of 'u@h' (3)", "keys 2",
		"key 'k' (1) of '' (0)", "key 'g' (1) of 'u' (3)", "keys 2",
		"remove k: 0", "log 1 Keyring 11071 component_keyring_kmip: Could not remove key 'k': there is no such key", "remove k: 1",
		"fetch k: absent",
		"status Component_name=component_keyring_kmip", "status Author=dbkeyring", "status License=Apache-2.0",
		"status Implementation_name=component_keyring_kmip", "status Version=1.0", "status Component_status=Active",
		"status Config_file=DIR/component_keyring_kmip.cnf", "status Instance_path=DIR/data/", "status First_dir=DIR",
		"deinit 0")
}

func TestAES(t *testing.T) {
	got := host(t, nil, openKMIP, loadDir, "store k - aes 0123456789abcdef", "store s - SECRET abc",
		"aes k cbc", "aes k cfb1", "aes k cfb8", "aes k cfb128", "aes k ofb", "aes k ecb", "aes s cbc", "aes absent cbc")
	// Made with: printf 'the quick brown fox\0' | openssl enc -aes-256-MODE -iv 30313233343536373839616263646566
	//            -K $(printf 0123456789abcdef | sha256sum | cut -c1-64)
	expect(t, got, "init component_keyring_kmip 0", isOpen, "load 0", "store k: 0", "store s: 0",
		"aes cbc: 32 34f15674cd3a7e4d6ea79c28cfc7d2c84bb630958c530fc623b911c2441d1bd6", "aes cfb1: 20 63b0f6745cd34cd48154fc5e8fa232a9c75ed1ab", "aes cfb8: 20 0c3e658c17a01831c5d23ca9602db837f1da4560", "aes cfb128: 20 0cbae81fe8f83e7c3c41e046c6f7d47b5119b65f", "aes ofb: 20 0cbae81fe8f83e7c3c41e046c6f7d47b721875d5",
		"aes ecb: no size",
		"log 1 Keyring 11071 component_keyring_kmip: Could not use key 's': the key's type is \"SECRET\", keyring_aes needs AES", "aes cbc: error",
		"aes cbc: error")
}

func TestReload(t *testing.T) {
	cnf := "DIR/component_keyring_kmip.cnf"
	got := host(t, nil, openKMIP, loadDir, "generate k - AES 32", "config "+cnf+" nonsense", loadDir, "ready", "config "+cnf+" ok", "fetch k -", "chdir /", loadDir, "status")
	if !strings.Contains(got, "component_keyring_kmip: The keyring was not reloaded, the keys of the last load stay in use: read the configuration: no such word in DIR/component_keyring_kmip.cnf: nonsense\nload 1\nready 1\n") ||
		!strings.Contains(got, "fetch k: AES 32 bytes") || !strings.Contains(got, "status First_dir=DIR\n") || !strings.HasSuffix(got, "end\n") {
		t.Error(got)
	}
}

func TestFirstLoadFailsAndHeals(t *testing.T) {
	cnf := "DIR/component_keyring_kmip.cnf"
	got := host(t, nil, openKMIP, "config "+cnf+" unreachable", loadDir, "ready", "fetch k -", "keys 64", "status", "config "+cnf+" ok", "await 1000", "fetch k -")
	for _, want := range []string{"load 1\nready 0\nfetch k: error\nkeys: error\n", "status Component_status=Disabled\nstatus Config_file=DIR", "ready 1\n", "fetch k: absent\nend\n", "nobody listens. It is tried again in the background", "The keyring is available now."} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestNoLogService(t *testing.T) {
	got := host(t, nil, "nolog", openKMIP, "config DIR/component_keyring_kmip.cnf nonsense", loadDir)
	if !strings.Contains(got, "[Error] component_keyring_kmip: The keyring is not available: read the configuration: no such word") {
		t.Error(got)
	}
}

func TestInstallComponentIsRefused(t *testing.T) {
	got := host(t, nil, "set mysqld_server_started 1", openKMIP, "libraries")
	sentence := `use the manifest file instead: write {"components": "file://component_keyring_kmip"} into mysqld.my beside mysqld and restart the server`
	expect(t, got, "log 1 Keyring 11071 component_keyring_kmip: INSTALL COMPONENT is too late for a keyring: "+sentence+".",
		"error 1123 flags 0: Can't initialize function 'component_keyring_kmip'; "+sentence,
		"init component_keyring_kmip 1", "libraries 0")
}

// --help, --validate-config and --initialize with a key server that never answers.
func TestQuickStarts(t *testing.T) {
	frozen := "config DIR/component_keyring_kmip.cnf frozen"
	got := host(t, nil, "set opt_help 1", openKMIP, frozen, "timed-load DIR/ - 100", "libraries", "threads", "deinit")
	expect(t, got, "init component_keyring_kmip 0", "load 0, within 100 ms", "libraries 0", "threads one", "deinit 0")

	got = host(t, nil, "set opt_initialize 1", openKMIP, frozen, "timed-load DIR/ - 2000", "ready", "deinit")
	if !strings.Contains(got, "load 1, within 2000 ms\nready 0\n") || !strings.HasSuffix(got, "deinit 0\nend\n") {
		t.Error(got)
	}
	// The configuration is checked, nothing else.
	got = host(t, nil, "set opt_validate_config 1", openKMIP, "config DIR/component_keyring_kmip.cnf nonsense", loadDir, "ready")
	if !strings.Contains(got, "no such word") || !strings.Contains(got, "load 1\nready 0\n") {
		t.Error(got)
	}
	got = host(t, nil, "set opt_validate_config 1", openKMIP, frozen, "timed-load DIR/ - 1000", "ready")
	expect(t, got, "init component_keyring_kmip 0", "load 0, within 1000 ms", "ready 0")
}

func TestDaemonize(t *testing.T) {
	got := host(t, nil, "set daemonize 1", openKMIP, loadDir, "threads", "libraries", "ready", "fetch k -", "status",
		"chdir /", "daemon-fork", "threads", "libraries", "daemon-fork", "libraries", "ready", "generate k - AES 32", "fetch k -", "masks", "term", "deinit")
	for _, want := range []string{
		"load 0\nthreads one\nlibraries 0\nready 0\nfetch k: error\n", "status Component_status=Disabled\nthreads one\nlibraries 0\n" + isOpen + "\nlibraries 1\nready 1\ngenerate k: 0\nfetch k: AES 32 bytes",
		"got SIGTERM 20\ndeinit 0\nend\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// A server that forks only once opens the keyring at its first use.
func TestOneFork(t *testing.T) {
	got := host(t, nil, "set daemonize 1", openKMIP, loadDir, "fork", "fetch k -", "ready")
	expect(t, got, "init component_keyring_kmip 0", "load 0", isOpen, "fetch k: absent", "ready 1")
}

func TestForkAfterOpening(t *testing.T) {
	got := host(t, nil, openKMIP, loadDir, "generate k - AES 32", "fork", "fetch k -", "ready", "keys 64", loadDir, "status", "deinit")
	if strings.Count(got, "This process was forked after the keyring was opened") != 1 ||
		!strings.Contains(got, "fetch k: error\nready 0\nkeys: error\nload 1\n") || !strings.HasSuffix(got, "deinit 0\nend\n") {
		t.Error(got)
	}
}

func TestSignals(t *testing.T) {
	got := host(t, nil, openKMIP, loadDir, "storm 8 20", "masks", "term", "fetch k -")
	expect(t, got, "init component_keyring_kmip 0", isOpen, "load 0", "storm faults 0, alarms some",
		"other threads some, open signals 0, blocked here 0", "got SIGTERM 20", "fetch k: absent")
}

// A connection that the key server closed raises SIGPIPE, which ends a host that
// does not ignore it, such as mysql_migrate_keyring, unless Go gets it.
func TestBrokenPipe(t *testing.T) {
	got := host(t, nil, openKMIP, loadDir, "fetch broken-pipe -", "fetch k -")
	expect(t, got, "init component_keyring_kmip 0", isOpen, "load 0",
		"log 1 Keyring 11071 component_keyring_kmip: Could not fetch key 'broken-pipe': broken pipe", "fetch broken-pipe: error", "fetch k: absent")
}

func TestThreadStorm(t *testing.T) {
	got := host(t, nil, openKMIP, loadDir, "storm 40 200", "keys 64", "deinit")
	expect(t, got, "init component_keyring_kmip 0", isOpen, "load 0", "storm faults 0, alarms some", "keys 0", "deinit 0")
}

// mysql_migrate_keyring has a source and a destination in one process.
func TestTwoComponentsShareOneLibrary(t *testing.T) {
	got := host(t, nil, openKMIP, loadDir, "generate a - AES 32", "open component_keyring_kms", "load DIR -", "libraries", "fetch a -", "status", "deinit", openKMIP, "fetch a -")
	if !strings.Contains(got, "init component_keyring_kms 0\n") || !strings.Contains(got, "libraries 1\nfetch a: AES 32 bytes") ||
		!strings.Contains(got, "status Component_name=component_keyring_kms\n") || !strings.HasSuffix(got, "deinit 0\ninit component_keyring_kmip 0\nfetch a: AES 32 bytes \nend\n") {
		t.Error(got)
	}
}

func TestLoadAgainAfterDeinit(t *testing.T) {
	got := host(t, nil, openKMIP, loadDir, "generate a - AES 32", "deinit", "fetch a -", openKMIP, loadDir, "fetch a -", "libraries", "deinit")
	if !strings.Contains(got, "deinit 0\nfetch a: error\n") || !strings.HasSuffix(got, "fetch a: AES 32 bytes \nlibraries 1\ndeinit 0\nend\n") {
		t.Error(got)
	}
}

func TestPanicDoesNotEndTheHost(t *testing.T) {
	got := host(t, nil, openKMIP, loadDir, "store k - AES 0123456789abcdef", "fetch dbkeyring-panic -", "ready", "fetch k -", "store x - AES a", "keys 64", "status", loadDir, "ready", "fetch k -")
	for _, want := range []string{
		"A fault in dbkeyring, please report it: injected panic in fetch", "fetch dbkeyring-panic: error\nready 0\nfetch k: error\nstore x: 1\nkeys: error\n",
		"status Component_status=Disabled", "load 0\nready 1\nfetch k: AES 16 bytes 0123456789abcdef\nend\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	got = host(t, []string{"DBKEYRING_PANIC=load"}, openKMIP, loadDir, "ready", "fetch k -", "status")
	if !strings.Contains(got, "injected panic in load") || !strings.Contains(got, "load 1\nready 0\nfetch k: error\n") {
		t.Error(got)
	}
}

func TestLibraryIsMissing(t *testing.T) {
	lone := t.TempDir()
	shim, err := os.ReadFile(filepath.Join(built, "component_keyring_kmip.so"))
	if err == nil {
		err = os.WriteFile(filepath.Join(lone, "component_keyring_kmip.so"), shim, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(built, "host"), lone, openKMIP, "load / -", "ready", "fetch k -", "status").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("libdbkeyring.so is not in the folder of component_keyring_kmip.so. Copy it there: make install PLUGINDIR=...\nload 1\nready 0\nfetch k: error\nstatus Component_name=component_keyring_kmip\n")) {
		t.Errorf("%v\n%s", err, out)
	}
	// A link to the shim finds the library beside the real file.
	if err := errors.Join(os.Remove(filepath.Join(lone, "component_keyring_kmip.so")), os.Symlink(filepath.Join(built, "component_keyring_kmip.so"), filepath.Join(lone, "component_keyring_kmip.so"))); err != nil {
		t.Fatal(err)
	}
	out, err = exec.Command(filepath.Join(built, "host"), lone, openKMIP, "load "+lone+" -", "libraries").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("libraries 1\n")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestUnderSanitizers(t *testing.T) {
	dir := sanitized(t, "component_keyring_kmip", "component.c")
	got := hostOf(t, dir, nil, openKMIP, "status", loadDir, "store k - AES 0123456789abcdef", "fetch k -", "fetch none -", "generate g u@h SECRET 16384", "fetch g u@h",
		"keys 256", "keys 2", "status", "native g u@h 4", "aes k cbc", "aes k cfb1", "storm 8 20", loadDir, "config DIR/component_keyring_kmip.cnf nonsense", loadDir,
		"remove k -", "fetch dbkeyring-panic -", "status", "deinit", "fetch k -")
	if strings.Contains(got, "Sanitizer") || strings.Contains(got, "runtime error") || !strings.Contains(got, "storm faults 0") || !strings.HasSuffix(got, "deinit 0\nfetch k: error\nend\n") {
		t.Error(got)
	}
}

func TestExportedSymbols(t *testing.T) {
	header, err := os.ReadFile("../core/dbkeyring.h")
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, m := range regexp.MustCompile(`(?m)^int (dbk_\w+)\(`).FindAllStringSubmatch(string(header), -1) {
		declared = append(declared, m[1])
	}
	slices.Sort(declared)
	if len(declared) != 24 {
		t.Errorf("dbkeyring.h declares %d functions: %v", len(declared), declared)
	}
	plugin := []string{"_mysql_plugin_declarations_", "_mysql_plugin_interface_version_", "_mysql_sizeof_struct_st_plugin_", "my_plugin_log_service", "my_snprintf_service", "mysql_malloc_service", "plugin_registry_service", "thd_alloc_service"}
	for name, want := range map[string][]string{
		"libdbkeyring.so": declared, "component_keyring_kmip.so": {"list_components"}, "component_keyring_kms.so": {"list_components"},
		"keyring_okv.so":          plugin,
		"dbkeyring_wiredtiger.so": {"dbkeyring_wt_10_0", "dbkeyring_wt_11_3", "dbkeyring_wt_3_2", "wiredtiger_extension_init"},
		"keyring_aws.so": slices.Concat(plugin[:3], []string{
			"keyring_aws_rotate_cmk", "keyring_aws_rotate_cmk_deinit", "keyring_aws_rotate_cmk_init", "keyring_aws_rotate_cms", "keyring_aws_rotate_cms_deinit",
			"keyring_aws_rotate_cms_init", "keyring_aws_rotate_keys", "keyring_aws_rotate_keys_deinit", "keyring_aws_rotate_keys_init",
		}, plugin[3:]),
	} {
		f, err := elf.Open(filepath.Join(built, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		symbols, err := f.DynamicSymbols()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range symbols {
			if s.Section != elf.SHN_UNDEF {
				got = append(got, s.Name)
			}
		}
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s exports:\n%s", name, d)
		}
		flags1, err := f.DynValue(elf.DT_FLAGS_1)
		if err != nil || len(flags1) != 1 {
			t.Fatalf("%s: DT_FLAGS_1 %v, %v", name, flags1, err)
		}
		if elf.DynFlag1(flags1[0])&elf.DF_1_NOW == 0 {
			t.Errorf("%s is not bound at load", name)
		}
		if unloadable := elf.DynFlag1(flags1[0])&elf.DF_1_NODELETE == 0; unloadable != (name != "libdbkeyring.so") {
			t.Errorf("%s: may be unloaded: %v", name, unloadable)
		}
		libs, err := f.ImportedLibraries()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range libs {
			if l != "libc.so.6" {
				t.Errorf("%s needs %s", name, l)
			}
		}
	}
}
