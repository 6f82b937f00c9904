package keyserver_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

func TestLocate_Pages(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	group := kmip.TextAttribute(kmip.AttrObjectGroup, "g")
	var all []string
	for i := range 37 {
		all = append(all, create(t, c, fmt.Sprint("k", i), group))
	}
	symmetric := kmip.EnumerationAttribute(kmip.AttrObjectType, kmip.ObjectTypeSymmetricKey)
	preActive := kmip.EnumerationAttribute(kmip.AttrState, kmip.StatePreActive)
	for _, filter := range []kmip.Attributes{nil, {symmetric}, {group}, {symmetric, group}, {preActive}, {symmetric, group, preActive}} {
		for _, size := range []int32{1, 16, 37, 100, 0} {
			var got []string
			for {
				offset := int32(len(got))
				p := must[*kmip.LocateResponse](t, c, &kmip.LocateRequest{MaximumItems: size, OffsetItems: &offset, Attributes: filter})
				if p.LocatedItems == nil || *p.LocatedItems != 37 {
					t.Fatalf("Located Items of %v is %v", filter, p.LocatedItems)
				}
				if size > 0 && len(p.UniqueIdentifiers) > int(size) {
					t.Fatalf("%d items in a page of %d", len(p.UniqueIdentifiers), size)
				}
				got = append(got, p.UniqueIdentifiers...)
				if len(p.UniqueIdentifiers) == 0 {
					break
				}
			}
			if !slices.Equal(got, all) {
				t.Errorf("pages of %d of %v: %d items, or another order", size, filter, len(got))
			}
		}
	}
}

func TestLocate_LocatedItemsByVersion(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	zero := int32(0)
	for _, v := range kmip.Versions() {
		for _, offset := range []*int32{nil, &zero} {
			p := c.One(v, &kmip.LocateRequest{OffsetItems: offset}).Payload.(*kmip.LocateResponse)
			if want := v.AtLeast(kmip.V1_3) || offset != nil; want != (p.LocatedItems != nil) {
				t.Errorf("%s, Offset Items %v: Located Items %v", v, offset != nil, p.LocatedItems)
			}
		}
	}
}

func TestLocate_Filters(t *testing.T) {
	s := keyservertest.New(t)
	c := connect(t, s, "db")
	asi := func(ns, data string) kmip.Attribute {
		return kmip.Attribute{Name: kmip.AttrAppSpecificInformation, Value: kmip.ApplicationSpecificInformation{Namespace: ns, Data: data}.TTLV()}
	}
	old, recent := time.Unix(1_000_000_000, 0), time.Unix(1_500_000_000, 0)
	a := create(t, c, "a", kmip.TextAttribute(kmip.AttrObjectGroup, "g1"), asi("dbkeyring", "owner"), kmip.DateAttribute(kmip.AttrActivationDate, old), kmip.TextAttribute("x-a", "1"))
	b := create(t, c, "b", kmip.TextAttribute(kmip.AttrObjectGroup, "g2"), asi("dbkeyring", "other"), kmip.DateAttribute(kmip.AttrActivationDate, recent), kmip.TextAttribute("x-a", "1"), kmip.TextAttribute("x-a", "2"))
	d := register(t, c, registerSecret(kmip.KeyFormatOpaque, kmip.NameAttribute("d"), kmip.TextAttribute(kmip.AttrObjectGroup, "g1"), kmip.Attribute{Name: "x-n", Value: ttlv.IntegerValue(5)}))
	gone := create(t, c, "gone")
	must[*kmip.DestroyResponse](t, c, &kmip.DestroyRequest{UniqueIdentifier: gone})
	date := func(at time.Time) kmip.Attribute { return kmip.DateAttribute(kmip.AttrActivationDate, at) }
	typ := func(o kmip.ObjectType) kmip.Attribute { return kmip.EnumerationAttribute(kmip.AttrObjectType, o) }
	state := func(s kmip.State) kmip.Attribute { return kmip.EnumerationAttribute(kmip.AttrState, s) }
	group := func(g string) kmip.Attribute { return kmip.TextAttribute(kmip.AttrObjectGroup, g) }
	mask := kmip.Attribute{Name: "Storage Status Mask", Value: ttlv.IntegerValue(1)}
	for _, test := range []struct {
		filter kmip.Attributes
		want   []string
	}{
		{nil, []string{a, b, d}},
		{kmip.Attributes{kmip.NameAttribute("a")}, []string{a}},
		{kmip.Attributes{kmip.NameAttribute("A")}, nil},
		{kmip.Attributes{kmip.NameAttribute("a"), kmip.NameAttribute("b")}, nil},
		{kmip.Attributes{kmip.NameAttribute("gone")}, nil},
		{kmip.Attributes{group("g1")}, []string{a, d}},
		{kmip.Attributes{group("g1"), group("g1")}, []string{a, d}},
		{kmip.Attributes{group("g1"), group("g2")}, nil},
		{kmip.Attributes{group("g1"), typ(kmip.ObjectTypeSecretData)}, []string{d}},
		{kmip.Attributes{typ(kmip.ObjectTypeSymmetricKey)}, []string{a, b}},
		{kmip.Attributes{typ(kmip.ObjectTypeSymmetricKey), typ(kmip.ObjectTypeSecretData)}, nil},
		{kmip.Attributes{typ(kmip.ObjectTypeCertificate)}, nil},
		{kmip.Attributes{mask}, []string{a, b, d}},
		{kmip.Attributes{{Name: "Storage Status Mask", Value: ttlv.IntegerValue(2)}}, nil},
		{kmip.Attributes{asi("dbkeyring", "owner")}, []string{a}},
		{kmip.Attributes{{Name: kmip.AttrAppSpecificInformation, Value: ttlv.StructureValue(ttlv.Field{Tag: kmip.TagApplicationNamespace, Value: ttlv.TextValue("dbkeyring")})}}, []string{a, b}},
		{kmip.Attributes{kmip.TextAttribute("x-a", "1")}, []string{a, b}},
		{kmip.Attributes{kmip.TextAttribute("x-a", "1"), kmip.TextAttribute("x-a", "2")}, []string{b}},
		{kmip.Attributes{{Name: "x-n", Value: ttlv.IntegerValue(5)}}, []string{d}},
		{kmip.Attributes{kmip.TextAttribute("x-n", "5")}, nil},
		{kmip.Attributes{kmip.TextAttribute("y-a", "1")}, nil},
		{kmip.Attributes{kmip.TextAttribute("x-", "a1")}, nil},
		{kmip.Attributes{kmip.TextAttribute("x-a\x001", "")}, nil},
		{kmip.Attributes{group("g1"), typ(kmip.ObjectTypeSymmetricKey), state(kmip.StateActive)}, []string{a}},
		{kmip.Attributes{group("g1"), typ(kmip.ObjectTypeSymmetricKey), kmip.TextAttribute("x-a", "2")}, nil},
		{kmip.Attributes{date(old)}, []string{a}},
		{kmip.Attributes{date(old), date(recent)}, []string{a, b}},
		{kmip.Attributes{date(old), date(old)}, []string{a}},
		{kmip.Attributes{date(recent), date(old)}, []string{a, b}},
		{kmip.Attributes{date(old.Add(time.Second)), date(recent)}, []string{b}},
		{kmip.Attributes{state(kmip.StateActive)}, []string{a, b}},
		{kmip.Attributes{state(kmip.StatePreActive)}, []string{d}},
		{kmip.Attributes{state(kmip.StateDestroyed)}, []string{gone}},
		{kmip.Attributes{state(kmip.StateDestroyed), kmip.NameAttribute("gone")}, []string{gone}},
		{kmip.Attributes{state(kmip.StateDestroyed), state(kmip.StateActive)}, nil},
		{kmip.Attributes{kmip.TextAttribute(kmip.AttrUniqueIdentifier, gone)}, []string{gone}},
		{kmip.Attributes{kmip.TextAttribute(kmip.AttrUniqueIdentifier, a), group("g2")}, nil},
		{kmip.Attributes{kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256)}, []string{a, b}},
		{kmip.Attributes{kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 4)}, []string{a, b}},
		{kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrCertificateType, uint32(1))}, nil},
		{kmip.Attributes{kmip.TextAttribute(kmip.AttrPKCS12FriendlyName, "a")}, nil},
	} {
		if got := locate(t, c, test.filter...); !slices.Equal(got, test.want) {
			t.Errorf("%+v: %v, want %v", test.filter, got, test.want)
		}
	}
}

// TestLocate_UnusableFilters: none is passed over, for the answer would be wider
// than the question.
func TestLocate_UnusableFilters(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	create(t, c, "a")
	date := kmip.DateAttribute(kmip.AttrInitialDate, time.Unix(1_000_000_000, 0))
	later := kmip.DateAttribute(kmip.AttrInitialDate, time.Unix(4_000_000_000, 0))
	for name, filter := range map[string]kmip.Attributes{
		"unknown":         {kmip.TextAttribute("Nmae", "a")},
		"other type":      {kmip.TextAttribute(kmip.AttrObjectType, "Symmetric Key")},
		"no value":        {{Name: kmip.AttrObjectGroup}},
		"empty structure": {{Name: kmip.AttrName, Value: ttlv.StructureValue()}},
		"name as text":    {kmip.TextAttribute(kmip.AttrName, "a")},
		"digest":          {{Name: kmip.AttrDigest, Value: kmip.Digest{Algorithm: kmip.HashSHA256, Value: []byte{1}}.TTLV()}},
		"three dates":     {date, date, later},
		"text as mask":    {kmip.TextAttribute("Storage Status Mask", "1")},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, c, &kmip.LocateRequest{Attributes: filter}, kmip.ReasonInvalidField)
			refused(t, c, &kmip.LocateRequest{Attributes: append(kmip.Attributes{kmip.NameAttribute("a")}, filter...)}, kmip.ReasonInvalidField)
		})
	}
	refused(t, c, &kmip.LocateRequest{ObjectGroupMember: kmip.GroupMemberDefault}, kmip.ReasonInvalidField)
	refused(t, c, &kmip.LocateRequest{MaximumItems: -1}, kmip.ReasonInvalidField)
}

func TestLocate_SetsTheIDPlaceholder(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	a := create(t, c, "a")
	create(t, c, "b")
	do := func(filter ...kmip.Attribute) []kmip.ResponseItem {
		return c.Do(&kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_2}, Items: []kmip.RequestItem{
			{Operation: kmip.OpLocate, ID: []byte("1"), Payload: &kmip.LocateRequest{Attributes: filter}},
			{Operation: kmip.OpGet, ID: []byte("2"), Payload: &kmip.GetRequest{}},
		}}).Items
	}
	if items := do(kmip.NameAttribute("a")); len(items) != 2 || items[1].Err() != nil || items[1].Payload.(*kmip.GetResponse).UniqueIdentifier != a {
		t.Errorf("one found: %+v", items)
	}
	for _, filter := range [][]kmip.Attribute{nil, {kmip.NameAttribute("none")}} {
		if items := do(filter...); len(items) != 2 || items[1].Reason != kmip.ReasonItemNotFound {
			t.Errorf("several or none found: %+v", items)
		}
	}
}
