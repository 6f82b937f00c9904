package conformance_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/conformance"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptext"
)

// TestOASIS plays the mandatory test cases of the KMIP 1.4 profiles, which lie in the folder
// that OASIS_KMIP_DIR names, and prints the score. testdata/left.txt has what is left;
// the list can only shrink.
func TestOASIS(t *testing.T) {
	dir := os.Getenv("OASIS_KMIP_DIR")
	if dir == "" {
		t.Skip("OASIS_KMIP_DIR names no folder with the test cases of OASIS; TestScenarios states the same facts")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.xml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("OASIS_KMIP_DIR: there are no test cases in %s (%v)", dir, err)
	}
	slices.SortFunc(files, naturally)
	s := keyservertest.New(t)
	way := newTransport(t, s, "oasis")
	left := readLeft(t)
	count := map[conformance.Level]int{}
	for _, file := range files {
		c, err := conformance.ReadXML(file)
		if err != nil {
			t.Fatal(err)
		}
		found, err := conformance.NewPlayer().Play(c, way.of(c.Name))
		reached := conformance.Reached(found)
		if err != nil {
			reached = nil
		}
		missed := ""
		for _, l := range []conformance.Level{conformance.Status, conformance.Reason, conformance.Fields, conformance.Values} {
			if reached[l] {
				count[l]++
			} else {
				missed += string(l)
			}
		}
		if want := left[c.Name]; missed != want {
			t.Errorf("%s misses %q; in testdata/left.txt stands %q. %v", c.Name, missed, want, err)
			for _, d := range found[:min(len(found), 6)] {
				t.Logf("  %s", d)
			}
		}
		delete(left, c.Name)
	}
	for name := range left {
		t.Errorf("testdata/left.txt has %s, of which there is no test case", name)
	}
	t.Logf("of %d cases %d have each Result Status, %d each Result Reason, %d each field, %d each value",
		len(files), count[conformance.Status], count[conformance.Reason], count[conformance.Fields], count[conformance.Values])
}

// transport is the ways that messages can take to a server.
type transport struct {
	t     testing.TB
	s     *keyservertest.Server
	conf  *tls.Config
	https string // its address
}

func newTransport(t testing.TB, s *keyservertest.Server, endpoint string) *transport {
	return &transport{t: t, s: s, conf: s.ClientConfig(s.NewClient(endpoint)), https: s.ServeHTTPS()}
}

// of returns the way that a case's messages take, which its name tells.
func (x *transport) of(name string) conformance.Exchange {
	conf := x.conf.Clone()
	switch {
	case strings.HasPrefix(name, "MSGENC-HTTPS"):
		return x.post("application/octet-stream", nil)
	case strings.HasPrefix(name, "MSGENC-XML"):
		return x.post("text/xml", kmiptext.XML)
	case strings.HasPrefix(name, "MSGENC-JSON"):
		return x.post("application/json", kmiptext.JSON)
	case strings.HasPrefix(name, "SUITEB_128"):
		conf.MaxVersion, conf.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	case strings.HasPrefix(name, "SUITEB_192"):
		conf.MaxVersion, conf.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}
	}
	return kmiptest.Dial(x.t, x.s.Addr, conf).Raw
}

// post sends messages over HTTPS; a nil format is TTLV.
func (x *transport) post(contentType string, format kmiptext.Format) conformance.Exchange {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: x.conf}}
	x.t.Cleanup(client.CloseIdleConnections)
	return func(frame []byte) ([]byte, error) {
		body := frame
		var err error
		if format != nil {
			if body, err = format.Encode(frame); err != nil {
				return nil, err
			}
		}
		resp, err := client.Post("https://"+x.https+kmipserver.HTTPSPath, contentType, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != contentType {
			return nil, fmt.Errorf("%s, %s: %s", resp.Status, resp.Header.Get("Content-Type"), answer)
		}
		if format != nil {
			return format.Decode(answer)
		}
		return answer, nil
	}
}

var digits = regexp.MustCompile(`\d+`)

// naturally orders names so that 2 stands before 10.
func naturally(a, b string) int {
	wide := func(s string) string {
		return digits.ReplaceAllStringFunc(s, func(n string) string {
			v, _ := strconv.Atoi(n)
			return fmt.Sprintf("%09d", v)
		})
	}
	return strings.Compare(wide(a), wide(b))
}

// readLeft reads what is left: the case, the levels that it misses, and the reason.
func readLeft(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open("testdata/left.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	left := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(line, " ", 3)
		if len(fields) != 3 || len(fields[2]) < 10 {
			t.Fatalf("testdata/left.txt: a line needs the case, the levels and the reason: %q", line)
		}
		left[fields[0]] = fields[1]
	}
	return left
}
