package keyserver_test

import (
	"math/bits"
	"slices"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// attribute returns the value of an object's attribute, the zero Value for none.
func attribute(t testing.TB, c conn, id, name string) ttlv.Value {
	t.Helper()
	v, _ := must[*kmip.GetAttributesResponse](t, c, &kmip.GetAttributesRequest{UniqueIdentifier: id, Names: []string{name}}).Attributes.Get(name)
	return v
}

func flag(name string, on bool) kmip.Attribute {
	return kmip.Attribute{Name: name, Value: ttlv.BooleanValue(on)}
}

// TestAttributesOfANewKey: those that the profiles for symmetric keys ask for.
func TestAttributesOfANewKey(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	id := create(t, c, "k")
	names := must[*kmip.GetAttributeListResponse](t, c, &kmip.GetAttributeListRequest{UniqueIdentifier: id}).Names
	for _, want := range []string{kmip.AttrUniqueIdentifier, kmip.AttrObjectType, kmip.AttrCryptographicAlgorithm, kmip.AttrCryptographicLength,
		kmip.AttrCryptographicUsageMask, kmip.AttrDigest, kmip.AttrInitialDate, kmip.AttrLastChangeDate, kmip.AttrOriginalCreationDate, kmip.AttrLeaseTime,
		kmip.AttrFresh, kmip.AttrSensitive, kmip.AttrAlwaysSensitive, kmip.AttrExtractable, kmip.AttrNeverExtractable, kmip.AttrRandomNumberGenerator, kmip.AttrState, kmip.AttrName} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no %s among %v", want, names)
		}
	}
	secret := must[*kmip.RegisterResponse](t, c, registerSecret(kmip.KeyFormatOpaque)).UniqueIdentifier
	for _, not := range []string{kmip.AttrRandomNumberGenerator, kmip.AttrOriginalCreationDate} {
		if v := attribute(t, c, secret, not); v.Type != 0 {
			t.Errorf("what a client has made has the attribute %s: %+v", not, v)
		}
	}
	if got := c.One(kmip.V1_0, &kmip.GetAttributesRequest{UniqueIdentifier: id}).Payload.(*kmip.GetAttributesResponse).Attributes; len(got) == 0 || slices.ContainsFunc(got, func(a kmip.Attribute) bool { return a.Name == kmip.AttrFresh }) {
		t.Errorf("KMIP 1.0 gets %+v", got)
	}
}

// TestFresh: an object is Fresh until it was given out, also after another start, and
// a Get that is undone gives nothing out.
func TestFresh(t *testing.T) {
	s := keyservertest.New(t, keyservertest.WithStore(memory.New()))
	cert, key := s.NewClient("db")
	c := connectAs(t, s, cert, key)
	group := kmip.TextAttribute(kmip.AttrObjectGroup, "pool")
	a, b := create(t, c, "", group), create(t, c, "", group)
	fresh := func() []string {
		return must[*kmip.LocateResponse](t, c, &kmip.LocateRequest{ObjectGroupMember: kmip.GroupMemberFresh, Attributes: kmip.Attributes{group}}).UniqueIdentifiers
	}
	if got := fresh(); !slices.Equal(got, []string{a, b}) {
		t.Fatalf("fresh: %v", got)
	}
	c.Do(wholeMessage(&kmip.GetRequest{UniqueIdentifier: a}, &kmip.GetRequest{UniqueIdentifier: "none"}))
	if got := fresh(); len(got) != 2 {
		t.Errorf("after a Get that was undone: %v", got)
	}
	m := wholeMessage(&kmip.GetRequest{UniqueIdentifier: a}, &kmip.GetAttributesRequest{UniqueIdentifier: a, Names: []string{kmip.AttrFresh}})
	if v, ok := c.Do(m).Items[1].Payload.(*kmip.GetAttributesResponse).Attributes.Get(kmip.AttrFresh); !ok || v.Int != 0 {
		t.Errorf("in the same message: %+v", v)
	}
	before := attribute(t, c, a, kmip.AttrLastChangeDate)
	for range 2 {
		if got := fresh(); !slices.Equal(got, []string{b}) || attribute(t, c, a, kmip.AttrFresh).Int != 0 || attribute(t, c, b, kmip.AttrFresh).Int == 0 {
			t.Errorf("after Get: %v", got)
		}
		s.Stop()
		s.Start()
		c = connectAs(t, s, cert, key)
	}
	if after := attribute(t, c, a, kmip.AttrLastChangeDate); !after.Equal(before) {
		t.Error("to be given out changed the Last Change Date")
	}
}

// TestFresh_FullDisk: a key that cannot be noted as given out is given out.
func TestFresh_FullDisk(t *testing.T) {
	disk := &failing{Store: memory.New()}
	c := connect(t, keyservertest.New(t, keyservertest.WithStore(disk)), "db")
	id := create(t, c, "")
	disk.set(failsWithout)
	must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: id})
	disk.set(works)
	if attribute(t, c, id, kmip.AttrFresh).Int == 0 {
		t.Error("memory says what the store does not")
	}
}

func TestSensitiveAndExtractable(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	all := func(id string) (s string) {
		for _, n := range []string{kmip.AttrSensitive, kmip.AttrAlwaysSensitive, kmip.AttrExtractable, kmip.AttrNeverExtractable} {
			s += map[bool]string{true: "1", false: "0"}[attribute(t, c, id, n).Int != 0]
		}
		return s
	}
	plain := create(t, c, "")
	always := create(t, c, "", flag(kmip.AttrSensitive, true))
	never := create(t, c, "", flag(kmip.AttrExtractable, false))
	modify := func(id, name string, on bool) kmip.Payload {
		return &kmip.ModifyAttributeRequest{UniqueIdentifier: id, Attribute: flag(name, on)}
	}
	if got := all(plain) + " " + all(always) + " " + all(never); got != "0010 1110 0001" {
		t.Errorf("new objects: %s", got)
	}
	refused(t, c, &kmip.GetRequest{UniqueIdentifier: always}, kmip.ReasonSensitive)
	refused(t, c, &kmip.GetRequest{UniqueIdentifier: never}, kmip.ReasonNotExtractable)
	refused(t, c, modify(always, kmip.AttrSensitive, false), kmip.ReasonPermissionDenied)
	refused(t, c, modify(never, kmip.AttrExtractable, true), kmip.ReasonPermissionDenied)
	refused(t, c, modify(plain, kmip.AttrAlwaysSensitive, true), kmip.ReasonPermissionDenied)
	must[*kmip.ModifyAttributeResponse](t, c, modify(plain, kmip.AttrSensitive, true))
	must[*kmip.ModifyAttributeResponse](t, c, modify(plain, kmip.AttrExtractable, false))
	if got := all(plain); got != "1000" {
		t.Errorf("what was plain and extractable once: %s", got)
	}
	for filter, want := range map[*kmip.Attribute]int{
		new(flag(kmip.AttrSensitive, true)): 2, new(flag(kmip.AttrSensitive, false)): 1,
		new(flag(kmip.AttrExtractable, true)): 1, new(flag(kmip.AttrAlwaysSensitive, true)): 1,
	} {
		if got := locate(t, c, *filter); len(got) != want {
			t.Errorf("located by %s %d: %v", filter.Name, filter.Value.Int, got)
		}
	}
}

// TestTripleDES: keys of two and three parts, their length without parity bits.
func TestTripleDES(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	for _, test := range []struct {
		length int32
		bytes  int
	}{{112, 16}, {168, 24}, {192, 24}} {
		p := aes("")
		p.Template.Attributes[0] = kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmTripleDES)
		p.Template.Attributes[1] = kmip.IntegerAttribute(kmip.AttrCryptographicLength, test.length)
		id := must[*kmip.CreateResponse](t, c, p).UniqueIdentifier
		got := must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: id})
		key := got.Object.Content()
		if key.Len() != test.bytes || got.Object.KeyBlock.Length != test.length || key.Equal(secret.New(test.bytes)) {
			t.Errorf("%d: %d bytes, length %d", test.length, key.Len(), got.Object.KeyBlock.Length)
		}
		for _, b := range key.Reveal() {
			if bits.OnesCount8(b)%2 != 1 {
				t.Fatalf("%d: a byte of even parity", test.length)
			}
		}
		again := &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Object: got.Object, Template: kmip.Template{Attributes: kmip.Attributes{
			kmip.IntegerAttribute(kmip.AttrCryptographicLength, test.length)}}}
		id = must[*kmip.RegisterResponse](t, c, again).UniqueIdentifier
		if v := attribute(t, c, id, kmip.AttrCryptographicLength); v.Int != int64(test.length) {
			t.Errorf("registered with %d, and has %d", test.length, v.Int)
		}
		again.Template.Attributes[0] = kmip.IntegerAttribute(kmip.AttrCryptographicLength, test.length+8)
		refused(t, c, again, kmip.ReasonInvalidField)
	}
}
