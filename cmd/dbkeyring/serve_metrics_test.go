package main

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dbkeyring/dbkeyring/kmip"
)

// TestServe_Metrics: what the port for metrics tells of a server that is used.
func TestServe_Metrics(t *testing.T) {
	dir := t.TempDir()
	data, identity := filepath.Join(dir, "data"), filepath.Join(dir, "db")
	s := startServer(t, data, "--metrics-listen", "127.0.0.1:0", "--https-listen", "127.0.0.1:0")
	command(t, "endpoint", "add", "db", "--for", "kmip", "--out", identity, "--data", data)
	if status := command(t, "status", "--data", data); !strings.Contains(status, "KMIP on "+s.address+", over HTTPS on "+s.status.HTTPS+", metrics on "+s.status.Metrics+"\n") {
		t.Errorf("the status does not tell where the ports are: %s", status)
	}
	c := client(t, s.address, identity)
	id, err := registerKey(c, "k", "content")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Activate(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := client(t, s.address, identity).Locate(context.Background(), &kmip.LocateRequest{}); err != nil {
		t.Fatal(err)
	}
	if text := fetch(t, s.status.Metrics, "/healthz"); text != "ok\n" {
		t.Errorf("healthz: %s", text)
	}
	text := fetch(t, s.status.Metrics, "/metrics")
	for _, want := range []string{
		`dbkeyring_objects{state="Active",type="Secret Data"} 1`,
		`dbkeyring_operations_total{operation="Register",result="success"} 1`,
		`dbkeyring_endpoints 2`, // the administrator, and db
		`dbkeyring_connections_open 2`,
		`dbkeyring_audit_writable 1`,
		`dbkeyring_journal_stuck 0`,
		`dbkeyring_certificate_end_timestamp_seconds{certificate="endpoints"}`,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no line %s in\n%s", want, text)
		}
	}
	if err := s.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("SIGTERM: %v\n%s", err, &s.log)
	}
}

func fetch(t *testing.T, address, path string) string {
	t.Helper()
	answer, err := http.Get("http://" + address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %s", path, answer.Status, err, text)
	}
	return string(text)
}
