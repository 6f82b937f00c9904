package conformance_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/conformance"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptext"
)

// TestScenarios plays the scenarios of testdata/scenarios over each way that messages can
// take. Each file has an endpoint of its own for each way, so that they do not see each
// other's objects.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) < 9 {
		t.Fatalf("scenarios: %d files, %v", len(files), err)
	}
	log, err := audit.Open(filepath.Join(t.TempDir(), "audit.log"), audit.Head{}, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	s := keyservertest.New(t, func(o *keyserver.Options) { o.Audit = log })
	https := s.ServeHTTPS()
	for _, file := range files {
		cases, err := conformance.ReadScenarios(file)
		if err != nil {
			t.Fatal(err)
		}
		family := strings.TrimSuffix(filepath.Base(file), ".txt")
		for name, way := range map[string]func(*transport) conformance.Exchange{
			"TTLV":  func(x *transport) conformance.Exchange { return kmiptest.Dial(t, s.Addr, x.conf).Raw },
			"HTTPS": func(x *transport) conformance.Exchange { return x.post("application/octet-stream", nil) },
			"XML":   func(x *transport) conformance.Exchange { return x.post("text/xml", kmiptext.XML) },
			"JSON":  func(x *transport) conformance.Exchange { return x.post("application/json", kmiptext.JSON) },
		} {
			x := &transport{t: t, s: s, conf: s.ClientConfig(s.NewClient(family + "-" + strings.ToLower(name))), https: https}
			send := way(x)
			for _, c := range cases {
				found, err := conformance.NewPlayer().Play(c, send)
				if err != nil {
					t.Errorf("%s, %s: %q: %v", file, name, c.Name, err)
				}
				for _, d := range found {
					t.Errorf("%s, %s: %q: %s", file, name, c.Name, d)
				}
			}
		}
	}
}
