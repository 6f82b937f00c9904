package keyserver_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver"
	"github.com/dbkeyring/dbkeyring/keyserver/audit"
	"github.com/dbkeyring/dbkeyring/keyserver/endpoint"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipserver"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// known takes the name in a certificate for the endpoint's.
type known map[string]endpoint.Identity

func (k known) Authenticate(c *x509.Certificate) (endpoint.Identity, error) {
	id, ok := k[c.Subject.CommonName]
	if !ok {
		return id, endpoint.ErrUnknown
	}
	return id, nil
}

// noAudit takes audit lines and keeps none.
type noAudit struct{}

func (noAudit) Ready() error                { return nil }
func (noAudit) Record(...audit.Entry) error { return nil }

// matrix is what comes of each operation for each role. A column has two letters: for an
// object of the client's group, and for another's. d is done, P is Permission Denied
// for the role, N is Item Not Found; one letter is for an operation without an object.
const matrix = `
                     owner  reader  security-engineer  operator  auditor  administrator
Query                d      d       d                  d         d        d
Discover Versions    d      d       d                  d         d        d
Ping                 d      d       d                  d         d        d
Interop              d      d       d                  d         d        d
Log                  d      P       d                  P         P        d
Locate               dN     dN      dd                 PP        dd       dd
Get Attributes       dN     dN      dd                 PP        dd       dd
Get Attribute List   dN     dN      dd                 PP        dd       dd
Check                dN     dN      dd                 PP        dd       dd
Obtain Lease         dN     dN      PP                 PP        PP       PP
Get                  dN     dN      PP                 PP        PP       PP
Create               d      P       P                  P         P        P
Create Key Pair      d      P       P                  P         P        P
Re-key               dN     PP      PP                 PP        PP       PP
Derive Key           dN     PP      PP                 PP        PP       PP
Re-key Key Pair      dN     PP      PP                 PP        PP       PP
Register             d      P       P                  P         P        P
Add Attribute        dN     PP      PP                 PP        PP       PP
Modify Attribute     dN     PP      PP                 PP        PP       PP
Delete Attribute     dN     PP      PP                 PP        PP       PP
Set Attribute        dN     PP      PP                 PP        PP       PP
Adjust Attribute     dN     PP      PP                 PP        PP       PP
Activate             dN     PP      dd                 PP        PP       dd
Revoke               dN     PP      dd                 PP        PP       dd
Destroy              dN     PP      dd                 PP        PP       dd
Archive              dN     PP      dd                 PP        PP       dd
Recover              dN     PP      dd                 PP        PP       dd
Get Usage Allocation dN     PP      PP                 PP        PP       PP
Encrypt              dN     PP      PP                 PP        PP       PP
Decrypt              dN     dN      PP                 PP        PP       PP
Sign                 dN     PP      PP                 PP        PP       PP
Signature Verify     dN     dN      PP                 PP        PP       PP
MAC                  dN     PP      PP                 PP        PP       PP
MAC Verify           dN     dN      PP                 PP        PP       PP
Hash                 d      d       P                  P         P        P
RNG Retrieve         d      d       P                  P         P        P
RNG Seed             d      P       P                  P         P        P
`

// TestPermissions tries each role against each operation. An operation that the
// package kmip has and the matrix lacks fails it.
func TestPermissions(t *testing.T) {
	people := known{"maker": {Name: "maker", Role: endpoint.Owner, Group: "cluster"}, "stranger": {Name: "stranger", Role: endpoint.Owner}}
	for _, r := range endpoint.Roles() {
		id := endpoint.Identity{Name: "tester-" + string(r), Role: r}
		if r == endpoint.Owner || r == endpoint.Reader {
			id.Group = "cluster"
		}
		people[id.Name] = id
	}
	s, err := keyserver.New(keyserver.Options{Store: memory.New(), Endpoints: people, Audit: noAudit{}})
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	var roles []string
	for i, line := range strings.Split(strings.TrimSpace(matrix), "\n") {
		if i == 0 {
			roles = strings.Fields(line)
			continue
		}
		rows[strings.TrimSpace(line[:21])] = strings.Fields(line[21:])
	}
	for _, op := range kmip.Operations() {
		cells, ok := rows[op.String()]
		if !ok || len(cells) != len(roles) {
			t.Errorf("the matrix has no whole row for %s", op)
			continue
		}
		for i, role := range roles {
			got := ""
			for j, maker := range []string{"maker", "stranger"} {
				if j > 0 && len(cells[i]) == 1 {
					break
				}
				got += outcome(t, s, op, maker, "tester-"+role)
			}
			if got != cells[i] {
				t.Errorf("%s as %s: %s instead of %s", op, role, got, cells[i])
			}
		}
	}
}

// at21 is a client's call without a network.
func at21(s *keyserver.Server, name string, p kmip.Payload) (kmip.Payload, error) {
	cert := &x509.Certificate{}
	cert.Subject.CommonName = name
	call := &kmipserver.Call{Peer: kmipserver.Peer{Certificate: cert}, Version: kmip.V2_1}
	defer s.Finish(call)
	return s.Handle(context.Background(), call, p)
}

// outcome has a fresh object made, the operation tried on it, and says what came of it.
func outcome(t *testing.T, s *keyserver.Server, op kmip.Operation, maker, tester string) string {
	t.Helper()
	make := func(p kmip.Payload) kmip.Payload {
		t.Helper()
		r, err := at21(s, maker, p)
		if err != nil {
			t.Fatalf("%s: %v", p.Operation(), err)
		}
		return r
	}
	note := kmip.TextAttribute("x-note", "1")
	uses := mask(kmip.UsageEncrypt | kmip.UsageDecrypt | kmip.UsageMACGenerate | kmip.UsageMACVerify | kmip.UsageDeriveKey)
	made := func(alg kmip.CryptographicAlgorithm, more ...kmip.Attribute) string {
		return make(&kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: append(kmip.Attributes{
			kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, alg), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256), uses, note}, more...)}}).(*kmip.CreateResponse).UniqueIdentifier
	}
	key := func() string { return made(kmip.AlgorithmAES) }
	data := secret.Copy(bytes.Repeat([]byte{7}, 32))
	cbc := &kmip.CryptographicParameters{Mode: kmip.ModeCBC}
	ecdsa := &kmip.CryptographicParameters{Signature: kmip.SignatureECDSAWithSHA256}
	fresh := aes("")
	fresh.Template.Attributes = append(fresh.Template.Attributes, note)
	one := ttlv.IntegerValue(1)
	var p kmip.Payload
	switch op {
	case kmip.OpQuery:
		p = &kmip.QueryRequest{Functions: []kmip.QueryFunction{kmip.QueryOperations}}
	case kmip.OpDiscoverVersions:
		p = &kmip.DiscoverVersionsRequest{}
	case kmip.OpPing:
		p = &kmip.PingRequest{}
	case kmip.OpInterop:
		p = &kmip.InteropRequest{Function: kmip.InteropBegin, Identifier: "1"}
	case kmip.OpLog:
		p = &kmip.LogRequest{Message: "m"}
	case kmip.OpLocate:
		id := key()
		r, err := at21(s, tester, &kmip.LocateRequest{Attributes: kmip.Attributes{kmip.TextAttribute(kmip.AttrUniqueIdentifier, id)}})
		if err == nil && len(r.(*kmip.LocateResponse).UniqueIdentifiers) == 0 {
			return "N"
		}
		return letter(t, op, err)
	case kmip.OpGetAttributes:
		p = &kmip.GetAttributesRequest{UniqueIdentifier: key()}
	case kmip.OpGetAttributeList:
		p = &kmip.GetAttributeListRequest{UniqueIdentifier: key()}
	case kmip.OpCheck:
		p = &kmip.CheckRequest{UniqueIdentifier: key()}
	case kmip.OpObtainLease:
		p = &kmip.ObtainLeaseRequest{UniqueIdentifier: key()}
	case kmip.OpArchive:
		p = &kmip.ArchiveRequest{UniqueIdentifier: key()}
	case kmip.OpRecover:
		p = &kmip.RecoverRequest{UniqueIdentifier: key()}
	case kmip.OpGetUsageAllocation:
		p = &kmip.GetUsageAllocationRequest{UniqueIdentifier: made(kmip.AlgorithmAES, past(), limits(5, kmip.UsageLimitsObject)), UsageLimitsCount: 1}
	case kmip.OpGet:
		p = &kmip.GetRequest{UniqueIdentifier: key()}
	case kmip.OpCreate:
		p = fresh
	case kmip.OpCreateKeyPair:
		p = pair(kmip.AlgorithmEC, 256)
	case kmip.OpReKey:
		p = &kmip.ReKeyRequest{UniqueIdentifier: key()}
	case kmip.OpReKeyKeyPair:
		p = &kmip.ReKeyKeyPairRequest{PrivateKey: make(pair(kmip.AlgorithmEC, 256)).(*kmip.CreateKeyPairResponse).PrivateKey}
	case kmip.OpDeriveKey:
		p = derive(made(kmip.AlgorithmHMACSHA256, past()), kmip.DeriveHMAC, kmip.DerivationParameters{Data: data}, 128)
	case kmip.OpRegister:
		p = registerKey(kmip.KeyFormatRaw)
	case kmip.OpAddAttribute:
		p = &kmip.AddAttributeRequest{UniqueIdentifier: key(), Attribute: kmip.TextAttribute("x-other", "2")}
	case kmip.OpModifyAttribute:
		p = &kmip.ModifyAttributeRequest{UniqueIdentifier: key(), Attribute: kmip.TextAttribute("x-note", "2"), Current: &note}
	case kmip.OpDeleteAttribute:
		p = &kmip.DeleteAttributeRequest{UniqueIdentifier: key(), Name: "x-note"}
	case kmip.OpSetAttribute:
		p = &kmip.SetAttributeRequest{UniqueIdentifier: key(), Attribute: kmip.TextAttribute(kmip.AttrDescription, "2")}
	case kmip.OpAdjustAttribute:
		p = &kmip.AdjustAttributeRequest{UniqueIdentifier: made(kmip.AlgorithmAES, kmip.IntegerAttribute("x-count", 1)), Name: "x-count", Type: kmip.AdjustIncrement, Value: &one}
	case kmip.OpActivate:
		p = &kmip.ActivateRequest{UniqueIdentifier: key()}
	case kmip.OpRevoke:
		p = &kmip.RevokeRequest{UniqueIdentifier: made(kmip.AlgorithmAES, past()), Reason: kmip.RevocationReason{Code: kmip.RevocationSuperseded}}
	case kmip.OpDestroy:
		p = &kmip.DestroyRequest{UniqueIdentifier: key()}
	case kmip.OpEncrypt:
		p = &kmip.EncryptRequest{UniqueIdentifier: made(kmip.AlgorithmAES, past()), Parameters: cbc, Data: data}
	case kmip.OpDecrypt:
		p = &kmip.DecryptRequest{UniqueIdentifier: made(kmip.AlgorithmAES, past()), Parameters: cbc, Data: data, IV: bytes.Repeat([]byte{1}, 16)}
	case kmip.OpSign:
		p = &kmip.SignRequest{UniqueIdentifier: make(pair(kmip.AlgorithmEC, 256)).(*kmip.CreateKeyPairResponse).PrivateKey, Parameters: ecdsa, Data: data}
	case kmip.OpSignatureVerify:
		p = &kmip.SignatureVerifyRequest{UniqueIdentifier: make(pair(kmip.AlgorithmEC, 256)).(*kmip.CreateKeyPairResponse).PublicKey, Parameters: ecdsa, Data: data, SignatureData: []byte{1}}
	case kmip.OpMAC:
		p = &kmip.MACRequest{UniqueIdentifier: made(kmip.AlgorithmHMACSHA256, past()), Data: data}
	case kmip.OpMACVerify:
		p = &kmip.MACVerifyRequest{UniqueIdentifier: made(kmip.AlgorithmHMACSHA256, past()), Data: data, MACData: bytes.Repeat([]byte{1}, 32)}
	case kmip.OpHash:
		p = &kmip.HashRequest{Parameters: &kmip.CryptographicParameters{Hash: kmip.HashSHA256}, Data: data}
	case kmip.OpRNGRetrieve:
		p = &kmip.RNGRetrieveRequest{Length: 8}
	case kmip.OpRNGSeed:
		p = &kmip.RNGSeedRequest{Data: data}
	default:
		t.Fatalf("the test cannot make a request for %s", op)
	}
	_, err := at21(s, tester, p)
	return letter(t, op, err)
}

func letter(t *testing.T, op kmip.Operation, err error) string {
	t.Helper()
	switch reason := kmip.ReasonOf(err); {
	case err == nil:
		return "d"
	case reason == kmip.ReasonPermissionDenied && strings.Contains(err.Error(), "the role of this client"):
		return "P"
	case reason == kmip.ReasonItemNotFound:
		return "N"
	}
	t.Errorf("%s: %v", op, err)
	return fmt.Sprintf("(%v)", err)
}

// A reader gets a key of its group's wrapped, unless that would use up Usage Limits.
func TestReader_UsesUpNothing(t *testing.T) {
	people := known{"a": {Name: "a", Role: endpoint.Owner, Group: "g"}, "r": {Name: "r", Role: endpoint.Reader, Group: "g"}}
	s, err := keyserver.New(keyserver.Options{Store: memory.New(), Endpoints: people})
	if err != nil {
		t.Fatal(err)
	}
	made := func(more ...kmip.Attribute) string {
		t.Helper()
		r, err := at21(s, "a", registerKey(kmip.KeyFormatRaw, append(kmip.Attributes{mask(kmip.UsageWrapKey), past()}, more...)...))
		if err != nil {
			t.Fatal(err)
		}
		return r.(*kmip.RegisterResponse).UniqueIdentifier
	}
	key, free, limited := made(), made(), made(limits(5, kmip.UsageLimitsObject))
	for who, want := range map[string]kmip.ResultReason{"a": 0, "r": kmip.ReasonPermissionDenied} {
		if _, err := at21(s, who, &kmip.GetRequest{UniqueIdentifier: key, Wrapping: by(free, 0, kmip.EncodingNone)}); err != nil {
			t.Errorf("%s: %v", who, err)
		}
		if _, err := at21(s, who, &kmip.GetRequest{UniqueIdentifier: key, Wrapping: by(limited, 0, kmip.EncodingNone)}); kmip.ReasonOf(err) != want {
			t.Errorf("%s, limited: %v", who, err)
		}
	}
}

// The members of a group share its objects and its names; another group's names are its own.
func TestGroups(t *testing.T) {
	people := known{"a": {Name: "a", Role: endpoint.Owner, Group: "g"}, "b": {Name: "b", Role: endpoint.Owner, Group: "g"}, "c": {Name: "c", Role: endpoint.Owner}}
	s, err := keyserver.New(keyserver.Options{Store: memory.New(), Endpoints: people})
	if err != nil {
		t.Fatal(err)
	}
	r, err := at21(s, "a", aes("n"))
	if err != nil {
		t.Fatal(err)
	}
	id := r.(*kmip.CreateResponse).UniqueIdentifier
	if _, err := at21(s, "b", aes("n")); kmip.ReasonOf(err) != kmip.ReasonInvalidField {
		t.Errorf("a member takes a name of the group's: %v", err)
	}
	if _, err := at21(s, "c", aes("n")); err != nil {
		t.Errorf("a stranger takes the name: %v", err)
	}
	if _, err := at21(s, "b", &kmip.DestroyRequest{UniqueIdentifier: id}); err != nil {
		t.Errorf("a member destroys the group's object: %v", err)
	}
}
