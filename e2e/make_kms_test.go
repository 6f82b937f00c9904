//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// `make run DB=kms` and DB=aws play the documents' procedures on one stand-in for AWS
// KMS; once that is stopped, its keys are gone, and the data is made anew.
func TestMakeRunKMSAndAWS(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	env := []string{"MYSQLD=" + mysqldPath(t), "MOTO_SERVER=" + motoPath(t), "DBKEYRING_RUN=" + dir, fmt.Sprint("KMS_PORT=", freePort(t))}
	with := func(db string) []string {
		return append(env[:len(env):len(env)], "DB="+db, fmt.Sprint("MYSQL_PORT=", freePort(t)))
	}
	t.Cleanup(func() { script(t, env, "stop") })
	run := func(env []string, want ...string) string {
		t.Helper()
		out, err := script(t, env, "run")
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, w := range append(want, "table read back: 'only with AWS KMS'", "INNODBKey-", "\nconnect:  ", "\nstop:     make stop\n") {
			if !strings.Contains(out, w) {
				t.Errorf("make run %v lacks %q:\n%s", env, w, out)
			}
		}
		if strings.Contains(out, accessKey.SecretAccessKey) {
			t.Errorf("make run %v shows the secret access key:\n%s", env, out)
		}
		return out
	}
	kms, aws := with("kms"), with("aws")
	out := run(kms, "it forgets its keys when it is stopped", "KMS key: arn:aws:kms:eu-central-1:", "started with component_keyring_kms",
		`"kms_key": "`, "InnoDB master key: rotated", "MySQL: restarted", `{"version":"1.0","elements":[{"user":"","data_id":"INNODBKey-`)
	if found := regexp.MustCompile(`/kms/keyring-mysql/aws-keyring-data`).FindAllString(out, -1); len(found) < 2 {
		t.Errorf("make run DB=kms does not show its data file:\n%s", out)
	}
	run(aws, "moto runs already", "KMS key: arn:aws:kms:us-west-2:", "started with keyring_aws", "| keyring_key_generate('MyKey', 'AES', 32) |", "| keyring_key_remove('MyKey') |",
		"SELECT keyring_aws_rotate_cmk(): 1\n", "SELECT keyring_aws_rotate_keys(): 1\n", "SET GLOBAL keyring_aws_cmk_id = 'arn:aws:kms:us-west-2:", `{"format":"dbkeyring keyring_aws"`)
	for _, again := range [][]string{kms, aws} {
		if out := run(again, "moto runs already", "made already", "MySQL: runs already"); strings.Contains(out, "master key: rotated") || strings.Contains(out, "SELECT keyring_aws_rotate") {
			t.Errorf("the second run shows more than it should:\n%s", out)
		}
	}
	if out, err := script(t, env, "stop"); err != nil || !strings.Contains(out, "stopped kms/mysqld") || !strings.Contains(out, "stopped aws/mysqld") || !strings.Contains(out, "stopped moto") {
		t.Errorf("stop: %v: %s", err, out)
	}
	run(kms, "is gone with the moto that had it. The data is removed, and made anew", "started with component_keyring_kms", "MySQL: restarted")
	if out, err := script(t, env, "stop"); err != nil {
		t.Errorf("stop: %v: %s", err, out)
	}
}

// scripts/sid fetches what is there no longer as an older version of it has left it,
// and does not fetch twice.
func TestSidIsFetchedAnew(t *testing.T) {
	t.Parallel()
	root, cache := tempDir(t), tempDir(t)
	copyTree(t, filepath.Join(suite.root, "scripts"), root)
	// In the place of Debian's tools: a tree of programs that say nothing.
	bin := filepath.Join(root, "bin")
	for _, dir := range []string{bin, filepath.Join(cache, "sid/usr/hostbin")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	writeFile(t, filepath.Join(cache, "sid/usr/hostbin/mysqld"), "#!/bin/sh\n", 0o755) // no moto yet
	writeFile(t, filepath.Join(bin, "mmdebstrap"), `#!/bin/sh
echo once >>"$FETCHED"
for arg; do new=$tree tree=$arg; done # the last but one
tree=$new
mkdir -p "$tree/usr/bin" "$tree/usr/sbin" "$tree/usr/lib/x86_64-linux-gnu"
for program in sbin/mysqld bin/mysql bin/mysqladmin bin/mysql_migrate_keyring bin/moto_server lib/x86_64-linux-gnu/ld-linux-x86-64.so.2; do
	printf '#!/bin/sh\n' >"$tree/usr/$program"
	chmod 755 "$tree/usr/$program"
done
`, 0o755)
	fetched := filepath.Join(root, "fetched")
	env := []string{"DBKEYRING_CACHE=" + cache, "DBKEYRING_MIRROR=http://mirror.invalid/debian", "FETCHED=" + fetched,
		"MYSQLD=", "MOTO_SERVER=", "PATH=" + bin + ":" + os.Getenv("PATH")}
	for _, name := range []string{"mysql", "moto", "mysql"} {
		if out, err := scriptOf(t, root, env, name); err != nil || !strings.Contains(out, cache+"/sid/usr/hostbin/"+name) {
			t.Fatalf("scripts/%s: %v: %s", name, err, out)
		}
	}
	if got := readFile(t, fetched); got != "once\n" {
		t.Errorf("fetched %q", got)
	}
	if left, _ := filepath.Glob(cache + "/*"); len(left) != 1 {
		t.Errorf("in the cache there are %v", left)
	}
}
