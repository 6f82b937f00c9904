package keyserver_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// pair asks for a key pair.
func pair(alg kmip.CryptographicAlgorithm, bits int32, more ...kmip.Attribute) *kmip.CreateKeyPairRequest {
	return &kmip.CreateKeyPairRequest{
		Common:  kmip.Template{Attributes: append(kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, alg), kmip.IntegerAttribute(kmip.AttrCryptographicLength, bits), past()}, more...)},
		Private: kmip.Template{Attributes: kmip.Attributes{mask(kmip.UsageSign | kmip.UsageDecrypt)}},
		Public:  kmip.Template{Attributes: kmip.Attributes{mask(kmip.UsageVerify | kmip.UsageEncrypt)}},
	}
}

func attributes(t testing.TB, c conn, id string) kmip.Attributes {
	t.Helper()
	return must[*kmip.GetAttributesResponse](t, c, &kmip.GetAttributesRequest{UniqueIdentifier: id}).Attributes
}

func getAs(t testing.TB, c conn, id string, f kmip.KeyFormatType) kmip.KeyBlock {
	t.Helper()
	return must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: id, KeyFormat: f}).Object.KeyBlock
}

func TestCreateKeyPair(t *testing.T) {
	s := keyservertest.New(t)
	c := connect(t, s, "db")
	for _, k := range []struct {
		req             *kmip.CreateKeyPairRequest
		private, public kmip.KeyFormatType
	}{
		{pair(kmip.AlgorithmRSA, 2048), kmip.KeyFormatPKCS1, kmip.KeyFormatPKCS1},
		{pair(kmip.AlgorithmEC, 256), kmip.KeyFormatECPrivateKey, kmip.KeyFormatX509},
		{pair(kmip.AlgorithmECDSA, 521, kmip.Attribute{Name: kmip.AttrCryptographicDomain, Value: kmip.DomainParameters{Curve: kmip.CurveP521}.TTLV()}), kmip.KeyFormatECPrivateKey, kmip.KeyFormatX509},
	} {
		alg, _ := k.req.Common.Attributes.Get(kmip.AttrCryptographicAlgorithm)
		length, _ := k.req.Common.Attributes.Get(kmip.AttrCryptographicLength)
		k.req.Private.Attributes = append(k.req.Private.Attributes, kmip.NameAttribute(fmt.Sprint("private ", length.Int)))
		made := must[*kmip.CreateKeyPairResponse](t, c, k.req)
		for _, half := range []struct {
			id, other string
			typ       kmip.ObjectType
			link      kmip.LinkType
			format    kmip.KeyFormatType
			mask      kmip.UsageMask
		}{
			{made.PrivateKey, made.PublicKey, kmip.ObjectTypePrivateKey, kmip.LinkPublicKey, k.private, kmip.UsageSign | kmip.UsageDecrypt},
			{made.PublicKey, made.PrivateKey, kmip.ObjectTypePublicKey, kmip.LinkPrivateKey, k.public, kmip.UsageVerify | kmip.UsageEncrypt},
		} {
			l := attributes(t, c, half.id)
			got := func(name string) ttlv.Value {
				v, ok := l.Get(name)
				if !ok {
					t.Errorf("%s: no %s", half.typ, name)
				}
				return v
			}
			if link, err := kmip.ParseLink(got(kmip.AttrLink)); err != nil || link != (kmip.Link{Type: half.link, ID: half.other}) {
				t.Errorf("%+v, %v", link, err)
			}
			if got(kmip.AttrObjectType).Int != int64(half.typ) || !got(kmip.AttrCryptographicAlgorithm).Equal(alg) || !got(kmip.AttrCryptographicLength).Equal(length) || got(kmip.AttrCryptographicUsageMask).Int != int64(half.mask) || l.State() != kmip.StateActive {
				t.Errorf("%+v", l)
			}
			got(kmip.AttrOriginalCreationDate)
			got(kmip.AttrRandomNumberGenerator)
			block := getAs(t, c, half.id, 0)
			digest := sha256.Sum256(block.Material.Reveal())
			if !got(kmip.AttrDigest).Equal(kmip.Digest{Algorithm: kmip.HashSHA256, Value: digest[:], Format: half.format}.TTLV()) || block.Format != half.format || block.Length != int32(length.Int) {
				t.Errorf("%+v, %+v", block, got(kmip.AttrDigest))
			}
		}
		// Both halves belong together, in every format.
		private, err := x509.ParsePKCS8PrivateKey(getAs(t, c, made.PrivateKey, kmip.KeyFormatPKCS8).Material.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		public, err := x509.ParsePKIXPublicKey(getAs(t, c, made.PublicKey, kmip.KeyFormatX509).Material.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		switch p := private.(type) {
		case *rsa.PrivateKey:
			if !p.PublicKey.Equal(public) {
				t.Error("two keys")
			}
		case *ecdsa.PrivateKey:
			if !p.PublicKey.Equal(public) {
				t.Error("two keys")
			}
		}
		// And they sign and verify.
		p := &kmip.CryptographicParameters{Hash: kmip.HashSHA256}
		if alg.Int == int64(kmip.AlgorithmRSA) {
			p.Padding = kmip.PaddingPSS
		}
		sum := secret.Copy(sha(data(33)))
		for _, r := range []*kmip.SignRequest{{Data: data(33)}, {DigestedData: sum}} {
			r.UniqueIdentifier, r.Parameters = made.PrivateKey, p
			sig := must[*kmip.SignResponse](t, c, r).SignatureData
			verify := func(n int) kmip.ValidityIndicator {
				return must[*kmip.SignatureVerifyResponse](t, c, &kmip.SignatureVerifyRequest{UniqueIdentifier: made.PublicKey, Parameters: p, Data: data(n), SignatureData: sig}).Validity
			}
			if verify(33) != kmip.ValidityValid || verify(32) != kmip.ValidityInvalid {
				t.Errorf("%s: the signature", kmip.CryptographicAlgorithm(alg.Int))
			}
		}
	}
}

func sha(b *secret.Bytes) []byte {
	sum := sha256.Sum256(b.Reveal())
	return sum[:]
}

func TestCreateKeyPair_Refused(t *testing.T) {
	s := keyservertest.New(t)
	c := connect(t, s, "db")
	count := func() int {
		return len(must[*kmip.LocateResponse](t, c, &kmip.LocateRequest{}).UniqueIdentifiers)
	}
	create(t, c, "taken")
	before := count()
	named := func(p *kmip.CreateKeyPairRequest, private, public string) *kmip.CreateKeyPairRequest {
		p.Private.Attributes = append(p.Private.Attributes, kmip.NameAttribute(private))
		p.Public.Attributes = append(p.Public.Attributes, kmip.NameAttribute(public))
		return p
	}
	noMask := pair(kmip.AlgorithmEC, 256)
	noMask.Public.Attributes = nil
	noAlgorithm := pair(kmip.AlgorithmEC, 256)
	noAlgorithm.Common.Attributes = noAlgorithm.Common.Attributes[1:]
	for name, r := range map[string]struct {
		p    *kmip.CreateKeyPairRequest
		want kmip.ResultReason
	}{
		"a name that is taken": {named(pair(kmip.AlgorithmEC, 256), "free", "taken"), kmip.ReasonInvalidField},
		"one name for both":    {named(pair(kmip.AlgorithmEC, 256), "same", "same"), kmip.ReasonInvalidField},
		"no usage mask":        {noMask, kmip.ReasonMissingData},
		"no algorithm":         {noAlgorithm, kmip.ReasonMissingData},
		"another algorithm":    {pair(kmip.AlgorithmAES, 256), kmip.ReasonInvalidField},
		"a short key":          {pair(kmip.AlgorithmRSA, 1024), kmip.ReasonInvalidField},
		"no such curve":        {pair(kmip.AlgorithmEC, 257), kmip.ReasonInvalidField},
		"Ed25519 at 1.4":       {pair(kmip.AlgorithmEd25519, 256), kmip.ReasonInvalidField},
	} {
		if it := c.One(kmip.V1_4, r.p); it.Reason != r.want {
			t.Errorf("%s: %+v", name, it)
		}
	}
	if after := count(); after != before {
		t.Errorf("%d objects were left behind", after-before)
	}
}

func TestCreateKeyPair_Ed25519(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	it := c.One(kmip.V2_1, pair(kmip.AlgorithmEd25519, 256))
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	made := it.Payload.(*kmip.CreateKeyPairResponse)
	sig := must[*kmip.SignResponse](t, c, &kmip.SignRequest{UniqueIdentifier: made.PrivateKey, Data: data(5)}).SignatureData
	public, err := x509.ParsePKIXPublicKey(getAs(t, c, made.PublicKey, 0).Material.Reveal())
	if err != nil || !ed25519.Verify(public.(ed25519.PublicKey), data(5).Reveal(), sig) {
		t.Errorf("%v", err)
	}
}

// Keys that clients bring can be had in every other format, and used.
func TestRegister_KeyPairs(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	send := func(typ kmip.ObjectType, f kmip.KeyFormatType, material []byte, more ...kmip.Attribute) *kmip.RegisterRequest {
		return &kmip.RegisterRequest{ObjectType: typ, Template: kmip.Template{Attributes: more}, Object: kmip.Object{Type: typ, KeyBlock: kmip.KeyBlock{Format: f, Material: secret.Copy(material)}}}
	}
	private, public := kmip.ObjectTypePrivateKey, kmip.ObjectTypePublicKey
	for _, k := range []struct {
		typ     kmip.ObjectType
		first   kmip.KeyFormatType
		der     []byte
		alg     kmip.CryptographicAlgorithm
		bits    int64
		formats []kmip.KeyFormatType
	}{
		{private, kmip.KeyFormatPKCS1, x509.MarshalPKCS1PrivateKey(rsaKey), kmip.AlgorithmRSA, 2048, []kmip.KeyFormatType{kmip.KeyFormatPKCS8, kmip.KeyFormatTransparentRSAPrivateKey}},
		{public, kmip.KeyFormatPKCS1, x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey), kmip.AlgorithmRSA, 2048, []kmip.KeyFormatType{kmip.KeyFormatX509, kmip.KeyFormatTransparentRSAPublicKey}},
		{private, kmip.KeyFormatECPrivateKey, der(x509.MarshalECPrivateKey(ecKey)), kmip.AlgorithmEC, 384, []kmip.KeyFormatType{kmip.KeyFormatPKCS8, kmip.KeyFormatTransparentECPrivateKey, kmip.KeyFormatTransparentECDSAPrivateKey}},
		{public, kmip.KeyFormatX509, der(x509.MarshalPKIXPublicKey(&ecKey.PublicKey)), kmip.AlgorithmEC, 384, []kmip.KeyFormatType{kmip.KeyFormatTransparentECPublicKey}},
	} {
		id := register(t, c, send(k.typ, k.first, k.der))
		l := attributes(t, c, id)
		alg, _ := l.Get(kmip.AttrCryptographicAlgorithm)
		length, _ := l.Get(kmip.AttrCryptographicLength)
		if alg.Int != int64(k.alg) || length.Int != k.bits {
			t.Errorf("%s: %+v", k.typ, l)
		}
		for _, f := range append(k.formats, k.first, 0) {
			block := getAs(t, c, id, f)
			if f == 0 {
				f = k.first
			}
			if block.Format != f || block.Algorithm != k.alg || int64(block.Length) != k.bits {
				t.Errorf("%s as %s: %+v", k.typ, f, block)
			}
			again := register(t, c, send(k.typ, f, block.Material.Reveal()))
			if back := getAs(t, c, again, k.first); !bytes.Equal(back.Material.Reveal(), k.der) {
				t.Errorf("%s through %s is another key", k.typ, f)
			}
		}
		for _, f := range []kmip.KeyFormatType{kmip.KeyFormatRaw, kmip.KeyFormatPKCS12, kmip.KeyFormatTransparentSymmetricKey} {
			refused(t, c, &kmip.GetRequest{UniqueIdentifier: id, KeyFormat: f}, kmip.ReasonKeyFormatTypeNotSupported)
		}
		refused(t, c, send(k.typ, k.first, k.der[:20]), kmip.ReasonInvalidField)
		refused(t, c, send(k.typ, k.first, k.der, kmip.IntegerAttribute(kmip.AttrCryptographicLength, 4096)), kmip.ReasonInvalidField)
		refused(t, c, send(k.typ, k.first, k.der, kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmDSA)), kmip.ReasonInvalidField)
		refused(t, c, send(k.typ, k.first, k.der, kmip.Attribute{Name: kmip.AttrCryptographicDomain, Value: kmip.DomainParameters{Curve: kmip.CurveP256}.TTLV()}), kmip.ReasonInvalidField)
		refused(t, c, send(k.typ, kmip.KeyFormatPKCS12, k.der), kmip.ReasonKeyFormatTypeNotSupported)
		// What is not read here is kept as it is, and used for nothing.
		opaque := register(t, c, send(k.typ, kmip.KeyFormatOpaque, []byte("any bytes"), mask(everyUse), past()))
		if block := getAs(t, c, opaque, kmip.KeyFormatOpaque); string(block.Material.Reveal()) != "any bytes" {
			t.Errorf("%+v", block)
		}
		refused(t, c, &kmip.GetRequest{UniqueIdentifier: opaque, KeyFormat: k.first}, kmip.ReasonKeyFormatTypeNotSupported)
		if k.typ == private {
			refused(t, c, &kmip.SignRequest{UniqueIdentifier: opaque, Data: data(1), Parameters: &kmip.CryptographicParameters{Padding: kmip.PaddingPSS, Hash: kmip.HashSHA256}}, kmip.ReasonKeyFormatTypeNotSupported)
		}
	}

	// RSA: what the public key encrypts the private one decrypts.
	oaep := parameters(kmip.CryptographicParameters{Padding: kmip.PaddingOAEP, Hash: kmip.HashSHA256, MaskHash: kmip.HashSHA1, PSource: []byte("p")})
	pub := register(t, c, send(public, kmip.KeyFormatPKCS1, x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey), mask(everyUse), past(), oaep))
	priv := register(t, c, send(private, kmip.KeyFormatPKCS1, x509.MarshalPKCS1PrivateKey(rsaKey), mask(everyUse), past(), oaep))
	sealed := must[*kmip.EncryptResponse](t, c, &kmip.EncryptRequest{UniqueIdentifier: pub, Data: data(40)})
	if back := must[*kmip.DecryptResponse](t, c, &kmip.DecryptRequest{UniqueIdentifier: priv, Data: sealed.Data.Clone()}); !back.Data.Equal(data(40)) || sealed.IV != nil {
		t.Errorf("%+v", sealed)
	}
	sealed.Data.Reveal()[9] ^= 1
	refused(t, c, &kmip.DecryptRequest{UniqueIdentifier: priv, Data: sealed.Data.Clone()}, kmip.ReasonCryptographicFailure)
	refused(t, c, &kmip.DecryptRequest{UniqueIdentifier: pub, Data: sealed.Data.Clone()}, kmip.ReasonInvalidField)
	refused(t, c, &kmip.EncryptRequest{UniqueIdentifier: priv, Data: data(1)}, kmip.ReasonInvalidField)
	refused(t, c, &kmip.EncryptRequest{UniqueIdentifier: pub, Data: data(1), IV: []byte{1}}, kmip.ReasonInvalidField)
	pss := &kmip.CryptographicParameters{Padding: kmip.PaddingPSS, Hash: kmip.HashSHA256}
	refused(t, c, &kmip.SignRequest{UniqueIdentifier: priv, Parameters: pss}, kmip.ReasonMissingData)
	refused(t, c, &kmip.SignRequest{UniqueIdentifier: priv, Parameters: pss, Data: data(1), DigestedData: data(32)}, kmip.ReasonInvalidField)
	refused(t, c, &kmip.SignRequest{UniqueIdentifier: pub, Parameters: pss, Data: data(1)}, kmip.ReasonInvalidField)
	refused(t, c, &kmip.SignatureVerifyRequest{UniqueIdentifier: pub, Parameters: pss, Data: data(1)}, kmip.ReasonMissingData)

	// In parts.
	first := must[*kmip.SignResponse](t, c, &kmip.SignRequest{UniqueIdentifier: priv, Parameters: pss, Data: data(60), Part: kmip.Part{Init: true}})
	last := must[*kmip.SignResponse](t, c, &kmip.SignRequest{Data: data(40), Part: kmip.Part{Final: true, Correlation: first.Correlation}})
	v := must[*kmip.SignatureVerifyResponse](t, c, &kmip.SignatureVerifyRequest{UniqueIdentifier: pub, Parameters: pss, Data: data(100), SignatureData: last.SignatureData})
	if first.SignatureData != nil || v.Validity != kmip.ValidityValid {
		t.Errorf("%+v, %+v", first, v)
	}
}

func TestRegister_Certificate(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "db"}, NotAfter: time.Now().Add(time.Hour)},
		&x509.Certificate{Subject: pkix.Name{CommonName: "ca"}}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	send := func(typ kmip.CertificateType, value []byte, more ...kmip.Attribute) *kmip.RegisterRequest {
		return &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeCertificate, Template: kmip.Template{Attributes: more}, Object: kmip.Object{Type: kmip.ObjectTypeCertificate, CertificateType: typ, CertificateValue: secret.Copy(value)}}
	}
	id := register(t, c, send(kmip.CertificateX509, der, mask(kmip.UsageVerify), past()))
	got := must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: id})
	if got.Object.CertificateType != kmip.CertificateX509 || !bytes.Equal(got.Object.CertificateValue.Reveal(), der) {
		t.Errorf("%+v", got)
	}
	l := attributes(t, c, id)
	digest := sha256.Sum256(der)
	for name, want := range map[string]ttlv.Value{
		kmip.AttrCertificateType: ttlv.EnumerationValue(1), kmip.AttrCertificateLength: ttlv.IntegerValue(int32(len(der))), kmip.AttrCryptographicAlgorithm: ttlv.EnumerationValue(uint32(kmip.AlgorithmRSA)),
		kmip.AttrCryptographicLength: ttlv.IntegerValue(2048), kmip.AttrDigitalSignature: ttlv.EnumerationValue(uint32(kmip.SignatureSHA256WithRSA)),
		kmip.AttrDigest: kmip.Digest{Algorithm: kmip.HashSHA256, Value: digest[:], Format: kmip.KeyFormatX509}.TTLV(),
	} {
		if v, ok := l.Get(name); !ok || !v.Equal(want) {
			t.Errorf("%s: %+v", name, v)
		}
	}
	subject, ok := l.Get(kmip.AttrX509Subject)
	if _, has := l.Get(kmip.AttrX509Issuer); !ok || !has {
		t.Errorf("%+v", l)
	}
	// It is found by what it says of itself, and its key verifies.
	found := must[*kmip.LocateResponse](t, c, &kmip.LocateRequest{Attributes: kmip.Attributes{{Name: kmip.AttrX509Subject, Value: subject}}})
	if !slices.Equal(found.UniqueIdentifiers, []string{id}) {
		t.Errorf("%+v", found)
	}
	sum := sha256.Sum256(data(9).Reveal())
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	v := must[*kmip.SignatureVerifyResponse](t, c, &kmip.SignatureVerifyRequest{UniqueIdentifier: id, Data: data(9), SignatureData: sig, Parameters: &kmip.CryptographicParameters{Signature: kmip.SignatureSHA256WithRSA}})
	if v.Validity != kmip.ValidityValid {
		t.Errorf("%+v", v)
	}
	refused(t, c, send(kmip.CertificateX509, der[:100]), kmip.ReasonInvalidField)
	refused(t, c, send(9, der), kmip.ReasonInvalidField)
	refused(t, c, send(kmip.CertificateX509, der, kmip.IntegerAttribute(kmip.AttrCryptographicLength, 1024)), kmip.ReasonInvalidField)
	refused(t, c, &kmip.GetRequest{UniqueIdentifier: id, KeyFormat: kmip.KeyFormatPKCS1}, kmip.ReasonKeyFormatTypeNotSupported)
	register(t, c, send(kmip.CertificatePGP, []byte("any bytes")))
}

func TestRegister_SplitAndPGPKeys(t *testing.T) {
	s := keyservertest.New(t)
	cert, key := s.NewClient("db")
	c := kmiptest.Dial(t, s.Addr, s.ClientConfig(cert, key))
	block := func() kmip.KeyBlock {
		return kmip.KeyBlock{Format: kmip.KeyFormatRaw, Material: data(32), Algorithm: kmip.AlgorithmAES, Length: 256}
	}
	split := func(parts, id, threshold int32) *kmip.RegisterRequest {
		return &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSplitKey, Object: kmip.Object{Type: kmip.ObjectTypeSplitKey, KeyBlock: block(),
			Split: kmip.SplitKey{Parts: parts, Identifier: id, Threshold: threshold, Method: kmip.SplitPolynomialPrimeField, PrimeFieldSize: []byte{0, 0, 0, 0, 0, 0, 1, 1}}}}
	}
	id := register(t, c, split(3, 2, 2))
	pgp := register(t, c, &kmip.RegisterRequest{ObjectType: kmip.ObjectTypePGPKey, Object: kmip.Object{Type: kmip.ObjectTypePGPKey, PGPKeyVersion: 4, KeyBlock: block()}})
	for range 2 {
		got := must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: id}).Object
		if want := split(3, 2, 2).Object.Split; got.Split.Parts != want.Parts || got.Split.Identifier != 2 || got.Split.Threshold != 2 || got.Split.Method != want.Method || !bytes.Equal(got.Split.PrimeFieldSize, want.PrimeFieldSize) ||
			got.KeyBlock.Length != 256 || !got.KeyBlock.Material.Equal(data(32)) {
			t.Errorf("%+v", got)
		}
		if got := must[*kmip.GetResponse](t, c, &kmip.GetRequest{UniqueIdentifier: pgp}).Object; got.PGPKeyVersion != 4 {
			t.Errorf("%+v", got)
		}
		s.Stop()
		s.Start()
		c = kmiptest.Dial(t, s.Addr, s.ClientConfig(cert, key))
	}
	for _, bad := range [][3]int32{{1, 1, 1}, {3, 4, 2}, {3, 0, 2}, {3, 1, 4}, {3, 1, 1}} {
		refused(t, c, split(bad[0], bad[1], bad[2]), kmip.ReasonInvalidField)
	}
	refused(t, c, &kmip.EncryptRequest{UniqueIdentifier: id, Data: data(16)}, kmip.ReasonPermissionDenied)
}
