package keyserver_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

// linked returns the identifier that an object's Link of the type has, "" if there is none.
func linked(t testing.TB, c conn, id string, typ kmip.LinkType) (to string) {
	t.Helper()
	for _, v := range must[*kmip.GetAttributesResponse](t, c, &kmip.GetAttributesRequest{UniqueIdentifier: id, Names: []string{kmip.AttrLink}}).Attributes.All(kmip.AttrLink) {
		if l, err := kmip.ParseLink(v); err == nil && l.Type == typ {
			to = l.ID
		}
	}
	return to
}

func keyBytes(t testing.TB, c conn, id string) string {
	t.Helper()
	return string(must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: id}).Object.Content().Reveal())
}

// TestReKey: the new key has the old one's place, the old one keeps its state and its bytes.
func TestReKey(t *testing.T) {
	s := keyservertest.New(t)
	c := connect(t, s, "db")
	old := create(t, c, "n", past(), kmip.TextAttribute("x-a", "1"))
	before := keyBytes(t, c, old)
	next := must[*kmip.ReKeyResponse](t, c, &kmip.ReKeyRequest{UniqueIdentifier: old, Template: kmip.Template{Attributes: kmip.Attributes{kmip.IntegerAttribute(kmip.AttrCryptographicLength, 128)}}}).UniqueIdentifier
	check := func() {
		t.Helper()
		if got := locate(t, c, kmip.NameAttribute("n")); !slices.Equal(got, []string{next}) {
			t.Errorf("the name leads to %v", got)
		}
		if linked(t, c, old, kmip.LinkReplacementObject) != next || linked(t, c, next, kmip.LinkReplacedObject) != old {
			t.Error("the two are not linked")
		}
		if keyBytes(t, c, old) != before || len(keyBytes(t, c, next)) != 16 || strings.Contains(before, keyBytes(t, c, next)) {
			t.Error("the key bytes")
		}
		if state(t, c, old) != kmip.StateActive || state(t, c, next) != kmip.StateActive || attribute(t, c, next, "x-a").Text != "1" {
			t.Error("state or attributes")
		}
	}
	check()
	s.Stop() // all of it is in the store
	s.Start()
	c = kmiptest.Dial(t, s.Addr, s.ClientConfig(s.NewClient("other")))
	refused(t, c, &kmip.ReKeyRequest{UniqueIdentifier: next}, kmip.ReasonItemNotFound)
}

func TestReKey_Refused(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	zero := uint32(0)
	key := create(t, c, "")
	next := must[*kmip.ReKeyResponse](t, c, &kmip.ReKeyRequest{UniqueIdentifier: key}).UniqueIdentifier
	gone := create(t, c, "")
	must[*kmip.DestroyResponse](t, c, &kmip.DestroyRequest{UniqueIdentifier: gone})
	pairID := must[*kmip.CreateKeyPairResponse](t, c, pair(kmip.AlgorithmEC, 256)).PrivateKey
	create(t, c, "taken")
	kek := wrappingKey(t, c, data(16), kmip.UsageWrapKey|kmip.UsageUnwrapKey)
	wrapped := must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: aesKey(t, c), Wrapping: by(kek, 0, kmip.EncodingNone)}).Object
	wrappedID := register(t, c, &kmip.RegisterRequest{ObjectType: wrapped.Type, Object: wrapped, Template: kmip.Template{Attributes: kmip.Attributes{mask(everyUse)}}})
	with := func(p kmip.ReKeyRequest, a ...kmip.Attribute) *kmip.ReKeyRequest {
		p.Template.Attributes = a
		return &p
	}
	fresh := create(t, c, "fresh", kmip.DateAttribute(kmip.AttrDeactivationDate, time.Now().Add(time.Hour)))
	for name, c2 := range map[string]struct {
		p      *kmip.ReKeyRequest
		reason kmip.ResultReason
	}{
		"no object":                 {&kmip.ReKeyRequest{UniqueIdentifier: "none"}, kmip.ReasonItemNotFound},
		"empty placeholder":         {&kmip.ReKeyRequest{}, kmip.ReasonItemNotFound},
		"replaced already":          {&kmip.ReKeyRequest{UniqueIdentifier: key}, kmip.ReasonIllegalOperation},
		"destroyed":                 {&kmip.ReKeyRequest{UniqueIdentifier: gone}, kmip.ReasonIllegalOperation},
		"a private key":             {&kmip.ReKeyRequest{UniqueIdentifier: pairID}, kmip.ReasonIllegalOperation},
		"kept wrapped":              {&kmip.ReKeyRequest{UniqueIdentifier: wrappedID}, kmip.ReasonIllegalOperation},
		"a Template":                {&kmip.ReKeyRequest{UniqueIdentifier: fresh, Template: kmip.Template{Names: []kmip.Name{{Value: "t"}}}}, kmip.ReasonItemNotFound},
		"Offset from nothing":       {&kmip.ReKeyRequest{UniqueIdentifier: fresh, Offset: &zero}, kmip.ReasonIllegalOperation},
		"Offset and a date":         {with(kmip.ReKeyRequest{UniqueIdentifier: next, Offset: &zero}, past()), kmip.ReasonInvalidMessage},
		"a length that AES has not": {with(kmip.ReKeyRequest{UniqueIdentifier: fresh}, kmip.IntegerAttribute(kmip.AttrCryptographicLength, 64)), kmip.ReasonInvalidField},
		"the server's own":          {with(kmip.ReKeyRequest{UniqueIdentifier: fresh}, kmip.EnumerationAttribute(kmip.AttrState, kmip.StateActive)), kmip.ReasonInvalidField},
		"another's name":            {with(kmip.ReKeyRequest{UniqueIdentifier: fresh}, kmip.NameAttribute("taken")), kmip.ReasonInvalidField},
	} {
		if it := c.One(kmip.V1_4, c2.p); it.Reason != c2.reason {
			t.Errorf("%s: %v, want %s", name, it.Err(), c2.reason)
		}
	}
	if got := locate(t, c, kmip.NameAttribute("fresh")); !slices.Equal(got, []string{fresh}) || linked(t, c, fresh, kmip.LinkReplacementObject) != "" {
		t.Errorf("what was refused has left something: %v", got)
	}
	// A successor that was thrown away leaves the place free.
	must[*kmip.DestroyResponse](t, c, &kmip.DestroyRequest{UniqueIdentifier: next})
	third := must[*kmip.ReKeyResponse](t, c, &kmip.ReKeyRequest{UniqueIdentifier: key}).UniqueIdentifier
	if linked(t, c, key, kmip.LinkReplacementObject) != third {
		t.Error("the link is not the new one's")
	}
}

// In each state but the destroyed ones: old data may have to be re-encrypted whatever has
// become of their key.
func TestReKey_States(t *testing.T) {
	both(t, func(l talk, logged func() string) {
		for _, prepare := range []func(id string){
			func(string) {},
			func(id string) { ok[*kmip.ActivateResponse](l, &kmip.ActivateRequest{UniqueIdentifier: id}) },
			func(id string) {
				ok[*kmip.ActivateResponse](l, &kmip.ActivateRequest{UniqueIdentifier: id})
				ok[*kmip.RevokeResponse](l, &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: kmip.RevocationSuperseded}})
			},
			func(id string) {
				ok[*kmip.RevokeResponse](l, &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: kmip.RevocationKeyCompromise}})
			},
		} {
			id := ok[*kmip.CreateResponse](l, aes("")).UniqueIdentifier
			prepare(id)
			before := l.attributes(id, kmip.AttrState).State()
			zero := uint32(0)
			p := &kmip.ReKeyRequest{UniqueIdentifier: id, Offset: &zero, Protection: kmip.ProtectionStorageMasks{kmip.StorageSoftware}}
			if before == kmip.StateDeactivated { // its dates would be the new key's, too
				p.Offset, p.Template.Attributes = nil, kmip.Attributes{kmip.DateAttribute(kmip.AttrDeactivationDate, time.Now().Add(time.Hour))}
			}
			next := ok[*kmip.ReKeyResponse](l, p).UniqueIdentifier
			if a := l.attributes(next, kmip.AttrState, kmip.AttrRevocationReason, kmip.AttrCompromiseDate); len(a) != 1 || a.State() != kmip.StateActive {
				l.t.Errorf("of a %s key: %v", before, a)
			}
			if after := l.attributes(id, kmip.AttrState).State(); after != before {
				l.t.Errorf("%s has become %s", before, after)
			}
			if log := logged(); !strings.Contains(log, `"op":"Re-key","uid":"`+next+`","from":["`+id+`"],"result":"success"`) {
				l.t.Errorf("the audit log has no line of it:\n%s", log)
			}
		}
		id := ok[*kmip.CreateResponse](l, aes("")).UniqueIdentifier
		ok[*kmip.DestroyResponse](l, &kmip.DestroyRequest{UniqueIdentifier: id})
		l.refused(&kmip.ReKeyRequest{UniqueIdentifier: id}, kmip.ReasonObjectDestroyed)
		l.refused(&kmip.ReKeyRequest{UniqueIdentifier: id, Protection: kmip.ProtectionStorageMasks{kmip.StorageHardware}}, kmip.ReasonProtectionStorageUnavailable)
	})
}

// In a batch the placeholder is the new key, and Undo takes back both sides.
func TestReKey_Batch(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	old := create(t, c, "n", past())
	got := c.Do(wholeMessage(&kmip.ReKeyRequest{UniqueIdentifier: old}, &kmip.GetAttributesRequest{Names: []string{kmip.AttrName}}, &kmip.GetRequest{UniqueIdentifier: "none"}))
	if s := statuses(got); !slices.Equal(s, []string{"Operation Undone", "Operation Undone", "Operation Failed"}) {
		t.Fatal(s)
	}
	if ids := locate(t, c, kmip.NameAttribute("n")); !slices.Equal(ids, []string{old}) || linked(t, c, old, kmip.LinkReplacementObject) != "" || len(locate(t, c)) != 1 {
		t.Errorf("Undo has left something: %v", ids)
	}
	got = c.Do(wholeMessage(&kmip.ReKeyRequest{UniqueIdentifier: old}, &kmip.GetRequest{}, &kmip.RevokeRequest{UniqueIdentifier: old, Reason: kmip.RevocationReason{Code: kmip.RevocationSuperseded}}, aes("n")))
	if s := got.Items[len(got.Items)-1]; len(got.Items) != 4 || s.Reason != kmip.ReasonInvalidField { // the name is the new key's
		t.Fatalf("%v", statuses(got))
	}
	got = c.Do(wholeMessage(&kmip.ReKeyRequest{UniqueIdentifier: old}, &kmip.GetRequest{}, &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.NameAttribute("n")}}))
	if s := statuses(got); !slices.Equal(s, []string{"Success", "Success", "Success"}) {
		t.Fatal(s)
	}
	next := got.Items[0].Payload.(*kmip.ReKeyResponse).UniqueIdentifier
	if g := got.Items[1].Payload.(*kmip.GetResponse); g.UniqueIdentifier != next || string(g.Object.Content().Reveal()) != keyBytes(t, c, next) {
		t.Error("the placeholder is not the new key")
	}
	if ids := got.Items[2].Payload.(*kmip.LocateResponse).UniqueIdentifiers; !slices.Equal(ids, []string{next}) {
		t.Errorf("%v", ids)
	}
}

// Of many who replace a key at once, one does.
func TestReKey_Concurrent(t *testing.T) {
	s := keyservertest.New(t)
	files := [2]string{}
	files[0], files[1] = s.NewClient("db")
	old := create(t, connectAs(t, s, files[0], files[1]), "n")
	var wg sync.WaitGroup
	done := make(chan string, 8)
	for range cap(done) {
		c := connectAs(t, s, files[0], files[1])
		wg.Go(func() {
			if it := c.One(kmip.V1_4, &kmip.ReKeyRequest{UniqueIdentifier: old}); it.Err() == nil {
				done <- it.Payload.(*kmip.ReKeyResponse).UniqueIdentifier
			}
		})
	}
	wg.Wait()
	close(done)
	c := connectAs(t, s, files[0], files[1])
	if ids := locate(t, c, kmip.NameAttribute("n")); len(done) != 1 || len(ids) != 1 || ids[0] != <-done || len(locate(t, c)) != 2 {
		t.Errorf("%d have replaced it: %v", len(done), ids)
	}
}
