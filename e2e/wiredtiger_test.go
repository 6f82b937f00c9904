//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/faultnet"
)

// The master key's life of the document, on the real WiredTiger: made, used, rotated both
// ways, and nothing of the data to be seen on disk.
func TestWiredTiger(t *testing.T) {
	eachKind(t, func(t *testing.T, ks *keyServer) {
		n := newNode(t, ks.kmipOptions())
		n.fill("t", "", 0, 2000)
		n.fill("own", `encryption=(name=dbkeyring,keyid="tenant.1")`, 0, 2000)
		n.fill("clear", "encryption=(name=none)", 0, 500)
		n.read("t", 2000)
		n.read("own", 2000)
		if hits := n.onDisk("markervalue"); hits != 500 && hits != 1000 { // WiredTiger may keep an older page of it
			t.Errorf("%d rows are to be read on disk; those of the table in clear are 500", hits)
		}
		if hits := n.onDisk("tenant.1"); hits == 0 {
			t.Error("the search does not find what is there")
		}
		for _, name := range []string{"colgroup:own", "file:own.wt"} {
			if n.onDisk(name) != 0 {
				t.Errorf("%s is to be read on disk", name)
			}
		}
		// The tool of WiredTiger, which keeps nothing of ours in its own files.
		out, err := command(t, time.Minute, "wt", "-h", n.home(), "-C", n.open("system"), "dump", "table:own")
		if err != nil || strings.Count(out, "markervalue") != 2000 {
			t.Errorf("wt dump: %v, %d rows: %s", err, strings.Count(out, "markervalue"), tail(out))
		}
		out, err = command(t, time.Minute, "wt", "-h", n.home(), "-C", n.open("sistem"), "list")
		if err == nil || !strings.Contains(out, "has no data key of this keyid") || !strings.Contains(out, "Operation not permitted") {
			t.Errorf("another keyid of the system: %v: %s", err, out)
		}

		rotate := func(how string, f func()) {
			store := readFile(t, filepath.Join(n.home(), "dbkeyring/keystore"))
			keys := len(ks.keys())
			f()
			if readFile(t, filepath.Join(n.home(), "dbkeyring/keystore")) == store || len(ks.keys()) != keys+1 {
				t.Errorf("%s: the store is the old one, or there are %d keys on the server", how, len(ks.keys()))
			}
			n.read("t", 2000)
			n.read("own", 2000)
		}
		rotate("command line", func() {
			if out, err := n.mongod("--kmipRotateMasterKey"); err != nil || !strings.Contains(out, "the master key has been rotated") {
				t.Errorf("dbkeyring mongod --kmipRotateMasterKey: %v: %s", err, out)
			}
		})
		rotate("YAML", func() {
			n.configure(ks.kmipOptions("rotateMasterKey: true"))
			n.refused("the master key has been rotated, from ", "Take rotateMasterKey out of the configuration, and start again")
			n.configure(ks.kmipOptions())
		})
		out, err = n.mongod("--fork")
		if err != nil || !strings.Contains(out, "entry=dbkeyring_wt_3_2") || strings.Contains(out, "PRIVATE") {
			t.Errorf("dbkeyring mongod: %v: %s", err, out)
		}
		n.configure(ks.kmipOptions("keyIdentifier: nothing"))
		n.refused("add rotateMasterKey")
		n.configure("  encryptionCipherMode: AES256-CBC\n" + ks.kmipOptions())
		n.fill("t", "", 2000, 500) // the other mode, from now on
		n.read("t", 2500)
	})
}

// A directory that was copied makes two nodes with the same keys, and no nonce comes twice.
func TestWiredTigerCopies(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	a := newNode(t, ks.kmipOptions())
	a.fill("t", "", 0, 1000)
	b := newNode(t, ks.kmipOptions())
	if out, err := command(t, time.Minute, "cp", "-a", a.home()+"/.", b.home()); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	before := a.headers()
	if len(before) < 20 {
		t.Fatalf("%d headers of blocks are found", len(before))
	}
	for _, n := range []*node{a, b} {
		n.fill("t", "", 1000, 1000)
		n.fill("t", "", 2000, 1000) // after another start
		n.read("t", 3000)
	}
	ofA, ofB := a.headers(), b.headers()
	fresh := 0
	for h := range ofA {
		if before[h] > 0 {
			continue
		}
		fresh++
		if ofB[h] > 0 {
			t.Errorf("both nodes have written a block with the header %x", h)
		}
	}
	if fresh < 20 {
		t.Errorf("%d new headers", fresh)
	}
}

// A key that a security engineer revokes: the next start is refused, and a database that
// runs notices and ends cleanly; a rotation mends it.
func TestWiredTigerRevoked(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	n := newNode(t, ks.kmipOptions("keyStatePollingSeconds: 1"))
	n.fill("t", "", 0, 1000)
	path, err := wtHost()
	if err != nil {
		t.Fatal(err)
	}
	p := spawn(t, filepath.Join(n.dir, "output"), path, n.home(), n.open("system"), "serve", "t")
	eventually(t, 30*time.Second, "it runs", func() (bool, string) { return strings.Contains(p.output(), "ready"), p.output() })
	var id string
	for id = range ks.keys() {
	}
	if out, err := command(t, 20*time.Second, dbkeyringPath(t), "key", "revoke", id, "--data", filepath.Join(ks.dir, "data"), "--reason", "key-compromise", "--yes"); err != nil {
		t.Fatalf("key revoke: %v: %s", err, out)
	}
	if err := p.wait(t, 90*time.Second); err != nil {
		t.Errorf("it ended with %v", err)
	}
	out := p.output()
	for _, want := range []string{"is not Active but Compromised. The database is shut down", "it is asked for again", "\nclean\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	n.refused("is not Active but Compromised", "start once with rotateMasterKey")
	if out, err := n.mongod(); err == nil || !strings.Contains(out, "is not Active but Compromised") {
		t.Errorf("dbkeyring mongod: %v: %s", err, out)
	}
	if out, err := n.mongod("--kmipRotateMasterKey"); err != nil {
		t.Errorf("rotate: %v: %s", err, out)
	}
	n.read("t", 1000)
	n.configure(ks.kmipOptions("activateKeys: false", "keyIdentifier: "+id, "rotateMasterKey: true"))
	n.refused("the master key has been rotated") // to a key that is Compromised, since nobody minds
}

// An unreachable key server is fatal to a start, with a message, and to nothing else.
func TestWiredTigerDown(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	net := faultnet.New(t, ks.addr())
	proxied := ks.kmipOptions("keyStatePollingSeconds: 1")
	proxied = strings.Replace(proxied, fmt.Sprintf("port: %d", ks.port), "port: "+net.Addr()[strings.LastIndexByte(net.Addr(), ':')+1:], 1)
	n := newNode(t, proxied)
	net.Set(faultnet.Refuse())
	n.refused("connection refused", "Start the KMIP server")
	net.Set(faultnet.Pass())
	n.fill("t", "", 0, 1000)
	path, err := wtHost()
	if err != nil {
		t.Fatal(err)
	}
	p := spawn(t, filepath.Join(n.dir, "output"), path, n.home(), n.open("system"), "serve", "t")
	eventually(t, 30*time.Second, "it runs", func() (bool, string) { return strings.Contains(p.output(), "ready"), p.output() })
	net.Set(faultnet.Refuse())
	eventually(t, 30*time.Second, "the outage is told", func() (bool, string) {
		return strings.Contains(p.output(), "the database runs on, and asks again"), p.output()
	})
	time.Sleep(3 * time.Second)
	if p.ended() {
		t.Errorf("it ended: %s", p.output())
	}
	net.Set(faultnet.Pass())
	p.signal(syscall.SIGTERM)
	if err := p.wait(t, 20*time.Second); err != nil {
		t.Errorf("%v: %s", err, p.output())
	}
	n.read("t", 1000)

	t.Log("a first host that is dead, with blanks and a port of its own in the list")
	n.configure(strings.Replace(proxied, "serverName: 127.0.0.1", fmt.Sprintf(`serverName: "127.0.0.1:%d , 127.0.0.1"`, freePort(t)), 1))
	n.read("t", 1000)

	t.Log("an exchange that stalls")
	net.Set(faultnet.Freeze())
	start := time.Now()
	n.refused("no answer in time", "connectTimeoutMS")
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	net.Set(faultnet.Pass())

	t.Log("killed in the middle of writing")
	for range 3 {
		p := spawn(t, filepath.Join(n.dir, "killed"), path, n.home(), n.open("system"), "serve", "t")
		eventually(t, 30*time.Second, "it runs", func() (bool, string) { return strings.Contains(p.output(), "ready"), p.output() })
		time.Sleep(300 * time.Millisecond)
		p.kill()
		n.read("t", 1000)
	}

	t.Log("a key store that is gone, or damaged")
	store := filepath.Join(n.home(), "dbkeyring/keystore")
	text := readFile(t, store)
	if err := os.Remove(store); err != nil {
		t.Fatal(err)
	}
	n.refused("the database has data", "Restore it from the backup of this database")
	writeFile(t, store, strings.Replace(text, `"generation": `, `"generation": 1`, 1), 0o600)
	n.refused("is damaged")
	writeFile(t, store, text, 0o600)
	n.read("t", 1000)
}

// A standby that has not got the key yet does not make it "not found": not at a start, not
// at a poll, and not while the server that has it is down. The PEM has a password.
func TestWiredTigerStandby(t *testing.T) {
	t.Parallel()
	ks := newKeyServer(t)
	ks.stop()
	dir, port := tempDir(t), freePort(t)
	if out, err := command(t, time.Minute, "cp", "-a", filepath.Join(ks.dir, "data"), dir); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	standby := &keyServer{t: t, kind: ks.kind, dir: dir, port: port, Config: ks.Config,
		args: []string{dbkeyringPath(t), "serve", "--data", filepath.Join(dir, "data"), "--listen", fmt.Sprintf("127.0.0.1:%d", port)}}
	ks.start()
	standby.start()

	n := newNode(t, "")
	plain := ks.kmipOptions("keyStatePollingSeconds: 1", "connectRetries: 0")
	key, pem := filepath.Join(n.dir, "encrypted.pem"), filepath.Join(ks.dir, "node.pem")
	if out, err := command(t, time.Minute, "openssl", "pkcs8", "-topk8", "-in", pem, "-passout", "pass:open sesame", "-out", key); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cert, _ := ks.Config["client_ca"].(string)
	writeFile(t, pem, readFile(t, cert)+readFile(t, key), 0o600)
	n.configure(plain)
	n.refused(pem, "clientCertificatePassword")
	n.configure(plain + "    clientCertificatePassword: open says me\n")
	n.refused(pem, "clientCertificatePassword")
	plain += "    clientCertificatePassword: open sesame\n"
	n.configure(plain)
	n.fill("t", "", 0, 1000)

	n.configure(strings.Replace(plain, "serverName: 127.0.0.1", fmt.Sprintf(`serverName: "127.0.0.1:%d,127.0.0.1"`, port), 1))
	n.read("t", 1000)
	path, err := wtHost()
	if err != nil {
		t.Fatal(err)
	}
	p := spawn(t, filepath.Join(n.dir, "output"), path, n.home(), n.open("system"), "serve", "t")
	runs := func(while string) {
		t.Helper()
		time.Sleep(4 * time.Second)
		if p.ended() || strings.Contains(p.output(), "it is asked for again") {
			t.Fatalf("%s: %s", while, p.output())
		}
	}
	eventually(t, 30*time.Second, "it runs", func() (bool, string) { return strings.Contains(p.output(), "ready"), p.output() })
	runs("both are up")
	ks.stop()
	runs("the standby alone is up")
	p.signal(syscall.SIGTERM)
	if err := p.wait(t, 20*time.Second); err != nil {
		t.Errorf("%v: %s", err, p.output())
	}
	n.refused("connection refused", fmt.Sprintf("127.0.0.1:%d", ks.port))
	ks.start()
	n.read("t", 1000)
}

// Key file, KMIP and AWS KMS are moved between without encrypting the data anew.
func TestWiredTigerMoves(t *testing.T) {
	t.Parallel()
	ks, aws := newKeyServer(t), sharedKMS(t)
	n := newNode(t, "")
	key := filepath.Join(n.dir, "key")
	writeFile(t, key, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n", 0o600)
	confs := map[string]string{
		"file": "  encryptionKeyFile: " + key + "\n", "kmip": ks.kmipOptions(),
		"aws": fmt.Sprintf("  awsKms:\n    keyId: %s\n    endpoint: %s\n    accessKeyId: %s\n    secretAccessKey: %s\n", aws.newKey(region), aws.url, accessKey.AccessKeyID, accessKey.SecretAccessKey),
	}
	n.configure(confs["file"])
	n.fill("t", "", 0, 1000)
	at := "file"
	for _, to := range []string{"kmip", "aws", "file", "aws", "kmip", "file"} {
		old := filepath.Join(n.dir, "old.conf")
		writeFile(t, old, readFile(t, n.conf()), 0o600)
		n.configure(confs[to])
		if to != "file" && at != "file" {
			n.refused("move the master key: dbkeyring migrate")
		}
		if out, err := command(t, time.Minute, dbkeyringPath(t), "migrate", "--yes", old, n.conf()); err != nil || !strings.Contains(out, "the master key has moved") {
			t.Fatalf("%s to %s: %v: %s", at, to, err, out)
		}
		n.read("t", 1000)
		if out, err := command(t, time.Minute, dbkeyringPath(t), "check", n.conf()); err != nil {
			t.Errorf("check: %v: %s", err, out)
		}
		at = to
	}
}
