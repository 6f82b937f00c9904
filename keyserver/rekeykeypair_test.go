package keyserver_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
)

// namedPair makes a pair whose keys have Names.
func namedPair(t testing.TB, c conn, alg kmip.CryptographicAlgorithm, bits int32, private, public string) *kmip.CreateKeyPairResponse {
	t.Helper()
	p := pair(alg, bits)
	p.Private.Attributes = append(p.Private.Attributes, kmip.NameAttribute(private))
	p.Public.Attributes = append(p.Public.Attributes, kmip.NameAttribute(public))
	return must[*kmip.CreateKeyPairResponse](t, c, p)
}

// TestReKeyKeyPair: the new pair works as one, has both places, and the old one is still there.
func TestReKeyKeyPair(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	for _, k := range []struct {
		alg  kmip.CryptographicAlgorithm
		bits int32
	}{{kmip.AlgorithmEC, 256}, {kmip.AlgorithmECDSA, 384}, {kmip.AlgorithmRSA, 2048}} {
		private, public := k.alg.String()+" private", k.alg.String()+" public"
		old := namedPair(t, c, k.alg, k.bits, private, public)
		next := must[*kmip.ReKeyKeyPairResponse](t, c, &kmip.ReKeyKeyPairRequest{PrivateKey: old.PrivateKey, Private: kmip.Template{Attributes: kmip.Attributes{kmip.TextAttribute("x-a", "1")}}})
		if !slices.Equal(locate(t, c, kmip.NameAttribute(private)), []string{next.PrivateKey}) || !slices.Equal(locate(t, c, kmip.NameAttribute(public)), []string{next.PublicKey}) {
			t.Errorf("%s: the names lead elsewhere", k.alg)
		}
		for _, l := range []struct {
			from string
			typ  kmip.LinkType
			to   string
		}{
			{old.PrivateKey, kmip.LinkReplacementObject, next.PrivateKey}, {next.PrivateKey, kmip.LinkReplacedObject, old.PrivateKey},
			{old.PublicKey, kmip.LinkReplacementObject, next.PublicKey}, {next.PublicKey, kmip.LinkReplacedObject, old.PublicKey},
			{next.PrivateKey, kmip.LinkPublicKey, next.PublicKey}, {next.PublicKey, kmip.LinkPrivateKey, next.PrivateKey},
			{old.PrivateKey, kmip.LinkPublicKey, old.PublicKey},
		} {
			if got := linked(t, c, l.from, l.typ); got != l.to {
				t.Errorf("%s: the %s of %s is %q, want %s", k.alg, l.typ, l.from, got, l.to)
			}
		}
		if attribute(t, c, next.PrivateKey, "x-a").Text != "1" || len(attributes(t, c, next.PublicKey).All("x-a")) != 0 {
			t.Error("the attribute of the private key")
		}
		for _, id := range []string{old.PrivateKey, old.PublicKey, next.PrivateKey, next.PublicKey} {
			if st := state(t, c, id); st != kmip.StateActive {
				t.Errorf("%s: %s", k.alg, st)
			}
		}
		use := &kmip.CryptographicParameters{Signature: kmip.SignatureECDSAWithSHA256}
		if k.alg == kmip.AlgorithmRSA {
			use = &kmip.CryptographicParameters{Padding: kmip.PaddingPSS, Hash: kmip.HashSHA256, Algorithm: kmip.AlgorithmRSA}
		}
		signature := must[*kmip.SignResponse](t, c, &kmip.SignRequest{UniqueIdentifier: next.PrivateKey, Parameters: use, Data: data(9)}).SignatureData
		for id, want := range map[string]kmip.ValidityIndicator{next.PublicKey: kmip.ValidityValid, old.PublicKey: kmip.ValidityInvalid} {
			if got := must[*kmip.SignatureVerifyResponse](t, c, &kmip.SignatureVerifyRequest{UniqueIdentifier: id, Parameters: use, Data: data(9), SignatureData: signature}); got.Validity != want {
				t.Errorf("%s: with %s the signature is %s", k.alg, id, got.Validity)
			}
		}
	}
}

func TestReKeyKeyPair_Refused(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	fresh := func() *kmip.CreateKeyPairResponse {
		return must[*kmip.CreateKeyPairResponse](t, c, pair(kmip.AlgorithmEC, 256))
	}
	create(t, c, "taken")
	named := namedPair(t, c, kmip.AlgorithmEC, 256, "a", "b")
	done, gone, halfGone, alone := fresh(), fresh(), fresh(), fresh()
	next := must[*kmip.ReKeyKeyPairResponse](t, c, &kmip.ReKeyKeyPairRequest{PrivateKey: done.PrivateKey})
	destroy := func(id string) {
		must[*kmip.RevokeResponse](t, c, &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: kmip.RevocationSuperseded}})
		must[*kmip.DestroyResponse](t, c, &kmip.DestroyRequest{UniqueIdentifier: id})
	}
	destroy(gone.PrivateKey)
	destroy(halfGone.PublicKey)
	must[*kmip.DeleteAttributeResponse](t, c, &kmip.DeleteAttributeRequest{UniqueIdentifier: alone.PrivateKey, Name: kmip.AttrLink})
	zero := uint32(0)
	template := func(a ...kmip.Attribute) kmip.Template { return kmip.Template{Attributes: a} }
	for name, r := range map[string]struct {
		p      kmip.ReKeyKeyPairRequest
		reason kmip.ResultReason
	}{
		"no object":          {kmip.ReKeyKeyPairRequest{PrivateKey: "none"}, kmip.ReasonItemNotFound},
		"empty placeholder":  {kmip.ReKeyKeyPairRequest{}, kmip.ReasonItemNotFound},
		"the public key":     {kmip.ReKeyKeyPairRequest{PrivateKey: named.PublicKey}, kmip.ReasonIllegalOperation},
		"a symmetric key":    {kmip.ReKeyKeyPairRequest{PrivateKey: create(t, c, "")}, kmip.ReasonIllegalOperation},
		"replaced already":   {kmip.ReKeyKeyPairRequest{PrivateKey: done.PrivateKey}, kmip.ReasonIllegalOperation},
		"destroyed":          {kmip.ReKeyKeyPairRequest{PrivateKey: gone.PrivateKey}, kmip.ReasonIllegalOperation},
		"its half destroyed": {kmip.ReKeyKeyPairRequest{PrivateKey: halfGone.PrivateKey}, kmip.ReasonIllegalOperation},
		"without its half":   {kmip.ReKeyKeyPairRequest{PrivateKey: alone.PrivateKey}, kmip.ReasonIllegalOperation},
		"Offset and a date":  {kmip.ReKeyKeyPairRequest{PrivateKey: next.PrivateKey, Offset: &zero, Public: template(past())}, kmip.ReasonInvalidMessage},
		"a Template":         {kmip.ReKeyKeyPairRequest{PrivateKey: next.PrivateKey, Common: kmip.Template{Names: []kmip.Name{{Value: "t"}}}}, kmip.ReasonItemNotFound},
		"a length of RSA's":  {kmip.ReKeyKeyPairRequest{PrivateKey: next.PrivateKey, Common: template(kmip.IntegerAttribute(kmip.AttrCryptographicLength, 2048))}, kmip.ReasonInvalidField},
		"another's name":     {kmip.ReKeyKeyPairRequest{PrivateKey: named.PrivateKey, Public: template(kmip.NameAttribute("taken"))}, kmip.ReasonInvalidField},
		"one name for both":  {kmip.ReKeyKeyPairRequest{PrivateKey: named.PrivateKey, Common: template(kmip.NameAttribute("new"))}, kmip.ReasonInvalidField},
	} {
		if it := c.One(kmip.V1_4, &r.p); it.Reason != r.reason {
			t.Errorf("%s: %v, want %s", name, it.Err(), r.reason)
		}
	}
	if !slices.Equal(locate(t, c, kmip.NameAttribute("a")), []string{named.PrivateKey}) || linked(t, c, named.PublicKey, kmip.LinkReplacementObject) != "" {
		t.Error("what was refused has left something")
	}
}

func TestReKeyKeyPair_Batch(t *testing.T) {
	both(t, func(l talk, logged func() string) {
		old := namedPair(l.t, l.c, kmip.AlgorithmEC, 256, "a", "b")
		message := func(last kmip.Payload) *kmip.RequestMessage {
			m := wholeMessage(&kmip.ReKeyKeyPairRequest{PrivateKey: old.PrivateKey}, &kmip.GetAttributesRequest{Names: []string{kmip.AttrObjectType, kmip.AttrName}}, last)
			m.Header.Version = l.v
			return m
		}
		l.c.Do(message(&kmip.GetRequest{UniqueIdentifier: "none"}))
		if !slices.Equal(locate(l.t, l.c, kmip.NameAttribute("a")), []string{old.PrivateKey}) || len(locate(l.t, l.c)) != 2 {
			l.t.Error("Undo has left something")
		}
		got := l.c.Do(message(&kmip.LocateRequest{Attributes: kmip.Attributes{kmip.NameAttribute("b")}}))
		if s := statuses(got); !slices.Equal(s, []string{"Success", "Success", "Success"}) {
			l.t.Fatal(s, got.Items[0].Err())
		}
		next := got.Items[0].Payload.(*kmip.ReKeyKeyPairResponse)
		if a := got.Items[1].Payload.(*kmip.GetAttributesResponse); a.UniqueIdentifier != next.PrivateKey || !slices.Equal(a.Attributes.Names(), []string{"a"}) {
			l.t.Errorf("the placeholder is %+v", a)
		}
		if ids := got.Items[2].Payload.(*kmip.LocateResponse).UniqueIdentifiers; !slices.Equal(ids, []string{next.PublicKey}) {
			l.t.Errorf("%v", ids)
		}
		if log := logged(); !strings.Contains(log, `"op":"Re-key Key Pair","uid":"`+next.PrivateKey+`","names":["a","b"],"from":["`+old.PrivateKey+`","`+old.PublicKey+`"],"result":"success"`) {
			l.t.Errorf("the audit log has no line of it:\n%s", log)
		}
	})
}
