package keyserver_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/secret"
)

// conn is a client's connection.
type conn = *kmiptest.Conn

// onObject is every operation on one object.
func onObject(id string) []kmip.Payload {
	a := kmip.TextAttribute("x-a", "1")
	return []kmip.Payload{
		&kmip.GetRequest{UniqueIdentifier: id}, &kmip.GetAttributesRequest{UniqueIdentifier: id}, &kmip.GetAttributeListRequest{UniqueIdentifier: id}, &kmip.CheckRequest{UniqueIdentifier: id},
		&kmip.AddAttributeRequest{UniqueIdentifier: id, Attribute: a}, &kmip.ModifyAttributeRequest{UniqueIdentifier: id, Attribute: a},
		&kmip.DeleteAttributeRequest{UniqueIdentifier: id, Name: "x-a"}, &kmip.ReKeyRequest{UniqueIdentifier: id}, &kmip.ReKeyKeyPairRequest{PrivateKey: id},
		&kmip.ObtainLeaseRequest{UniqueIdentifier: id}, &kmip.GetUsageAllocationRequest{UniqueIdentifier: id, UsageLimitsCount: 1}, &kmip.ArchiveRequest{UniqueIdentifier: id}, &kmip.RecoverRequest{UniqueIdentifier: id}, &kmip.ActivateRequest{UniqueIdentifier: id},
		&kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: 1}}, &kmip.DestroyRequest{UniqueIdentifier: id},
	}
}

// withKey are the operations that use one, in one request and in parts.
func withKey(id string) []kmip.Payload {
	some := func() *secret.Bytes { return secret.Copy([]byte("some data")) }
	ctr, mac, sum := &kmip.CryptographicParameters{Mode: kmip.ModeCTR}, &kmip.CryptographicParameters{Algorithm: kmip.AlgorithmHMACSHA256}, &kmip.CryptographicParameters{Hash: kmip.HashSHA256}
	iv := make([]byte, 16)
	return []kmip.Payload{
		&kmip.EncryptRequest{UniqueIdentifier: id, Data: some(), Parameters: ctr, IV: iv}, &kmip.EncryptRequest{UniqueIdentifier: id, Data: some(), Parameters: ctr, IV: iv, Part: kmip.Part{Init: true}},
		&kmip.DecryptRequest{UniqueIdentifier: id, Data: some(), Parameters: ctr, IV: iv}, &kmip.MACRequest{UniqueIdentifier: id, Data: some(), Parameters: mac},
		&kmip.MACVerifyRequest{UniqueIdentifier: id, Data: some(), Parameters: mac, MACData: iv}, &kmip.SignRequest{UniqueIdentifier: id, Data: some(), Parameters: sum},
		&kmip.SignatureVerifyRequest{UniqueIdentifier: id, Data: some(), Parameters: sum, SignatureData: iv},
		derive(id, kmip.DeriveHMAC, kmip.DerivationParameters{Parameters: sum, Data: some()}, 128), derive(id, kmip.DeriveENCRYPT, kmip.DerivationParameters{Parameters: ctr, IV: iv, Data: some()}, 128),
		derive(id, kmip.DeriveHASH, kmip.DerivationParameters{Parameters: sum}, 128), derive(id, kmip.DerivePBKDF2, kmip.DerivationParameters{Parameters: sum, Salt: iv, Iterations: 1000}, 128),
	}
}

func TestAccess_AnotherOwnersObjectIsNotThere(t *testing.T) {
	s := keyservertest.New(t)
	mine, theirs := connect(t, s, "mine"), connect(t, s, "theirs")
	id := create(t, mine, "n", kmip.TextAttribute("x-a", "1"))
	for _, p := range append(onObject(id), withKey(id)...) {
		refused(t, theirs, p, kmip.ReasonItemNotFound)
	}
	gone := theirs.One(kmip.V1_4, &kmip.GetRequest{UniqueIdentifier: strings.Repeat("0", 36)})
	hidden := theirs.One(kmip.V1_4, &kmip.GetRequest{UniqueIdentifier: id})
	if strings.ReplaceAll(hidden.Message, id, "") != strings.ReplaceAll(gone.Message, strings.Repeat("0", 36), "") {
		t.Errorf("the messages tell an absent object from a hidden one: %q, %q", gone.Message, hidden.Message)
	}
	for _, filter := range []kmip.Attribute{kmip.NameAttribute("n"), kmip.TextAttribute("x-a", "1"), kmip.TextAttribute(kmip.AttrUniqueIdentifier, id),
		kmip.EnumerationAttribute(kmip.AttrObjectType, kmip.ObjectTypeSymmetricKey), kmip.EnumerationAttribute(kmip.AttrState, kmip.StatePreActive)} {
		if ids := locate(t, theirs, filter); len(ids) != 0 {
			t.Errorf("located by %s: %v", filter.Name, ids)
		}
		if ids := locate(t, mine, filter); len(ids) != 1 {
			t.Errorf("not located by its owner by %s", filter.Name)
		}
	}
}

func TestAccess_Admin(t *testing.T) {
	s := keyservertest.New(t)
	db := connect(t, s, "db")
	admin := kmiptest.Dial(t, s.Addr, s.ClientConfig(s.NewAdmin("admin")))
	id := create(t, db, "n", kmip.TextAttribute("x-a", "1"))
	create(t, connect(t, s, "another"), "n")

	for _, p := range []kmip.Payload{aes("mine"), registerKey(kmip.KeyFormatRaw)} {
		refused(t, admin, p, kmip.ReasonPermissionDenied)
	}
	for _, p := range onObject(id) {
		switch p.Operation() {
		case kmip.OpGet, kmip.OpAddAttribute, kmip.OpModifyAttribute, kmip.OpDeleteAttribute, kmip.OpReKey, kmip.OpReKeyKeyPair,
			kmip.OpObtainLease, kmip.OpGetUsageAllocation:
			refused(t, admin, p, kmip.ReasonPermissionDenied)
		default:
			it := admin.One(kmip.V1_4, p)
			if err := it.Err(); err != nil {
				t.Errorf("%s: %v", p.Operation(), err)
			}
			if a, ok := it.Payload.(*kmip.GetAttributesResponse); ok {
				if _, ok := a.Attributes.Get(kmip.AttrDigest); ok || a.Attributes.State() != kmip.StatePreActive {
					t.Errorf("%+v", a.Attributes)
				}
			}
		}
	}
	if got := state(t, db, id); got != kmip.StateDestroyed {
		t.Errorf("the administrator's operations led to %s", got)
	}
	if ids := locate(t, admin); len(ids) != 1 {
		t.Errorf("an administrator sees %v", ids)
	}
	if ids := locate(t, admin, kmip.EnumerationAttribute(kmip.AttrState, kmip.StateDestroyed)); len(ids) != 1 || ids[0] != id {
		t.Errorf("an administrator sees as destroyed %v", ids)
	}
}

func TestAccess_RemovedEndpointIsOutAtOnce(t *testing.T) {
	s := keyservertest.New(t)
	c := connect(t, s, "db")
	id := create(t, c, "n")
	if _, err := s.Registry.Remove(t.Context(), "db"); err != nil {
		t.Fatal(err)
	}
	for _, p := range append(onObject(id), aes(""), &kmip.LocateRequest{}, &kmip.QueryRequest{}) {
		refused(t, c, p, kmip.ReasonAuthenticationNotSuccessful)
	}
}

// TestAccess_ResumedSession: a TLS session that is resumed still proves who the
// client is, and gives a removed one nothing.
func TestAccess_ResumedSession(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		s := keyservertest.New(t)
		conf := s.ClientConfig(s.NewClient("db"))
		conf.MaxVersion = version
		id := create(t, kmiptest.Dial(t, s.Addr, conf), "n")
		again := kmiptest.Dial(t, s.Addr, conf)
		if cs := again.Conn.(*tls.Conn).ConnectionState(); !cs.DidResume || cs.Version != version {
			t.Errorf("%s: the session was not resumed", tls.VersionName(version))
		}
		if got := state(t, again, id); got != kmip.StatePreActive {
			t.Errorf("%s: %s", tls.VersionName(version), got)
		}
		if _, err := s.Registry.Remove(t.Context(), "db"); err != nil {
			t.Fatal(err)
		}
		refused(t, kmiptest.Dial(t, s.Addr, conf), &kmip.GetRequest{UniqueIdentifier: id}, kmip.ReasonAuthenticationNotSuccessful)
	}
}

func TestAudit_ALineForEachOperation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "audit.log")
	log, err := audit.Open(file, audit.Head{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s := keyservertest.New(t, func(o *keyserver.Options) { o.Audit = log })
	c := connect(t, s, "db")
	id := create(t, c, "n")
	must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: id})
	refused(t, c, &kmip.GetRequest{UniqueIdentifier: "none"}, kmip.ReasonItemNotFound)
	must[*kmip.ActivateResponse](t, c, &kmip.ActivateRequest{UniqueIdentifier: id})
	refused(t, c, &kmip.DestroyRequest{UniqueIdentifier: id}, kmip.ReasonPermissionDenied)
	locate(t, c)
	// What cannot be understood was asked for all the same.
	c.Do(&kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_2}, Items: []kmip.RequestItem{{Operation: 0x99, Payload: &kmip.QueryRequest{}}}})
	c.Do(&kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.Version{Major: 9}}, Items: []kmip.RequestItem{{Operation: kmip.OpQuery, Payload: &kmip.QueryRequest{}}}})
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var got []string
	for in := bufio.NewScanner(f); in.Scan(); {
		var l struct{ Endpoint, Op, UID, Result, Remote string }
		if err := json.Unmarshal(in.Bytes(), &l); err != nil || l.Endpoint != "db" || l.Remote == "" {
			t.Errorf("%s: %v", in.Text(), err)
		}
		got = append(got, l.Op+" "+strings.ReplaceAll(l.UID, id, "ID")+" "+l.Result)
	}
	want := "Create ID success,Get ID success,Get none failure,Activate ID success,Destroy ID denied,Locate ID success," +
		"0x00000099  failure,message  failure"
	if strings.Join(got, ",") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, ","), want)
	}
}

// deafAudit cannot be written.
type deafAudit struct{ lines int }

func (*deafAudit) Ready() error { return errors.New("no space left on device") }
func (a *deafAudit) Record(entries ...audit.Entry) error {
	a.lines += len(entries)
	return errors.New("no space left on device")
}

func TestAudit_WithoutOneNothingChanges(t *testing.T) {
	deaf := &deafAudit{}
	c := connect(t, keyservertest.New(t, func(o *keyserver.Options) { o.Audit = deaf }), "db")
	refused(t, c, aes("n"), kmip.ReasonGeneralFailure)
	if ids := locate(t, c); len(ids) != 0 {
		t.Errorf("%v", ids)
	}
	if deaf.lines != 2 {
		t.Errorf("%d lines", deaf.lines)
	}
}
