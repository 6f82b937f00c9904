package keyserver_test

import (
	"slices"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

// TestArchive: an archived key is there, and says so; it is no absent one.
func TestArchive(t *testing.T) {
	s := keyservertest.New(t)
	certFile, keyFile := s.NewClient("db")
	c := connectAs(t, s, certFile, keyFile)
	id, online := create(t, c, "n", past()), create(t, c, "other")
	kek := wrappingKey(t, c, data(16), kmip.UsageWrapKey)
	before := keyBytes(t, c, id)
	must[*kmip.ArchiveResponse](t, c, &kmip.ArchiveRequest{UniqueIdentifier: id})
	must[*kmip.ArchiveResponse](t, c, &kmip.ArchiveRequest{UniqueIdentifier: kek})
	s.Stop()
	s.Start()
	c = connectAs(t, s, certFile, keyFile)
	for _, p := range []kmip.Payload{
		&kmip.GetRequest{UniqueIdentifier: id}, &kmip.CheckRequest{UniqueIdentifier: id}, &kmip.ReKeyRequest{UniqueIdentifier: id}, &kmip.ObtainLeaseRequest{UniqueIdentifier: id},
		&kmip.GetUsageAllocationRequest{UniqueIdentifier: id}, &kmip.ArchiveRequest{UniqueIdentifier: id}, &kmip.DestroyRequest{UniqueIdentifier: id},
		&kmip.EncryptRequest{UniqueIdentifier: id, Data: data(16), Parameters: &kmip.CryptographicParameters{Mode: kmip.ModeECB}},
		&kmip.AddAttributeRequest{UniqueIdentifier: id, Attribute: kmip.TextAttribute("x-a", "1")},
		&kmip.GetRequest{UniqueIdentifier: online, Wrapping: by(kek, 0, kmip.EncodingNone)},
	} {
		refused(t, c, p, kmip.ReasonObjectArchived)
	}
	if it := c.One(kmip.V2_1, &kmip.GetRequest{UniqueIdentifier: online, Wrapping: by(kek, 0, kmip.EncodingNone)}); it.Reason2 != kmip.ReasonWrappingObjectArchived {
		t.Errorf("%v", it.Err())
	}
	refused(t, c, aes("n"), kmip.ReasonInvalidField) // its name is taken
	name := kmip.Attributes{kmip.NameAttribute("n")}
	for mask, want := range map[kmip.StorageMask]bool{0: true, kmip.StorageOnline: false, kmip.StorageArchival: true, kmip.StorageOnline | kmip.StorageArchival: true, 1 << 5: false} {
		p := &kmip.LocateRequest{Attributes: name, StorageStatus: mask}
		if got := must[*kmip.LocateResponse](t, c, p).UniqueIdentifiers; slices.Contains(got, id) != want {
			t.Errorf("with the Storage Status Mask %d: %v", mask, got)
		}
		p.Attributes = nil
		got := must[*kmip.LocateResponse](t, c, p).UniqueIdentifiers
		if slices.Contains(got, id) != want || slices.Contains(got, online) != (mask == 0 || mask&kmip.StorageOnline != 0) {
			t.Errorf("all, with the Storage Status Mask %d: %v", mask, got)
		}
	}
	if a := attributes(t, c, id); a.State() != kmip.StateActive || len(a.All(kmip.AttrArchiveDate)) != 1 {
		t.Errorf("%v", a)
	}
	must[*kmip.RecoverResponse](t, c, &kmip.RecoverRequest{UniqueIdentifier: id})
	must[*kmip.RecoverResponse](t, c, &kmip.RecoverRequest{UniqueIdentifier: id})
	if keyBytes(t, c, id) != before || len(attributes(t, c, id).All(kmip.AttrArchiveDate)) != 0 {
		t.Error("it has come back as another")
	}
}

func TestArchive_Batch(t *testing.T) {
	s := keyservertest.New(t)
	c := connect(t, s, "db")
	admin := kmiptest.Dial(t, s.Addr, s.ClientConfig(s.NewAdmin("admin")))
	id := create(t, c, "n")
	c.Do(wholeMessage(&kmip.ArchiveRequest{UniqueIdentifier: id}, &kmip.GetRequest{UniqueIdentifier: id}))
	keyBytes(t, c, id) // the archiving was undone
	must[*kmip.ArchiveResponse](t, admin, &kmip.ArchiveRequest{UniqueIdentifier: id})
	// An archived key that has leaked is brought back and revoked in one.
	got := admin.Do(wholeMessage(&kmip.RecoverRequest{UniqueIdentifier: id}, &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: kmip.RevocationKeyCompromise}}, &kmip.ArchiveRequest{UniqueIdentifier: id}))
	if s := statuses(got); !slices.Equal(s, []string{"Success", "Success", "Success"}) || state(t, c, id) != kmip.StateCompromised {
		t.Errorf("%v", s)
	}
	refused(t, c, &kmip.ArchiveRequest{UniqueIdentifier: "none"}, kmip.ReasonItemNotFound)
	refused(t, c, &kmip.RecoverRequest{}, kmip.ReasonItemNotFound)
}
