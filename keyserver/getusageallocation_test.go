package keyserver_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
)

func allocate(id string, n int64) *kmip.GetUsageAllocationRequest {
	return &kmip.GetUsageAllocationRequest{UniqueIdentifier: id, UsageLimitsCount: n}
}

// What a client takes for itself and what the server uses up come from one count.
func TestGetUsageAllocation(t *testing.T) {
	s := keyservertest.New(t)
	certFile, keyFile := s.NewClient("db")
	c := connectAs(t, s, certFile, keyFile)
	ecb := parameters(kmip.CryptographicParameters{Mode: kmip.ModeECB})
	bytes, objects := aesKey(t, c, limits(100, kmip.UsageLimitsByte), ecb), aesKey(t, c, limits(3, kmip.UsageLimitsObject), ecb)
	must[*kmip.GetUsageAllocationResponse](t, c, allocate(bytes, 50))
	must[*kmip.EncryptResponse](t, c, &kmip.EncryptRequest{UniqueIdentifier: bytes, Data: data(32)})
	refused(t, c, allocate(bytes, 19), kmip.ReasonPermissionDenied)
	must[*kmip.GetUsageAllocationResponse](t, c, allocate(objects, 2))
	must[*kmip.EncryptResponse](t, c, &kmip.EncryptRequest{UniqueIdentifier: objects, Data: data(32)})
	refused(t, c, &kmip.EncryptRequest{UniqueIdentifier: objects, Data: data(32)}, kmip.ReasonPermissionDenied)
	must[*kmip.GetUsageAllocationResponse](t, c, allocate(objects, 0))
	s.Stop()
	s.Start()
	c = connectAs(t, s, certFile, keyFile)
	if a, b := usage(t, c, bytes), usage(t, c, objects); a != 18 || b != 0 {
		t.Errorf("%d and %d are left", a, b)
	}
}

func TestGetUsageAllocation_Refused(t *testing.T) {
	both(t, func(l talk, logged func() string) {
		limit := limits(5, kmip.UsageLimitsObject)
		made := func(more ...kmip.Attribute) string {
			return ok[*kmip.CreateResponse](l, aes("", more...)).UniqueIdentifier
		}
		active := made(past(), limit)
		l.refused(allocate(made(limit), 1), kmip.ReasonWrongKeyLifecycleState)
		l.refused(allocate(made(limit, past(), kmip.DateAttribute(kmip.AttrProtectStopDate, time.Now().Add(-time.Minute))), 1), kmip.ReasonWrongKeyLifecycleState)
		l.refused(allocate(made(past()), 1), kmip.ReasonPermissionDenied)
		l.refused(allocate(active, -1), kmip.ReasonInvalidField)
		l.refused(allocate(active, 6), kmip.ReasonUsageLimitExceeded)
		l.refused(allocate("none", 1), kmip.ReasonObjectNotFound)
		reads := ok[*kmip.RegisterResponse](l, registerKey(kmip.KeyFormatRaw, mask(kmip.UsageDecrypt), past(), limit)).UniqueIdentifier
		l.refused(allocate(reads, 1), kmip.ReasonIncompatibleCryptographicUsageMask)
		ok[*kmip.RevokeResponse](l, &kmip.RevokeRequest{UniqueIdentifier: active, Reason: kmip.RevocationReason{Code: kmip.RevocationSuperseded}})
		l.refused(allocate(active, 1), kmip.ReasonWrongKeyLifecycleState)
		ok[*kmip.DestroyResponse](l, &kmip.DestroyRequest{UniqueIdentifier: active})
		l.refused(allocate(active, 1), kmip.ReasonObjectDestroyed)
	})
}

// However many ask at once, no more is given out than there is; Undo gives back.
func TestGetUsageAllocation_Concurrent(t *testing.T) {
	s := keyservertest.New(t)
	certFile, keyFile := s.NewClient("db")
	c := connectAs(t, s, certFile, keyFile)
	id := aesKey(t, c, limits(20, kmip.UsageLimitsObject))
	if got := statuses(c.Do(wholeMessage(allocate(id, 10), allocate(id, 11)))); !slices.Equal(got, []string{"Operation Undone", "Operation Failed"}) {
		t.Fatal(got)
	}
	given := make(chan bool, 32)
	var wg sync.WaitGroup
	for range 4 {
		c := connectAs(t, s, certFile, keyFile)
		wg.Go(func() {
			for range 8 {
				if it := c.One(kmip.V1_4, allocate(id, 3)); it.Err() == nil {
					given <- true
				}
			}
		})
	}
	wg.Wait()
	if len(given) != 6 || usage(t, c, id) != 2 {
		t.Errorf("given %d times 3 of 20, left %d", len(given), usage(t, c, id))
	}
}

func TestObtainLease(t *testing.T) {
	both(t, func(l talk, logged func() string) {
		id := ok[*kmip.CreateResponse](l, aes("")).UniqueIdentifier
		lease := &kmip.ObtainLeaseRequest{UniqueIdentifier: id}
		told := func() {
			l.t.Helper()
			v, _ := l.attributes(id, kmip.AttrLastChangeDate).Get(kmip.AttrLastChangeDate)
			if got := ok[*kmip.ObtainLeaseResponse](l, lease); got.UniqueIdentifier != id || got.LeaseTime != 3600 || !got.LastChange.Equal(v.Time()) {
				l.t.Errorf("%+v, last changed %v", got, v.Time())
			}
		}
		told()
		ok[*kmip.ActivateResponse](l, &kmip.ActivateRequest{UniqueIdentifier: id})
		told()
		ok[*kmip.RevokeResponse](l, &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: kmip.RevocationSuperseded}})
		told() // there may be data under it
		ok[*kmip.RevokeResponse](l, &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: kmip.RevocationKeyCompromise}})
		l.refused(lease, kmip.ReasonWrongKeyLifecycleState)
		ok[*kmip.DestroyResponse](l, &kmip.DestroyRequest{UniqueIdentifier: id})
		l.refused(lease, kmip.ReasonObjectDestroyed)
		l.refused(&kmip.ObtainLeaseRequest{UniqueIdentifier: "none"}, kmip.ReasonObjectNotFound)
	})
}

// Who takes an allocation or a lease uses a copy of its own, which counts as a use.
func TestGetUsageAllocation_IsAUse(t *testing.T) {
	s := keyservertest.New(t)
	c := connect(t, s, "db")
	for _, ask := range []func(id string) kmip.Payload{
		func(id string) kmip.Payload { return allocate(id, 1) },
		func(id string) kmip.Payload { return &kmip.ObtainLeaseRequest{UniqueIdentifier: id} },
	} {
		id := aesKey(t, c, limits(5, kmip.UsageLimitsObject))
		if u, err := s.Keys().UsedBy(id); err != nil || len(u.Uses) != 0 {
			t.Fatalf("%+v, %v", u, err)
		}
		if it := c.One(kmip.V1_4, ask(id)); it.Err() != nil {
			t.Fatal(it.Err())
		}
		if u, err := s.Keys().UsedBy(id); err != nil || len(u.Uses) != 1 || u.Uses[0].Endpoint != "db" {
			t.Errorf("%+v, %v", u, err)
		}
	}
}
