//go:build e2e

package e2e

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// component is the module under test, keyringFile MySQL's own.
const (
	component   = "component_keyring_kmip"
	keyringFile = "component_keyring_file"
)

// MySQL is a mysqld with folders of its own:
//
//	bin/      a link to mysqld, and the global manifest beside it
//	plugins/  links to the server's plugins, copies of our modules, global configuration
//	data/     the data directory, with the local manifest and configuration
type MySQL struct {
	t    testing.TB
	Dir  string
	Args []string // options besides those that every start has
	// OptionFile is its my.cnf; "": none, and then no persisted variables either.
	OptionFile string
	Env        []string // NAME=VALUE, besides those of the tests
	proc       *process
	db         *sql.DB
}

// mysqldPath finds the real server.
func mysqldPath(t testing.TB) string {
	t.Helper()
	path := os.Getenv("MYSQLD")
	if path == "" {
		path = filepath.Join(cacheDir(), "sid/usr/hostbin/mysqld")
	}
	if _, err := os.Stat(path); err != nil {
		missing(t, "mysqld", "run `scripts/mysql`, which fetches one, or name one with MYSQLD=PATH.")
	}
	return path
}

func cacheDir() string {
	if dir := os.Getenv("DBKEYRING_CACHE"); dir != "" {
		return dir
	}
	if dir := os.Getenv("XDG_CACHE_HOME"); dir != "" {
		return filepath.Join(dir, "dbkeyring")
	}
	return filepath.Join(os.Getenv("HOME"), ".cache/dbkeyring")
}

// baseDir is the --basedir that belongs to mysqld.
func baseDir(t testing.TB) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(mysqldPath(t))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(filepath.Dir(path))
}

// mysqlProgram finds a program that comes with mysqld.
func mysqlProgram(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range []string{filepath.Dir(mysqldPath(t)), filepath.Join(baseDir(t), "bin")} {
		if path := filepath.Join(dir, name); exec.Command("test", "-x", path).Run() == nil {
			return path
		}
	}
	missing(t, name, "install it beside mysqld.")
	return ""
}

// newMySQL makes the folders, with a fresh data directory and no keyring.
func newMySQL(t testing.TB, args ...string) *MySQL {
	t.Helper()
	m := newMySQLFolders(t, args...)
	copyTree(t, template(t), m.path("data"))
	return m
}

func newMySQLFolders(t testing.TB, args ...string) *MySQL {
	t.Helper()
	m := &MySQL{t: t, Dir: tempDir(t), Args: args}
	for _, dir := range []string{"bin", "plugins", "run"} {
		if err := os.Mkdir(m.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(mysqldPath(t), m.path("bin/mysqld")); err != nil {
		t.Fatal(err)
	}
	var plugins []string
	for _, dir := range []string{"lib/mysql/plugin", "lib/plugin", "lib64/mysql/plugin", "lib/*/mysql/plugin"} {
		found, _ := filepath.Glob(filepath.Join(baseDir(t), dir, "*.so"))
		plugins = append(plugins, found...)
	}
	for _, plugin := range plugins {
		if err := os.Symlink(plugin, m.path("plugins", filepath.Base(plugin))); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// template is a data directory initialised without a keyring, made once a run.
func template(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(suite.dir, "template")
	base, mysqld := baseDir(t), mysqldPath(t)
	suite.template.Do(func() {
		args := []string{"--no-defaults", "--initialize-insecure", "--basedir=" + base, "--datadir=" + dir,
			"--innodb-redo-log-capacity=8M", "--innodb-doublewrite=OFF", "--innodb-buffer-pool-size=32M"}
		if out, err := exec.Command(mysqld, append(args, asUser()...)...).CombinedOutput(); err != nil {
			suite.templErr = fmt.Errorf("initialise a data directory: %w: %s", err, out)
		}
		// Each copy shall be a server of its own.
		_ = os.Remove(filepath.Join(dir, "auto.cnf"))
	})
	if suite.templErr != nil {
		t.Fatal(suite.templErr)
	}
	return dir
}

// asUser is the option without which mysqld does not run as root.
func asUser() []string {
	if os.Getuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

func copyTree(t testing.TB, from, to string) {
	t.Helper()
	if out, err := exec.Command("cp", "-a", "--reflink=auto", "--sparse=always", from, to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func (m *MySQL) path(elem ...string) string {
	return filepath.Join(append([]string{m.Dir}, elem...)...)
}

// installModules copies our modules, as `make install` would. lib is "lib", or
// "faultinject/lib" for those that can be made to panic.
func (m *MySQL) installModules(lib string) {
	m.t.Helper()
	built, _ := filepath.Glob(filepath.Join(suite.root, "build", lib, "*.so"))
	if len(built) < 2 {
		m.t.Fatalf("no modules in build/%s: run `make build modules-faultinject`.", lib)
	}
	for _, module := range built {
		copyFile(m.t, module, m.path("plugins", filepath.Base(module)))
	}
}

// config is a component's configuration file.
type config map[string]any

func (c config) with(more config) config {
	c = maps.Clone(c)
	maps.Copy(c, more)
	return c
}

func (c config) write(t testing.TB, path string) {
	t.Helper()
	b, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, string(b), 0o644)
}

// manifest writes the global manifest, read-only as it should be.
func (m *MySQL) manifest(content string) {
	m.t.Helper()
	_ = os.Remove(m.path("bin/mysqld.my"))
	writeFile(m.t, m.path("bin/mysqld.my"), content, 0o444)
}

// useKMIP makes our module the keyring, by global manifest and configuration.
func (m *MySQL) useKMIP(c config) *MySQL {
	m.t.Helper()
	return m.useComponent(component, c)
}

func (m *MySQL) useComponent(name string, c config) *MySQL {
	m.t.Helper()
	m.installModules("lib")
	m.manifest(`{"read_local_manifest": false, "components": "file://` + name + `"}`)
	c.write(m.t, m.path("plugins", name+".cnf"))
	return m
}

// useFile makes MySQL's own file keyring the keyring.
func (m *MySQL) useFile(path string) *MySQL {
	m.t.Helper()
	m.manifest(`{"components": "file://` + keyringFile + `"}`)
	config{"path": path, "read_only": false}.write(m.t, m.path("plugins", keyringFile+".cnf"))
	return m
}

func (m *MySQL) socket() string { return m.path("run/mysql.sock") }

// options are those of every start.
func (m *MySQL) options(more ...string) []string {
	defaults := "--no-defaults"
	if m.OptionFile != "" {
		defaults = "--defaults-file=" + m.OptionFile
	}
	o := []string{defaults, "--basedir=" + baseDir(m.t), "--datadir=" + m.path("data"), "--plugin-dir=" + m.path("plugins"),
		"--secure-file-priv=NULL"}
	o = append(o, m.Args...)
	o = append(o, asUser()...) // of two --user the first counts
	return append(o, more...)
}

func (m *MySQL) startOptions(more ...string) []string {
	return append([]string{m.path("bin/mysqld")}, m.options(append([]string{
		"--socket=" + m.socket(), "--pid-file=" + m.path("run/mysqld.pid"), "--skip-networking", "--mysqlx=OFF",
		"--log-error-verbosity=3", "--innodb-buffer-pool-size=32M",
		"--innodb-redo-log-capacity=8M", "--innodb-doublewrite=OFF",
	}, more...)...)...)
}

// tryStart starts mysqld and waits until it answers; the error is that of a
// server that ends before.
func (m *MySQL) tryStart(more ...string) error {
	m.t.Helper()
	args := append(append([]string{"env"}, m.Env...), m.startOptions(more...)...)
	m.proc = spawn(m.t, m.path("run/mysqld.log"), args[0], args[1:]...)
	return m.awaitReady()
}

// startDaemon starts mysqld --daemonize, whose log is another file, and takes
// charge of the process that it leaves running.
func (m *MySQL) startDaemon(logName string) {
	m.t.Helper()
	log := m.path(logName)
	args := append(append([]string{"env"}, m.Env...), m.startOptions("--daemonize", "--log-error="+log)...)
	if out, err := command(m.t, time.Minute, args[0], args[1:]...); err != nil {
		m.t.Fatalf("mysqld --daemonize: %v: %s; log:\n%s", err, out, tail(readFile(m.t, log)))
	}
	pid, err := strconv.Atoi(strings.TrimSpace(readFile(m.t, m.path("run/mysqld.pid"))))
	if err != nil {
		m.t.Fatal(err)
	}
	m.proc = adopt(m.t, pid, log)
	if err := m.awaitReady(); err != nil {
		m.t.Fatal(err)
	}
}

func (m *MySQL) awaitReady() error {
	m.t.Helper()
	db, err := sql.Open("mysql", "root@unix("+m.socket()+")/?timeout=60s&readTimeout=60s&writeTimeout=60s&interpolateParams=true")
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { db.Close() })
	m.db = db
	var ended error
	eventually(m.t, 60*time.Second, "mysqld answers", func() (bool, string) {
		if m.proc.ended() {
			ended = fmt.Errorf("mysqld: %w; its log:\n%s", m.proc.err, tail(m.log()))
			return true, ""
		}
		err := db.Ping()
		return err == nil, fmt.Sprint(err)
	})
	return ended
}

func (m *MySQL) start(more ...string) *MySQL {
	m.t.Helper()
	if err := m.tryStart(more...); err != nil {
		m.t.Fatal(err)
	}
	return m
}

// stop ends mysqld by SIGTERM and wants it to shut down cleanly.
func (m *MySQL) stop() {
	m.t.Helper()
	m.db.Close()
	m.proc.signal(syscall.SIGTERM)
	err := m.proc.wait(m.t, 60*time.Second)
	if err != nil || !strings.Contains(m.log(), "Shutdown complete") {
		m.t.Fatalf("mysqld did not shut down cleanly after SIGTERM: %v; its log:\n%s", err, tail(m.log()))
	}
}

func (m *MySQL) restart(more ...string) {
	m.t.Helper()
	m.stop()
	m.start(more...)
}

// log is the error log since the last start.
func (m *MySQL) log() string { return m.proc.output() }

// try runs a statement.
func (m *MySQL) try(statement string, args ...any) error {
	_, err := m.db.Exec(statement, args...)
	return err
}

// exec runs statements that have to work.
func (m *MySQL) exec(statements ...string) {
	m.t.Helper()
	for _, s := range statements {
		if err := m.try(s); err != nil {
			m.t.Fatalf("%s: %v; log:\n%s", s, err, tail(m.log()))
		}
	}
}

// query returns rows as text, NULL as "NULL".
func (m *MySQL) query(statement string, args ...any) [][]string {
	m.t.Helper()
	rows, err := queryDB(m.db, statement, args...)
	if err != nil {
		m.t.Fatalf("%s: %v; log:\n%s", statement, err, tail(m.log()))
	}
	return rows
}

// value is the first column of the first row.
func (m *MySQL) value(statement string, args ...any) string {
	m.t.Helper()
	rows := m.query(statement, args...)
	if len(rows) == 0 {
		m.t.Fatalf("%s: no row", statement)
	}
	return rows[0][0]
}

// want compares a statement's first value.
func (m *MySQL) want(want, statement string, args ...any) {
	m.t.Helper()
	if got := m.value(statement, args...); got != want {
		m.t.Errorf("%s %q = %q, want %q; log:\n%s", statement, args, got, want, tail(m.log()))
	}
}

func queryDB(db *sql.DB, statement string, args ...any) ([][]string, error) {
	rows, err := db.Query(statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var all [][]string
	for rows.Next() {
		cells := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := make([]string, len(columns))
		for i, c := range cells {
			row[i] = "NULL"
			if c.Valid {
				row[i] = c.String
			}
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// functions installs the SQL functions of the keyring.
func (m *MySQL) functions() *MySQL {
	m.t.Helper()
	m.exec("INSTALL PLUGIN keyring_udf SONAME 'keyring_udf.so'", "CREATE DATABASE e2e")
	for name, returns := range map[string]string{
		"keyring_key_generate": "INTEGER", "keyring_key_length_fetch": "INTEGER", "keyring_key_remove": "INTEGER",
		"keyring_key_store": "INTEGER", "keyring_key_fetch": "STRING", "keyring_key_type_fetch": "STRING",
	} {
		m.exec("CREATE FUNCTION " + name + " RETURNS " + returns + " SONAME 'keyring_udf.so'")
	}
	return m
}

// statusRows is performance_schema.keyring_component_status, in its order.
func (m *MySQL) statusRows() [][]string {
	m.t.Helper()
	return m.query("SELECT STATUS_KEY, STATUS_VALUE FROM performance_schema.keyring_component_status")
}

func (m *MySQL) status(key string) string {
	m.t.Helper()
	for _, row := range m.statusRows() {
		if row[0] == key {
			return row[1]
		}
	}
	return ""
}

// filesWith lists the files below a path that contain the text.
func filesWith(t testing.TB, path, text string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(name)
		if bytes.Contains(b, []byte(text)) {
			found = append(found, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
