//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// script runs one of scripts/, as make does.
func script(t testing.TB, env []string, name string, args ...string) (string, error) {
	t.Helper()
	return scriptOf(t, suite.root, env, name, args...)
}

func scriptOf(t testing.TB, root string, env []string, name string, args ...string) (string, error) {
	t.Helper()
	all := append(append([]string{}, env...), filepath.Join(root, "scripts", name))
	return command(t, 2*time.Minute, "env", append(all, args...)...)
}

// `make run` goes through the whole of it; again, it only shows; a port that
// somebody has is named with the variable that changes it; `make stop` ends both
// servers, and may be said twice.
func TestMakeRun(t *testing.T) {
	t.Parallel()
	kmipPort, mysqlPort := freePort(t), freePort(t)
	dir := tempDir(t)
	env := []string{"MYSQLD=" + mysqldPath(t), "DBKEYRING_RUN=" + dir + "/run", fmt.Sprint("KMIP_PORT=", kmipPort), fmt.Sprint("MYSQL_PORT=", mysqlPort)}
	t.Cleanup(func() { script(t, env, "stop") })
	out, err := script(t, env, "run")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"InnoDB master key: rotated", "MySQL: restarted", "table read back: 'only with the key server'", "\nconnect:  ", "\nstop:     make stop\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("make run lacks %q:\n%s", want, out)
		}
	}
	// Each key stands in both lists, under the same identifier.
	ids := map[string]int{}
	for _, id := range regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}[ |]`).FindAllString(out, -1) {
		ids[strings.Trim(id, " |")]++
	}
	if len(ids) < 2 {
		t.Errorf("make run shows %d keys:\n%s", len(ids), out)
	}
	for id, n := range ids {
		if n != 2 {
			t.Errorf("%s stands in %d lists:\n%s", id, n, out)
		}
	}

	again, err := script(t, env, "run")
	if err != nil || strings.Count(again, "runs already") != 2 || strings.Contains(again, "rotated") {
		t.Errorf("the second run: %v:\n%s", err, again)
	}
	for _, taken := range []string{"KMIP_PORT", "MYSQL_PORT"} {
		elsewhere := append(env[:1:1], "DBKEYRING_RUN="+dir+"/"+taken, fmt.Sprint("KMIP_PORT=", freePort(t)), fmt.Sprint("MYSQL_PORT=", freePort(t)),
			fmt.Sprint(taken, "=", map[string]int{"KMIP_PORT": kmipPort, "MYSQL_PORT": mysqlPort}[taken]))
		out, err := script(t, elsewhere, "run")
		if err == nil || !strings.Contains(out, "is taken by another program. Choose one with "+taken+"=") {
			t.Errorf("%s taken: %v:\n%s", taken, err, out)
		}
		if out, err := script(t, elsewhere, "stop"); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
	for round, want := range []string{"stopped mysqld", ""} {
		out, err := script(t, env, "stop")
		if err != nil || !strings.Contains(out, want) || want == "" && out != "" {
			t.Errorf("stop %d: %v: %s", round, err, out)
		}
	}
}

// `make run DB=okv` plays the document's procedure, beside the other MySQL and on
// the same key server; `make stop` ends all three.
func TestMakeRunOKV(t *testing.T) {
	t.Parallel()
	env := []string{"MYSQLD=" + mysqldPath(t), "DBKEYRING_RUN=" + tempDir(t) + "/run", fmt.Sprint("KMIP_PORT=", freePort(t))}
	okv := append(env[:len(env):len(env)], "DB=okv", fmt.Sprint("MYSQL_PORT=", freePort(t)))
	kmip := append(env[:len(env):len(env)], fmt.Sprint("MYSQL_PORT=", freePort(t)))
	t.Cleanup(func() { script(t, env, "stop") })
	out, err := script(t, okv, "run")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"key server lists them: no objects found\n", "password-protected key: key.pem is encrypted", "started with keyring_okv",
		"| keyring_key_generate('MyKey', 'AES', 32) |", "| keyring_key_remove('MyKey') |", "InnoDB master key: rotated", "MySQL: restarted",
		"table read back: 'only with the key server'", "\nconnect:  ", "\nstop:     make stop\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("make run DB=okv lacks %q:\n%s", want, out)
		}
	}
	for _, name := range regexp.MustCompile(`INNODBKey-[0-9a-f-]+`).FindAllString(out, -1) {
		if strings.Count(out, name) != 2 {
			t.Errorf("%s does not stand in both lists:\n%s", name, out)
		}
	}
	if strings.Contains(out, "MyKey  ") || !strings.Contains(out, "INNODBKey-") {
		t.Errorf("the keys of make run DB=okv:\n%s", out)
	}
	if again, err := script(t, okv, "run"); err != nil || strings.Count(again, "runs already") != 2 || strings.Contains(again, "rotated") {
		t.Errorf("the second run: %v:\n%s", err, again)
	}
	if out, err := script(t, kmip, "run"); err != nil || !strings.Contains(out, "started with component_keyring_kmip") {
		t.Errorf("make run beside it: %v:\n%s", err, out)
	}
	if out, err := script(t, append(env[:len(env):len(env)], "DB=oracle"), "run"); err == nil || !strings.Contains(out, "Say DB=kmip") {
		t.Errorf("DB=oracle: %v:\n%s", err, out)
	}
	if out, err := script(t, env, "stop"); err != nil || !strings.Contains(out, "stopped mysqld") || !strings.Contains(out, "stopped okv/mysqld") || !strings.Contains(out, "stopped keyserver") {
		t.Errorf("stop: %v: %s", err, out)
	}
}

// `make clean-all` takes away what make made, and nothing that somebody else has
// put into the same folders.
func TestMakeCleanAll(t *testing.T) {
	t.Parallel()
	root, cache, run := tempDir(t), tempDir(t), tempDir(t)
	copyTree(t, filepath.Join(suite.root, "scripts"), root)
	ours := []string{root + "/build/bin/dbkeyring", cache + "/sid/usr/hostbin/mysqld", cache + "/sid.abcdef/x", run + "/keys/data.db", run + "/mysql/data/ibdata1", run + "/okv/mysql/data/ibdata1", run + "/endpoint/a.pem", run + "/keyserver.log", run + "/mysqld.pid",
		run + "/kms/keyring-mysql/aws-keyring-data", run + "/aws/my.cnf", run + "/moto.log"}
	theirs := []string{cache + "/other", run + "/notes.txt"}
	for _, file := range append(ours, theirs...) {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, file, "", 0o644)
	}
	env := []string{"DBKEYRING_CACHE=" + cache, "DBKEYRING_RUN=" + run}
	if out, err := scriptOf(t, root, env, "clean"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, file := range ours {
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%s is left", file)
		}
	}
	for _, file := range theirs {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}

// A server that cannot load the module is refused before anything is started.
func TestMakeRefusesOtherServers(t *testing.T) {
	t.Parallel()
	maria := filepath.Join(tempDir(t), "mysqld")
	writeFile(t, maria, "#!/bin/sh\necho 'mysqld  Ver 10.11.6-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)'\n", 0o755)
	for path, want := range map[string]string{
		maria:           "is MariaDB, which has no keyring components: name the mysqld of a MySQL or Percona Server",
		"/bin/false":    "/bin/false does not run",
		"/nowhere/here": "/nowhere/here is no program: name the mysqld of a MySQL or Percona Server.",
		"/tmp":          "/tmp is no program",
	} {
		if out, err := script(t, []string{"MYSQLD=" + path}, "mysql"); err == nil || !strings.Contains(out, want) {
			t.Errorf("MYSQLD=%s: %v: %s", path, err, out)
		}
	}
	for path, want := range map[string]string{"/bin/false": "/bin/false does not run", "/nowhere/here": "/nowhere/here is no program: name a moto_server, or none, and one is fetched."} {
		if out, err := script(t, []string{"MOTO_SERVER=" + path}, "moto"); err == nil || !strings.Contains(out, want) {
			t.Errorf("MOTO_SERVER=%s: %v: %s", path, err, out)
		}
	}
}

// `make install` puts the modules into a server's folder, also while it has the
// old ones loaded.
func TestMakeInstall(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	m := newMySQL(t, "--skip-log-bin").useKMIP(ks.Config).start().functions()
	inode := func() uint64 {
		info, err := os.Stat(m.path("plugins/libdbkeyring.so"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys().(*syscall.Stat_t).Ino
	}
	loaded := inode()
	out, err := script(t, nil, "install", m.path("plugins"))
	if err != nil || !strings.Contains(out, "installed "+m.path("plugins/"+component+".so")) || !strings.Contains(out, "libdbkeyring.so") {
		t.Fatalf("%v: %s", err, out)
	}
	if inode() == loaded {
		t.Error("the library was overwritten under the server that has it loaded")
	}
	m.want("1", "SELECT keyring_key_generate('k', 'AES', 32)")
	m.exec("ALTER INSTANCE RELOAD KEYRING", "ALTER INSTANCE ROTATE INNODB MASTER KEY")
	m.restart() // with the new ones
	m.want("32", "SELECT keyring_key_length_fetch('k')")
	m.stop()
	if left, _ := filepath.Glob(m.path("plugins/.*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	for dir, want := range map[string]string{"": "make install PLUGINDIR=DIR", "/nowhere": "PLUGINDIR=/nowhere is no folder: name the one that SELECT @@plugin_dir shows"} {
		if out, err := script(t, nil, "install", dir); err == nil || !strings.Contains(out, want) {
			t.Errorf("PLUGINDIR=%s: %v: %s", dir, err, out)
		}
	}
}
