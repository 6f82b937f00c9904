package hosttest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The plugin's configuration directories are A and B below.
const (
	okv        = "plugin keyring_okv DIR/a"
	configA    = "config DIR/a/keyring_okv.cnf ok"
	configB    = "config DIR/b/keyring_okv.cnf ok"
	openA      = "plugin log 2 Plugin keyring_okv reported: 'The test keyring is open. file=DIR/a/keyring_okv.cnf'"
	openB      = "plugin log 2 Plugin keyring_okv reported: 'The test keyring is open. file=DIR/b/keyring_okv.cnf'"
	notPointed = "plugin log 1 Plugin keyring_okv reported: 'For keyring_okv to be initialized, please point the keyring_okv_conf_dir variable to a directory containing Oracle Key Vault configuration file and ssl materials'"
)

// plugin runs the commands in a folder with the directories a and b.
func plugin(t *testing.T, env []string, commands ...string) string {
	t.Helper()
	return host(t, env, append([]string{"mkdir DIR/a", "mkdir DIR/b", configA, configB}, commands...)...)
}

func TestPlugin(t *testing.T) {
	got := plugin(t, nil, okv, "ready",
		"fetch k -", "store k - AES 0123456789abcdef", "store k - AES again", "fetch k -", "fetch k other@host",
		"generate g u@h SECRET 16384", "fetch g u@h", "keys 256", "fetch dummy_daemon_proxy_keyring_id -", "fetch dummy_daemon_proxy_keyring_id u@h",
		"remove k -", "remove k -", "fetch k -", "libraries", "deinit")
	expect(t, got,
		openA, "init keyring_okv 0", "ready 1",
		"fetch k: absent", "store k: 0",
		"plugin log 0 Plugin keyring_okv reported: 'Could not store key 'k': a key of this name exists already'", "store k: 1",
		"fetch k: AES 16 bytes 0123456789abcdef", "fetch k: absent",
		"generate g: 0", "fetch g: SECRET 16384 bytes ",
		"key 'k' (1) of '' (0)", "key 'g' (1) of 'u@h' (3)", "keys 2",
		"fetch dummy_daemon_proxy_keyring_id: absent", "fetch dummy_daemon_proxy_keyring_id: absent",
		"remove k: 0", "plugin log 0 Plugin keyring_okv reported: 'Could not remove key 'k': there is no such key'", "remove k: 1",
		"fetch k: absent", "libraries 1", "deinit 0")
}

// The directory is named later; until then the library is not even loaded.
func TestPluginWithoutDirectory(t *testing.T) {
	got := plugin(t, nil, "plugin keyring_okv -", "threads", "ready", "fetch k -", "store k - AES abc", "generate k - AES 16", "remove k -", "keys 64",
		"set-global DIR/a", "ready", "fetch k -", "deinit")
	expect(t, got,
		notPointed, "init keyring_okv 0", "threads one", "ready 0",
		"fetch k: error", "store k: 1", "generate k: 1", "remove k: 1", "keys: error",
		openA, "set done, it is 'DIR/a'", "ready 1", "fetch k: absent", "deinit 0")
}

func TestPluginOutage(t *testing.T) {
	down := "config DIR/a/keyring_okv.cnf unreachable"
	got := plugin(t, nil, okv, "generate k - AES 32", down, "fetch absent -", "fetch k -", "keys 64", "ready", configA, "fetch k -", "deinit")
	for _, want := range []string{"nobody listens'\nfetch absent: error\nfetch k: error\n", "keys: error\nready 1\nfetch k: AES 32 bytes"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	got = plugin(t, nil, down, okv, "ready", configA, "await 1000", "fetch k -")
	for _, want := range []string{"SET GLOBAL keyring_okv_conf_dir = @@GLOBAL.keyring_okv_conf_dir tries at once.'\ninit keyring_okv 0\nready 0\n", "ready 1\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestPluginSetGlobal(t *testing.T) {
	refused := func(why string) string {
		return "error 3198 flags 0: Function SET keyring_okv_conf_dir failed due to: " + why + "\nset refused, it is 'DIR/a'"
	}
	noDirectory := refused("it must name a directory. To end the use of this keyring: UNINSTALL PLUGIN keyring_okv.")
	got := plugin(t, nil, okv, "generate k - AES 32", "config DIR/b/keyring_okv.cnf nonsense", "set-global DIR/b", "set-global DIR/none", "set-global -", "set-global ''",
		"config DIR/b/keyring_okv.cnf unreachable", "set-global DIR/b", "fetch k -", configB, "set-global DIR/b",
		"config DIR/a/keyring_okv.cnf unreachable", "fetch k -", "set-global DIR/b", "deinit")
	kept := "plugin log 0 Plugin keyring_okv reported: 'The keyring was not reloaded, the keys of the last load stay in use: "
	nonsense := "read the configuration: no such word in DIR/b/keyring_okv.cnf: nonsense"
	none := "read the configuration: open DIR/none/keyring_okv.cnf: no such file or directory"
	expect(t, got, openA, "init keyring_okv 0", "generate k: 0",
		kept+nonsense+"'", refused(nonsense+"."), kept+none+"'", refused(none+"."), noDirectory, noDirectory,
		kept+"nobody listens'", refused("nobody listens."), "fetch k: AES 32 bytes ",
		openB, "set done, it is 'DIR/b'", "fetch k: AES 32 bytes ", openB, "set done, it is 'DIR/b'", "deinit 0")
}

// A statement may check a value and leave it at that.
func TestPluginSetPersistOnly(t *testing.T) {
	got := plugin(t, nil, okv, "generate k - AES 32", "set-persist-only DIR/b", "config DIR/b/keyring_okv.cnf unreachable", "fetch k -", "deinit")
	expect(t, got, openA, "init keyring_okv 0", "generate k: 0", openB, "set done, it is 'DIR/a'", "fetch k: AES 32 bytes ", "deinit 0")
}

// The shim is unmapped and its variables are lost; the library stays.
func TestPluginUninstall(t *testing.T) {
	round := []string{okv, "generate k - AES 32", "fetch k -", "deinit", "mapped /keyring_okv.so", "libraries"}
	got := plugin(t, nil, slices.Concat(round, []string{"plugin keyring_okv -", "set-global DIR/b", "remove k -", "deinit"}, round)...)
	once := openA + "\ninit keyring_okv 0\ngenerate k: 0\nfetch k: AES 32 bytes \ndeinit 0\nmapped 0\nlibraries 1"
	expect(t, got, once, notPointed, "init keyring_okv 0", openB, "set done, it is 'DIR/b'", "remove k: 0", "deinit 0", once)
}

// mysqld loads its plugins in the process that it forked to under --daemonize.
func TestPluginUnderDaemonize(t *testing.T) {
	got := plugin(t, nil, "set daemonize 1", okv, "generate k - AES 32", "masks", "term", "deinit")
	expect(t, got, openA, "init keyring_okv 0", "generate k: 0", "other threads some, open signals 0, blocked here 0", "got SIGTERM 20", "deinit 0")
}

func TestPluginAfterAFork(t *testing.T) {
	got := plugin(t, nil, okv, "generate k - AES 32", "fork", "fetch k -", "ready", "keys 64", "set-global DIR/b", "deinit")
	if strings.Count(got, "This process was forked after the keyring was opened") != 1 ||
		!strings.Contains(got, "fetch k: error\nready 0\nkeys: error\nerror 3198 ") || !strings.HasSuffix(got, "set refused, it is 'DIR/a'\ndeinit 0\nend\n") {
		t.Error(got)
	}
}

func TestPluginPanic(t *testing.T) {
	got := plugin(t, nil, okv, "store k - AES 0123456789abcdef", "fetch dbkeyring-panic -", "ready", "fetch k -", "set-global DIR/a", "ready", "fetch k -", "deinit")
	for _, want := range []string{
		"injected panic in fetch", "The keyring takes no more calls; SET GLOBAL keyring_okv_conf_dir = @@GLOBAL.keyring_okv_conf_dir opens a new one.'\nfetch dbkeyring-panic: error\nready 0\nfetch k: error\n",
		"set done, it is 'DIR/a'\nready 1\nfetch k: AES 16 bytes 0123456789abcdef\ndeinit 0\nend\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	got = plugin(t, []string{"DBKEYRING_PANIC=load"}, okv, "ready", "set-global DIR/b", "deinit")
	if strings.Count(got, "plugin log 0 Plugin keyring_okv reported: 'The keyring") != 2 || !strings.Contains(got, "set refused, it is 'DIR/a'\ndeinit 0\nend\n") {
		t.Error(got)
	}
}

func TestPluginQuickStarts(t *testing.T) {
	got := plugin(t, nil, "set opt_help 1", okv, "libraries", "threads", "deinit", "plugin keyring_okv -")
	expect(t, got, "init keyring_okv 0", "libraries 0", "threads one", "deinit 0", "init keyring_okv 0")
	got = plugin(t, nil, "set opt_validate_config 1", "config DIR/a/keyring_okv.cnf frozen", okv, "ready", "deinit")
	expect(t, got, "init keyring_okv 0", "ready 0", "deinit 0")
}

func TestPluginStorm(t *testing.T) {
	got := plugin(t, nil, okv, "storm 8 50", "keys 64", "deinit")
	expect(t, got, openA, "init keyring_okv 0", "storm faults 0, alarms some", "keys 0", "deinit 0")
}

// The server asks one keyring only, so a second of ours is a mistake, but for a
// migration.
func TestTwoKeyrings(t *testing.T) {
	warning := "plugin log 1 Plugin keyring_okv reported: 'keyring_okv is loaded beside component_keyring_kmip, and the server asks only one of them for its keys"
	if got := plugin(t, nil, openKMIP, loadDir, okv, "set-global DIR/b"); strings.Count(got, warning) != 1 {
		t.Error(got)
	}
	if got := plugin(t, nil, "migration", openKMIP, loadDir, okv); strings.Contains(got, "beside") {
		t.Error(got)
	}
}

// The migration server keeps an owner in 96 bytes, whatever its length is.
func TestMigrationOfALongOwner(t *testing.T) {
	fits, long := strings.Repeat("o", 95), strings.Repeat("o", 96)
	for _, open := range [][]string{{openKMIP, loadDir}, {okv}} {
		got := plugin(t, nil, slices.Concat([]string{"migration"}, open, []string{"generate k " + fits + " AES 32", "keys 256", "generate k " + long + " AES 32", "keys 256"})...)
		if !strings.Contains(got, "key 'k' (1) of '"+fits+"' (95)\nkeys 1\n") || !strings.Contains(got, "Use dbkeyring migrate.") || !strings.HasSuffix(got, "keys: error\nend\n") {
			t.Error(got)
		}
	}
}

func TestPluginUnderSanitizers(t *testing.T) {
	dir := sanitized(t, "keyring_okv", "plugin.c", "plugin_okv.c")
	got := hostOf(t, dir, nil, "mkdir DIR/a", "mkdir DIR/b", configA, configB, "plugin keyring_okv -", "set-global DIR/a", "store k - AES 0123456789abcdef", "fetch k -", "fetch none -",
		"generate g u@h SECRET 16384", "fetch g u@h", "keys 256", "storm 8 20", "set-global DIR/b", "set-global DIR/none", "set-global -", "set-persist-only DIR/a",
		"fetch dbkeyring-panic -", "ready", "deinit", okv, "fetch k -", "deinit")
	if strings.Contains(got, "Sanitizer") || strings.Contains(got, "runtime error") || !strings.Contains(got, "storm faults 0") ||
		!strings.HasSuffix(got, "fetch k: AES 16 bytes 0123456789abcdef\ndeinit 0\nend\n") {
		t.Error(got)
	}
}

// sanitized builds the host and a module of its own source files and those of all,
// to look for wrong memory accesses, undefined behaviour and leaks; any ends the host
// with a code of its own.
func sanitized(t *testing.T, module string, own ...string) string {
	t.Helper()
	dir := t.TempDir()
	sources, err := filepath.Glob("../mysql/*.c")
	if err != nil || len(sources) < 4 {
		t.Fatalf("%v, %v", sources, err)
	}
	sources = slices.DeleteFunc(sources, func(s string) bool {
		name := filepath.Base(s)
		return (strings.HasPrefix(name, "component") || strings.HasPrefix(name, "plugin")) && !slices.Contains(own, name)
	})
	flags := []string{"-g", "-O1", "-std=gnu11", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"}
	shim := append(slices.Clone(flags), "-fPIC", "-fvisibility=hidden", "-shared", "-DKEYRING="+module, "-o", filepath.Join(dir, module+".so"))
	for _, args := range [][]string{
		append(shim, sources...),
		append(flags, "-rdynamic", "-pthread", "-o", filepath.Join(dir, "host"), hostSources[0], hostSources[1]),
	} {
		if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
			t.Fatalf("gcc %v: %v\n%s", args, err, out)
		}
	}
	if err := os.Symlink(filepath.Join(built, "libdbkeyring.so"), filepath.Join(dir, "libdbkeyring.so")); err != nil {
		t.Fatal(err)
	}
	return dir
}
