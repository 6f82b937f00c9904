package keyserver_test

import (
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/internal/keywrap"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// wrappingKey registers a key that wraps and unwraps, and is Active.
func wrappingKey(t testing.TB, c conn, key *secret.Bytes, mask kmip.UsageMask, more ...kmip.Attribute) (id string) {
	t.Helper()
	return must[*kmip.RegisterResponse](t, c, &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Object: kmip.SymmetricKey(kmip.AlgorithmAES, key),
		Template: kmip.Template{Attributes: append(kmip.Attributes{kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(mask)),
			kmip.DateAttribute(kmip.AttrActivationDate, time.Now().Add(-time.Hour))}, more...)}}).UniqueIdentifier
}

func by(id string, mode kmip.BlockCipherMode, e kmip.EncodingOption) *kmip.KeyWrappingSpecification {
	spec := &kmip.KeyWrappingSpecification{Method: kmip.WrapEncrypt, Encoding: e, EncryptionKey: &kmip.KeyInformation{UniqueIdentifier: id}}
	if mode != 0 {
		spec.EncryptionKey.Parameters = &kmip.CryptographicParameters{Mode: mode}
	}
	return spec
}

// TestWrap_RoundTrip: a key comes out as it went in, whatever the encoding, the mode and
// the format; wrapped it can be registered again, at this server and at another one.
func TestWrap_RoundTrip(t *testing.T) {
	s := keyservertest.New(t, keyservertest.WithStore(memory.New()))
	cert, keyFile := s.NewClient("db")
	other := connect(t, keyservertest.New(t), "db")
	kek := secret.Random(32)
	wrapper := wrappingKey(t, connectAs(t, s, cert, keyFile), kek.Clone(), kmip.UsageWrapKey|kmip.UsageUnwrapKey)
	for _, test := range []struct {
		name     string
		register *kmip.RegisterRequest
		mode     kmip.BlockCipherMode
		encoding kmip.EncodingOption
		format   kmip.KeyFormatType
	}{
		{"the default", registerKey(kmip.KeyFormatRaw), 0, 0, 0},
		{"bytes alone", registerKey(kmip.KeyFormatRaw), kmip.ModeNISTKeyWrap, kmip.EncodingNone, 0},
		{"padded", registerSecret(kmip.KeyFormatOpaque), kmip.ModeAESKeyWrapPadding, kmip.EncodingNone, 0},
		{"transparent", registerKey(kmip.KeyFormatRaw), kmip.ModeNISTKeyWrap, kmip.EncodingTTLV, kmip.KeyFormatTransparentSymmetricKey},
		{"a secret", registerSecret(kmip.KeyFormatOpaque), 0, kmip.EncodingTTLV, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := connectAs(t, s, cert, keyFile)
			plain := test.register.Object.Content().Clone()
			id := must[*kmip.RegisterResponse](t, c, test.register).UniqueIdentifier
			digest := attribute(t, c, id, kmip.AttrDigest)
			got := must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: id, KeyFormat: test.format, Wrapping: by(wrapper, test.mode, test.encoding)})
			b := got.Object.KeyBlock
			if b.Wrapping == nil || b.Wrapping.EncryptionKey.UniqueIdentifier != wrapper || b.Material.Equal(plain) || b.Wrapping.Encoding != test.encoding {
				t.Fatalf("got %+v", b)
			}
			if test.encoding == kmip.EncodingNone {
				unwrap := keywrap.Unwrap
				if test.mode == kmip.ModeAESKeyWrapPadding {
					unwrap = keywrap.UnwrapPad
				}
				if back, err := unwrap(kek, b.Material.Reveal()); err != nil || !back.Equal(plain) {
					t.Errorf("unwrapped: %v", err)
				}
			}
			again := &kmip.RegisterRequest{ObjectType: got.ObjectType, Object: got.Object}
			if b.Format == kmip.KeyFormatTransparentSymmetricKey {
				again.Template.Attributes = kmip.Attributes{kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageEncrypt))}
			}
			id = must[*kmip.RegisterResponse](t, c, again).UniqueIdentifier
			s.Stop()
			s.Start()
			c = connectAs(t, s, cert, keyFile)
			kept := must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: id}).Object.KeyBlock
			if kept.Wrapping == nil || !kept.Material.Equal(b.Material) || !attribute(t, c, id, kmip.AttrDigest).Equal(digest) {
				t.Errorf("registered wrapped, and got %+v", kept)
			}
			bare := must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: id, KeyWrapType: kmip.KeyNotWrapped}).Object
			if bare.KeyBlock.Wrapping != nil || !bare.Content().Equal(plain) {
				t.Errorf("unwrapped: %+v", bare.KeyBlock)
			}
			// Where the wrapping key is unknown, it is kept all the same.
			id = must[*kmip.RegisterResponse](t, other, again).UniqueIdentifier
			if kept := must[*kmip.GetResponse](t, other, &kmip.GetRequest{UniqueIdentifier: id}).Object.KeyBlock; !kept.Material.Equal(b.Material) {
				t.Error("the other server has other bytes")
			}
			refused(t, other, &kmip.GetRequest{UniqueIdentifier: id, KeyWrapType: kmip.KeyNotWrapped}, kmip.ReasonItemNotFound)
		})
	}
}

func TestWrap_Attributes(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	wrapper := wrappingKey(t, c, secret.Random(16), kmip.UsageWrapKey|kmip.UsageUnwrapKey)
	id := create(t, c, "n", kmip.TextAttribute("x-a", "1"))
	spec := by(wrapper, 0, 0)
	spec.AttributeNames = []string{"x-a", kmip.AttrName}
	wrapped := must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: id, Wrapping: spec})
	id = must[*kmip.RegisterResponse](t, c, &kmip.RegisterRequest{ObjectType: wrapped.ObjectType, Object: wrapped.Object}).UniqueIdentifier
	got := must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: id, KeyWrapType: kmip.KeyNotWrapped}).Object.KeyBlock.Attributes
	if v, ok := got.Get("x-a"); len(got) != 2 || !ok || v.Text != "1" || len(got.Names()) != 1 {
		t.Errorf("attributes inside: %+v", got)
	}
}

// TestWrap_Refused: what keeps a key from being wrapped, and from being used.
func TestWrap_Refused(t *testing.T) {
	s := keyservertest.New(t)
	c, stranger := connect(t, s, "db"), connect(t, s, "stranger")
	const both = kmip.UsageWrapKey | kmip.UsageUnwrapKey
	wrapper := wrappingKey(t, c, secret.Random(16), both)
	id := create(t, c, "")
	opaque := must[*kmip.RegisterResponse](t, c, &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeOpaqueObject, Object: kmip.OpaqueObject(1<<31, secret.New(8))}).UniqueIdentifier
	odd := must[*kmip.RegisterResponse](t, c, &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSecretData, Object: kmip.SecretData(kmip.SecretDataPassword, kmip.KeyFormatOpaque, secret.New(7))}).UniqueIdentifier
	sensitive, never := create(t, c, "", flag(kmip.AttrSensitive, true)), create(t, c, "", flag(kmip.AttrExtractable, false))
	notMeant := wrappingKey(t, c, secret.Random(16), kmip.UsageEncrypt)
	asleep := create(t, c, "", kmip.IntegerAttribute("x-not-active", 1))
	theirs := wrappingKey(t, stranger, secret.Random(16), both)
	for name, test := range map[string]struct {
		id     string
		spec   *kmip.KeyWrappingSpecification
		reason kmip.ResultReason
	}{
		"an opaque object":           {opaque, by(wrapper, 0, 0), kmip.ReasonIllegalOperation},
		"7 bytes without padding":    {odd, by(wrapper, 0, kmip.EncodingNone), kmip.ReasonCryptographicFailure},
		"not Extractable":            {never, by(wrapper, 0, 0), kmip.ReasonNotExtractable},
		"not meant for it":           {id, by(notMeant, 0, 0), kmip.ReasonPermissionDenied},
		"not Active":                 {id, by(asleep, 0, 0), kmip.ReasonPermissionDenied},
		"another's wrapping key":     {id, by(theirs, 0, 0), kmip.ReasonItemNotFound},
		"no wrapping key":            {id, by("", 0, 0), kmip.ReasonInvalidField},
		"another mode":               {id, by(wrapper, kmip.ModeCBC, 0), kmip.ReasonInvalidField},
		"another encoding":           {id, by(wrapper, 0, 9), kmip.ReasonInvalidField},
		"a MAC":                      {id, &kmip.KeyWrappingSpecification{Method: kmip.WrapMACSign}, kmip.ReasonFeatureNotSupported},
		"an attribute it has not":    {id, &kmip.KeyWrappingSpecification{Method: kmip.WrapEncrypt, AttributeNames: []string{"x-none"}, EncryptionKey: by(wrapper, 0, 0).EncryptionKey}, kmip.ReasonItemNotFound},
		"attributes without a place": {id, &kmip.KeyWrappingSpecification{Method: kmip.WrapEncrypt, Encoding: kmip.EncodingNone, AttributeNames: []string{"Name"}}, kmip.ReasonEncodingOptionError},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, c, &kmip.GetRequest{UniqueIdentifier: test.id, Wrapping: test.spec}, test.reason)
		})
	}
	// A Sensitive key is given out wrapped, and registered again it cannot be had plain.
	got := must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: sensitive, Wrapping: by(wrapper, 0, 0)})
	again := &kmip.RegisterRequest{ObjectType: got.ObjectType, Object: got.Object, Template: kmip.Template{Attributes: kmip.Attributes{flag(kmip.AttrSensitive, true),
		kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageEncrypt|kmip.UsageDecrypt)), kmip.DateAttribute(kmip.AttrActivationDate, time.Now().Add(-time.Hour))}}}
	wrapped := must[*kmip.RegisterResponse](t, c, again).UniqueIdentifier
	must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: wrapped})
	refused(t, c, &kmip.GetRequest{UniqueIdentifier: wrapped, KeyWrapType: kmip.KeyNotWrapped}, kmip.ReasonSensitive)
	refused(t, c, &kmip.GetRequest{UniqueIdentifier: wrapped, Wrapping: by(wrapper, 0, 0)}, kmip.ReasonIllegalOperation)
	// The wrapped bytes are never taken for the key.
	refused(t, c, &kmip.EncryptRequest{UniqueIdentifier: wrapped, Data: secret.New(16), Parameters: &kmip.CryptographicParameters{Mode: kmip.ModeCBC}}, kmip.ReasonIllegalOperation)
	// Bytes that the wrapping key here did not wrap are no key.
	got.Object.KeyBlock.Material.Reveal()[3] ^= 1
	refused(t, c, again, kmip.ReasonCryptographicFailure)
}
