package kmsfile_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// outage has AWS KMS fail these operations.
func outage(ops ...string) func(string, int) *kmstest.Fault {
	return func(op string, n int) *kmstest.Fault {
		if strings.Contains(fmt.Sprint(ops), op) {
			return &kmstest.Fault{Code: "KMSInternalException"}
		}
		return nil
	}
}

// regions is a place with KMS keys in three regions, of which each can be away.
func regions(t *testing.T) (p *place, away func(regions ...string)) {
	p = newPlace(t, kmsfile.FormatDBKeyring)
	p.Keys = append(p.Keys, p.kms.NewKey("us-west-2"), p.kms.NewKey("ap-south-1"))
	var down atomic.Value
	down.Store("")
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scope := strings.Split(r.Header.Get("Authorization"), "/") // .../DATE/REGION/kms/...
		if len(scope) > 2 && strings.Contains(down.Load().(string), scope[2]) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		p.kms.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	p.AWS.Endpoint = front.URL
	return p, func(regions ...string) { down.Store(strings.Join(regions, " ")) }
}

func TestRegions(t *testing.T) {
	p, away := regions(t)
	r := p.open()
	for i := range 50 {
		p.store(r, fmt.Sprint("key-", i), fmt.Sprint(i))
	}
	want, err := p.keysOf(r)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	for _, down := range [][]string{nil, {kmstest.Region}, {"us-west-2"}, {"ap-south-1"}, {kmstest.Region, "us-west-2"}} {
		away(down...)
		r := p.open()
		p.is(r, want)
		err := r.Store(t.Context(), keyring.ID{Name: "new"}, key("n"))
		if len(down) == 0 {
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Remove(t.Context(), keyring.ID{Name: "new"}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if named := strings.Contains(err.Error(), "region "+down[0]) || strings.Contains(err.Error(), "region "+down[len(down)-1]); !named {
			t.Errorf("%v away: %v", down, err)
		}
		p.fails(fmt.Sprint(down, " away"), err, keyring.ErrUnreachable)
		if !strings.Contains(p.log.String(), "no key can be stored without it") {
			t.Errorf("the log says: %s", p.log.String())
		}
		p.is(r, want)
	}
	away(kmstest.Region, "us-west-2", "ap-south-1")
	_, err = p.tryOpen()
	p.fails("all away", err, keyring.ErrUnreachable)
	if keyring.KindOf(err) != keyring.ErrUnreachable {
		t.Errorf("all away: %v", err)
	}
}

// A region that is away is not asked for every key.
func TestRegionAwayIsTriedLast(t *testing.T) {
	p, away := regions(t)
	r := p.open()
	var ids []keyring.ID
	var keys []keyring.Key
	for i := range 200 {
		ids, keys = append(ids, keyring.ID{Name: fmt.Sprint(i)}), append(keys, key("x"))
	}
	if err := r.StoreAll(t.Context(), ids, keys); err != nil {
		t.Fatal(err)
	}
	away(kmstest.Region)
	r = p.open()
	for _, row := range r.Status() {
		var total, decrypts int
		if row.Name == "Kms_requests" {
			if _, err := fmt.Sscanf(row.Value, "%d (Decrypt %d", &total, &decrypts); err != nil || decrypts > 200+3*64 {
				t.Errorf("%s, %v", row.Value, err)
			}
		}
	}
}

// A copy that is damaged does not matter while another one is whole; one whose KMS
// key is away may be whole, so that the error is an outage.
func TestDamagedCopy(t *testing.T) {
	p, away := regions(t)
	p.store(p.open(), "a", "1")
	whole := contentOf(t, p.Path)
	broken := func(n int) string {
		text := whole
		for _, key := range p.Keys[:n] {
			at := strings.Index(text, key+`","data":"`) + len(key) + 40
			c := "A"
			if text[at] == 'A' {
				c = "B"
			}
			text = text[:at] + c + text[at+1:]
		}
		return resealed(text)
	}
	p.write(p.Path, broken(2))
	p.is(p.open(), map[string]string{"a": "1"})
	away("ap-south-1")
	_, err := p.tryOpen()
	p.fails("Open", err, keyring.ErrUnreachable)
	away()
	p.write(p.Path, broken(3))
	_, err = p.tryOpen()
	p.fails("Open", err, keyring.ErrCorrupt, p.Path, "'a'")
}
