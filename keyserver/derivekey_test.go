package keyserver_test

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// derive asks for an AES key.
func derive(from string, m kmip.DerivationMethod, d kmip.DerivationParameters, bits int32, more ...kmip.Attribute) *kmip.DeriveKeyRequest {
	return &kmip.DeriveKeyRequest{ObjectType: kmip.ObjectTypeSymmetricKey, UniqueIdentifiers: []string{from}, Method: m, Parameters: d, Template: kmip.Template{Attributes: append(kmip.Attributes{
		kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES), kmip.IntegerAttribute(kmip.AttrCryptographicLength, bits), mask(kmip.UsageEncrypt | kmip.UsageDecrypt)}, more...)}}
}

var bySHA256 = &kmip.CryptographicParameters{Hash: kmip.HashSHA256}

// hashOf asks for the SHA-256 of an object.
func hashOf(id string, more ...kmip.Attribute) *kmip.DeriveKeyRequest {
	return derive(id, kmip.DeriveHASH, kmip.DerivationParameters{Parameters: bySHA256}, 256, more...)
}

// password registers Active Secret Data.
func password(t testing.TB, c conn, text string, more ...kmip.Attribute) string {
	t.Helper()
	p := registerSecret(kmip.KeyFormatRaw, append(kmip.Attributes{mask(kmip.UsageDeriveKey), past()}, more...)...)
	p.Object.KeyBlock.Material = secret.Copy([]byte(text))
	p.Object.KeyBlock.Length = 0
	return register(t, c, p)
}

// TestDeriveKey: what comes out is what the method makes, and the objects know of each other.
func TestDeriveKey(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	base := aesKey(t, c)
	id := must[*kmip.DeriveKeyResponse](t, c, hashOf(base, kmip.NameAttribute("derived"))).UniqueIdentifier
	want := sha256.Sum256([]byte(keyBytes(t, c, base)))
	if keyBytes(t, c, id) != string(want[:]) || linked(t, c, id, kmip.LinkDerivationBaseObject) != base || linked(t, c, base, kmip.LinkDerivedKey) != id {
		t.Error("the derived key")
	}
	a := attributes(t, c, id)
	if _, random := a.Get(kmip.AttrRandomNumberGenerator); random || a.State() != kmip.StatePreActive || !slices.Equal(a.Names(), []string{"derived"}) {
		t.Errorf("%v", a)
	}

	// Of a password: Secret Data, of any length.
	p := derive(password(t, c, "password"), kmip.DerivePBKDF2, kmip.DerivationParameters{Parameters: &kmip.CryptographicParameters{Hash: kmip.HashSHA1}, Salt: []byte("salt"), Iterations: 1}, 160)
	p.ObjectType, p.Template.Attributes = kmip.ObjectTypeSecretData, p.Template.Attributes[1:]
	seed := must[*kmip.DeriveKeyResponse](t, c, p).UniqueIdentifier
	got := must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: seed}).Object
	if got.SecretDataType != kmip.SecretDataSeed || !strings.HasPrefix(string(got.Content().Reveal()), "\x0c\x60\xc8\x0f") || got.Content().Len() != 20 {
		t.Errorf("%+v", got)
	}

	// With Secret Data as the data.
	two := derive(base, kmip.DeriveHMAC, kmip.DerivationParameters{Parameters: bySHA256}, 128)
	two.UniqueIdentifiers = append(two.UniqueIdentifiers, password(t, c, "context"))
	second := must[*kmip.DeriveKeyResponse](t, c, two).UniqueIdentifier
	same := must[*kmip.DeriveKeyResponse](t, c, derive(base, kmip.DeriveHMAC, kmip.DerivationParameters{Parameters: bySHA256, Data: secret.Copy([]byte("context"))}, 128)).UniqueIdentifier
	if keyBytes(t, c, second) != keyBytes(t, c, same) || linked(t, c, two.UniqueIdentifiers[1], kmip.LinkDerivedKey) != second {
		t.Error("Secret Data are not as good as Derivation Data")
	}

	// A key for 3DES has its parity, and PBKDF2 the parameters of the object.
	of := password(t, c, "p", parameters(kmip.CryptographicParameters{Hash: kmip.HashSHA512}))
	des := derive(of, kmip.DerivePBKDF2, kmip.DerivationParameters{Salt: []byte("s"), Iterations: 2}, 168)
	des.Template.Attributes[0] = kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmTripleDES)
	key := keyBytes(t, c, must[*kmip.DeriveKeyResponse](t, c, des).UniqueIdentifier)
	odd := func(b byte) bool { b ^= b >> 4; b ^= b >> 2; return (b^b>>1)&1 == 1 }
	if len(key) != 24 || slices.ContainsFunc([]byte(key), func(b byte) bool { return !odd(b) }) {
		t.Errorf("%x", key)
	}
}

func TestDeriveKey_Refused(t *testing.T) {
	both(t, func(l talk, logged func() string) {
		c := l.c
		active, dataMask := mask(kmip.UsageDeriveKey), kmip.DerivationParameters{Parameters: bySHA256, Data: data(4)}
		base, secretData := aesKey(l.t, c), password(l.t, c, "p")
		preActive := register(l.t, c, registerKey(kmip.KeyFormatRaw, active))
		other := register(l.t, c, registerKey(kmip.KeyFormatRaw, mask(kmip.UsageEncrypt), past()))
		stopped := register(l.t, c, registerKey(kmip.KeyFormatRaw, active, past(), kmip.DateAttribute(kmip.AttrProtectStopDate, time.Now().Add(-time.Minute))))
		opaque := register(l.t, c, registered(kmip.ObjectTypeOpaqueObject, "opaque", active, past()))
		limited := aesKey(l.t, c, limits(1, kmip.UsageLimitsObject))
		create(l.t, c, "taken")
		ids := func(p *kmip.DeriveKeyRequest, ids ...string) *kmip.DeriveKeyRequest {
			p.UniqueIdentifiers = ids
			return p
		}
		attributes := func(p *kmip.DeriveKeyRequest, a ...kmip.Attribute) *kmip.DeriveKeyRequest {
			p.Template.Attributes = a
			return p
		}
		of := func(typ kmip.ObjectType) *kmip.DeriveKeyRequest {
			p := hashOf(base)
			p.ObjectType = typ
			return p
		}
		hmac := func(d kmip.DerivationParameters) *kmip.DeriveKeyRequest { return derive(base, kmip.DeriveHMAC, d, 128) }
		ok[*kmip.DeriveKeyResponse](l, hashOf(limited))
		for name, r := range map[string]struct {
			p      *kmip.DeriveKeyRequest
			reason kmip.ResultReason
		}{
			"no object":            {ids(hashOf("")), kmip.ReasonMissingData},
			"the placeholder":      {hashOf(""), kmip.ReasonMissingData},
			"an absent object":     {hashOf("none"), kmip.ReasonObjectNotFound},
			"three objects":        {ids(hmac(dataMask), base, secretData, other), kmip.ReasonInvalidField},
			"one object twice":     {ids(hmac(dataMask), base, base), kmip.ReasonInvalidField},
			"HASH of two":          {ids(hashOf(base), base, secretData), kmip.ReasonInvalidField},
			"data and Secret Data": {ids(hmac(dataMask), base, secretData), kmip.ReasonInvalidField},
			"a key as data":        {ids(hmac(kmip.DerivationParameters{Parameters: bySHA256}), secretData, base), kmip.ReasonInvalidObjectType},
			"an opaque object":     {hashOf(opaque), kmip.ReasonInvalidObjectType},
			"no mask for it":       {hashOf(other), kmip.ReasonIncompatibleCryptographicUsageMask},
			"not Active":           {hashOf(preActive), kmip.ReasonWrongKeyLifecycleState},
			"after its time":       {hashOf(stopped), kmip.ReasonWrongKeyLifecycleState},
			"used up":              {hashOf(limited), kmip.ReasonUsageLimitExceeded},
			"a public key":         {of(kmip.ObjectTypePublicKey), kmip.ReasonInvalidObjectType},
			"no length":            {attributes(of(kmip.ObjectTypeSecretData)), kmip.ReasonMissingData},
			"no algorithm":         {attributes(hashOf(base), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 128), mask(0)), kmip.ReasonMissingData},
			"a length AES has not": {derive(base, kmip.DeriveHASH, kmip.DerivationParameters{Parameters: bySHA256}, 64), kmip.ReasonInvalidField},
			"half a byte":          {attributes(of(kmip.ObjectTypeSecretData), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 12)), kmip.ReasonInvalidField},
			"no bytes":             {attributes(of(kmip.ObjectTypeSecretData), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 0)), kmip.ReasonInvalidField},
			"too many bytes":       {attributes(of(kmip.ObjectTypeSecretData), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 8200)), kmip.ReasonInvalidField},
			"more than there is":   {attributes(of(kmip.ObjectTypeSecretData), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 264)), kmip.ReasonCryptographicFailure},
			"a name that is taken": {hashOf(base, kmip.NameAttribute("taken")), kmip.ReasonNonUniqueNameAttribute},
			"a method that is not": {derive(base, kmip.DeriveHKDF, dataMask, 128), kmip.ReasonFeatureNotSupported},
			"a transparent secret": {attributes(of(kmip.ObjectTypeSecretData), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 128), kmip.EnumerationAttribute(kmip.AttrKeyFormatType, kmip.KeyFormatTransparentSymmetricKey)), kmip.ReasonKeyFormatTypeNotSupported},
		} {
			it := c.One(l.v, r.p)
			if got := it.Reason2; got != r.reason {
				l.t.Errorf("%s: %v, want %s", name, it.Err(), r.reason)
			}
		}
		if linked(l.t, c, base, kmip.LinkDerivedKey) != "" {
			l.t.Error("what was refused has left a Link")
		}
		if usage(l.t, c, limited) != 0 {
			l.t.Error("Usage Limits")
		}
		id := ok[*kmip.DeriveKeyResponse](l, hashOf(base, kmip.NameAttribute("log"))).UniqueIdentifier
		if log := logged(); !strings.Contains(log, `"op":"Derive Key","uid":"`+id+`","names":["log"],"from":["`+base+`"],"result":"success"`) {
			l.t.Errorf("the audit log has no line of it:\n%s", log)
		}
	})
}

func TestDeriveKey_Batch(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	base := aesKey(t, c)
	got := c.Do(wholeMessage(hashOf(base), &kmip.GetRequest{}, &kmip.GetRequest{UniqueIdentifier: "none"}))
	if s := statuses(got); len(s) != 3 || s[1] != "Operation Undone" || linked(t, c, base, kmip.LinkDerivedKey) != "" || len(locate(t, c)) != 1 {
		t.Fatalf("%v", s)
	}
	// From what the same message has made; PBKDF2 not while others wait.
	slow := derive(base, kmip.DerivePBKDF2, kmip.DerivationParameters{Parameters: bySHA256, Salt: []byte("s"), Iterations: 1}, 128)
	if got = c.Do(wholeMessage(aes(""), slow)); got.Items[len(got.Items)-1].Reason != kmip.ReasonFeatureNotSupported {
		t.Errorf("%v", got.Items)
	}
	got = c.Do(wholeMessage(slow, &kmip.GetRequest{}))
	if s := statuses(got); !slices.Equal(s, []string{"Success", "Success"}) {
		t.Fatalf("%v %v", s, got.Items[0].Err())
	}
	if id := got.Items[0].Payload.(*kmip.DeriveKeyResponse).UniqueIdentifier; got.Items[1].Payload.(*kmip.GetResponse).UniqueIdentifier != id || linked(t, c, base, kmip.LinkDerivedKey) != id {
		t.Error("the placeholder is not the new key")
	}
}

// What was once to be known of the base does not make the derived key a secret of always.
func TestDeriveKey_Sensitive(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	always := []kmip.Attribute{flag(kmip.AttrSensitive, true), flag(kmip.AttrExtractable, false)}
	for _, base := range []struct {
		attrs []kmip.Attribute
		want  bool
	}{{always, true}, {nil, false}, {always[:1], false}} {
		id := must[*kmip.DeriveKeyResponse](t, c, hashOf(aesKey(t, c, base.attrs...), always...)).UniqueIdentifier
		if got := attribute(t, c, id, kmip.AttrNeverExtractable).Int != 0; got != base.want {
			t.Errorf("of %v it is Never Extractable: %t", base.attrs, got)
		}
		if got := attribute(t, c, id, kmip.AttrAlwaysSensitive).Int != 0; got != (base.attrs != nil) {
			t.Errorf("of %v it is Always Sensitive: %t", base.attrs, got)
		}
		refused(t, c, &kmip.GetRequest{UniqueIdentifier: id}, kmip.ReasonSensitive)
	}
}

// A base with no more room for Links goes on.
func TestDeriveKey_ManyFromOne(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	base := aesKey(t, c)
	var last string
	for range 1010 {
		last = must[*kmip.DeriveKeyResponse](t, c, hashOf(base)).UniqueIdentifier
	}
	if n := len(attributes(t, c, base).All(kmip.AttrLink)); n < 900 || n > 1000 || linked(t, c, last, kmip.LinkDerivationBaseObject) != base {
		t.Errorf("%d Links", n)
	}
}
