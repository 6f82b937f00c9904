package cryptography_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/cryptography"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// pairs are keys that Go has made, with the formats that each can have.
var pairs = []struct {
	name            string
	private         crypto.Signer
	alg             kmip.CryptographicAlgorithm
	bits            int32
	curve           kmip.RecommendedCurve
	formats, public []kmip.KeyFormatType
}{
	{"RSA", must(rsa.GenerateKey(rand.Reader, 2048)), kmip.AlgorithmRSA, 2048, 0,
		[]kmip.KeyFormatType{kmip.KeyFormatPKCS1, kmip.KeyFormatPKCS8, kmip.KeyFormatTransparentRSAPrivateKey},
		[]kmip.KeyFormatType{kmip.KeyFormatPKCS1, kmip.KeyFormatX509, kmip.KeyFormatTransparentRSAPublicKey}},
	{"P-256", must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), kmip.AlgorithmEC, 256, kmip.CurveP256, ecFormats, ecPublic},
	{"P-384", must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)), kmip.AlgorithmEC, 384, kmip.CurveP384, ecFormats, ecPublic},
	{"P-521", must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)), kmip.AlgorithmEC, 521, kmip.CurveP521, ecFormats, ecPublic},
	{"Ed25519", ed25519.NewKeyFromSeed(make([]byte, 32)), kmip.AlgorithmEd25519, 256, kmip.Curve25519, []kmip.KeyFormatType{kmip.KeyFormatPKCS8}, []kmip.KeyFormatType{kmip.KeyFormatX509}},
}

var (
	ecFormats = []kmip.KeyFormatType{kmip.KeyFormatECPrivateKey, kmip.KeyFormatPKCS8, kmip.KeyFormatTransparentECPrivateKey, kmip.KeyFormatTransparentECDSAPrivateKey, kmip.KeyFormatTransparentECDHPrivateKey}
	ecPublic  = []kmip.KeyFormatType{kmip.KeyFormatX509, kmip.KeyFormatTransparentECPublicKey, kmip.KeyFormatTransparentECDSAPublicKey, kmip.KeyFormatTransparentECDHPublicKey}
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var allFormats = func() (all []kmip.KeyFormatType) {
	for f := kmip.KeyFormatRaw; f <= kmip.KeyFormatPKCS12; f++ {
		all = append(all, f)
	}
	return all
}()

// A key keeps what it is through every format; a format that it has not is refused.
func TestKey_EveryFormat(t *testing.T) {
	for _, p := range pairs {
		der := must(x509.MarshalPKCS8PrivateKey(p.private))
		k, err := cryptography.ParsePrivateKey(kmip.KeyFormatPKCS8, der)
		if err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
		publicDER := must(x509.MarshalPKIXPublicKey(p.private.Public()))
		for _, f := range allFormats {
			for half, formats := range [][]kmip.KeyFormatType{p.formats, p.public} {
				parse, key, parsed, want := cryptography.ParsePrivateKey, k, kmip.KeyFormatPKCS8, der
				if half == 1 {
					parse, key, parsed, want = cryptography.ParsePublicKey, k.Public(), kmip.KeyFormatX509, publicDER
				}
				material, err := key.Marshal(f)
				if !slices.Contains(formats, f) {
					if kmip.ReasonOf(err) != kmip.ReasonKeyFormatTypeNotSupported {
						t.Errorf("%s as %s: %v", p.name, f, err)
					}
					continue
				}
				if err != nil {
					t.Errorf("%s as %s: %v", p.name, f, err)
					continue
				}
				back, err := parse(f, material.Reveal())
				if err != nil {
					t.Errorf("%s from %s: %v", p.name, f, err)
					continue
				}
				if got, err := back.Marshal(parsed); err != nil || !bytes.Equal(got.Reveal(), want) {
					t.Errorf("%s through %s became another key: %v", p.name, f, err)
				}
				if back.Algorithm() != p.alg || back.Bits() != p.bits || back.Curve() != p.curve || !back.Is(p.alg) || back.Is(kmip.AlgorithmDSA) || back.Is(kmip.AlgorithmECDSA) != (p.alg == kmip.AlgorithmEC) {
					t.Errorf("%s from %s: %s of %d bits, curve %s", p.name, f, back.Algorithm(), back.Bits(), back.Curve())
				}
				for _, bad := range [][]byte{nil, material.Reveal()[:material.Len()-8], append(bytes.Clone(material.Reveal()), 0), []byte("nonsense")} {
					if _, err := parse(f, bad); kmip.ReasonOf(err) != kmip.ReasonInvalidField {
						t.Errorf("%s, damaged %s: %v", p.name, f, err)
					}
				}
			}
		}
	}
}

// A transparent key need not say what follows from the rest, and must not lie.
func TestKey_TransparentRSA(t *testing.T) {
	k := pairs[0].private.(*rsa.PrivateKey)
	number := func(w *ttlv.Writer, tag ttlv.Tag, n *big.Int) {
		w.BigInteger(tag, n.FillBytes(make([]byte, (n.BitLen()/64+1)*8)))
	}
	build := func(tags ...ttlv.Tag) []byte {
		var w ttlv.Writer
		for tag, n := range map[ttlv.Tag]*big.Int{kmip.TagModulus: k.N, kmip.TagPublicExponent: big.NewInt(int64(k.E)), kmip.TagPrivateExponent: k.D, kmip.TagP: k.Primes[0], kmip.TagQ: k.Primes[1], kmip.TagX: new(big.Int).Sub(k.N, big.NewInt(2))} {
			if tag == kmip.TagX && slices.Contains(tags, kmip.TagX) { // another modulus
				number(&w, kmip.TagModulus, n)
			} else if slices.Contains(tags, tag) {
				number(&w, tag, n)
			}
		}
		return w.Bytes()
	}
	if _, err := cryptography.ParsePrivateKey(kmip.KeyFormatTransparentRSAPrivateKey, build(kmip.TagModulus, kmip.TagPublicExponent, kmip.TagP, kmip.TagQ)); err != nil {
		t.Errorf("without the Private Exponent: %v", err)
	}
	for what, tags := range map[string][]ttlv.Tag{
		"no modulus": {kmip.TagPublicExponent, kmip.TagP, kmip.TagQ, kmip.TagPrivateExponent}, "no primes": {kmip.TagModulus, kmip.TagPublicExponent, kmip.TagPrivateExponent},
		"no public exponent": {kmip.TagModulus, kmip.TagPrivateExponent, kmip.TagP, kmip.TagQ}, "another modulus": {kmip.TagX, kmip.TagPublicExponent, kmip.TagPrivateExponent, kmip.TagP, kmip.TagQ},
	} {
		if _, err := cryptography.ParsePrivateKey(kmip.KeyFormatTransparentRSAPrivateKey, build(tags...)); kmip.ReasonOf(err) != kmip.ReasonInvalidField {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestKey_Refuses(t *testing.T) {
	for what, err := range map[string]error{
		"a key of 512 bits": func() error {
			_, err := cryptography.ParsePrivateKey(kmip.KeyFormatPKCS1, smallRSA)
			return err
		}(),
		"too long": func() error {
			_, err := cryptography.ParsePublicKey(kmip.KeyFormatPKCS1, make([]byte, 17<<10))
			return err
		}(),
	} {
		if kmip.ReasonOf(err) != kmip.ReasonInvalidField {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// smallRSA is a key of 512 bits in PKCS#1, made here.
var smallRSA = func() []byte {
	p, q := must(rand.Prime(rand.Reader, 256)), must(rand.Prime(rand.Reader, 256))
	one, e := big.NewInt(1), big.NewInt(65537)
	n := new(big.Int).Mul(p, q)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	d := new(big.Int).ModInverse(e, phi)
	return must(asn1.Marshal(struct {
		Version                   int
		N, E, D, P, Q, Dp, Dq, Qi *big.Int
	}{0, n, e, d, p, q, new(big.Int).Mod(d, new(big.Int).Sub(p, one)), new(big.Int).Mod(d, new(big.Int).Sub(q, one)), new(big.Int).ModInverse(q, p)}))
}()

func TestGenerate(t *testing.T) {
	for _, c := range []struct {
		alg         kmip.CryptographicAlgorithm
		bits        int32
		curve       kmip.RecommendedCurve
		want        int32 // 0: refused
		own, public kmip.KeyFormatType
	}{
		{kmip.AlgorithmRSA, 2048, 0, 2048, kmip.KeyFormatPKCS1, kmip.KeyFormatPKCS1}, {alg: kmip.AlgorithmRSA, bits: 1024}, {alg: kmip.AlgorithmRSA, bits: 2049}, {alg: kmip.AlgorithmRSA, bits: 8192}, {alg: kmip.AlgorithmRSA},
		{kmip.AlgorithmEC, 256, 0, 256, kmip.KeyFormatECPrivateKey, kmip.KeyFormatX509}, {kmip.AlgorithmECDSA, 0, kmip.CurveP384, 384, kmip.KeyFormatECPrivateKey, kmip.KeyFormatX509},
		{kmip.AlgorithmECDH, 521, kmip.CurveP521, 521, kmip.KeyFormatECPrivateKey, kmip.KeyFormatX509}, {alg: kmip.AlgorithmEC}, {alg: kmip.AlgorithmEC, bits: 256, curve: kmip.CurveP384}, {alg: kmip.AlgorithmEC, bits: 224},
		{kmip.AlgorithmEd25519, 0, 0, 256, kmip.KeyFormatPKCS8, kmip.KeyFormatX509}, {alg: kmip.AlgorithmEd25519, bits: 128}, {alg: kmip.AlgorithmAES, bits: 256}, {alg: kmip.AlgorithmDSA, bits: 2048},
	} {
		k, err := cryptography.Generate(c.alg, c.bits, c.curve)
		switch {
		case c.want == 0:
			if kmip.ReasonOf(err) != kmip.ReasonInvalidField {
				t.Errorf("%+v: %v", c, err)
			}
		case err != nil || !k.Is(c.alg) || k.Bits() != c.want || k.OwnFormat() != c.own || k.Public().OwnFormat() != c.public:
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func key(t *testing.T, name string) (*cryptography.Key, crypto.Signer) {
	t.Helper()
	for _, p := range pairs {
		if p.name == name {
			k, err := cryptography.ParsePrivateKey(kmip.KeyFormatPKCS8, must(x509.MarshalPKCS8PrivateKey(p.private)))
			if err != nil {
				t.Fatal(err)
			}
			return k, p.private
		}
	}
	t.Fatal(name)
	return nil, nil
}

// Signatures are right to Go's own functions, and Go's are to us.
func TestSignature(t *testing.T) {
	data := []byte("some data to be signed")
	sum1, sum256, sum512 := sha1.Sum(data), sha256.Sum256(data), sha512.Sum512(data)
	twenty := int32(20)
	for name, c := range map[string]struct {
		key    string
		p      kmip.CryptographicParameters
		digest []byte
		check  func(pub any, sig []byte) bool
	}{
		"PKCS#1 v1.5": {"RSA", kmip.CryptographicParameters{Padding: kmip.PaddingPKCS1v1_5, Hash: kmip.HashSHA256, Algorithm: kmip.AlgorithmRSA}, sum256[:],
			func(pub any, sig []byte) bool {
				return rsa.VerifyPKCS1v15(pub.(*rsa.PublicKey), crypto.SHA256, sum256[:], sig) == nil
			}},
		"SHA-512 with RSA": {"RSA", kmip.CryptographicParameters{Signature: kmip.SignatureSHA512WithRSA}, sum512[:],
			func(pub any, sig []byte) bool {
				return rsa.VerifyPKCS1v15(pub.(*rsa.PublicKey), crypto.SHA512, sum512[:], sig) == nil
			}},
		"PSS": {"RSA", kmip.CryptographicParameters{Padding: kmip.PaddingPSS, Hash: kmip.HashSHA256}, sum256[:],
			func(pub any, sig []byte) bool {
				return rsa.VerifyPSS(pub.(*rsa.PublicKey), crypto.SHA256, sum256[:], sig, &rsa.PSSOptions{SaltLength: 32}) == nil
			}},
		"PSS, salt of 20 bytes": {"RSA", kmip.CryptographicParameters{Signature: kmip.SignatureRSASSAPSS, Hash: kmip.HashSHA512, SaltLength: &twenty, MaskGenerator: kmip.MaskMGF1, MaskHash: kmip.HashSHA512}, sum512[:],
			func(pub any, sig []byte) bool {
				return rsa.VerifyPSS(pub.(*rsa.PublicKey), crypto.SHA512, sum512[:], sig, &rsa.PSSOptions{SaltLength: 20}) == nil
			}},
		"ECDSA, P-256": {"P-256", kmip.CryptographicParameters{Hash: kmip.HashSHA256, Algorithm: kmip.AlgorithmECDSA}, sum256[:],
			func(pub any, sig []byte) bool { return ecdsa.VerifyASN1(pub.(*ecdsa.PublicKey), sum256[:], sig) }},
		"ECDSA with SHA-1, P-384": {"P-384", kmip.CryptographicParameters{Signature: kmip.SignatureECDSAWithSHA1}, sum1[:],
			func(pub any, sig []byte) bool { return ecdsa.VerifyASN1(pub.(*ecdsa.PublicKey), sum1[:], sig) }},
		"ECDSA, P-521": {"P-521", kmip.CryptographicParameters{Hash: kmip.HashSHA512}, sum512[:],
			func(pub any, sig []byte) bool { return ecdsa.VerifyASN1(pub.(*ecdsa.PublicKey), sum512[:], sig) }},
		"Ed25519": {"Ed25519", kmip.CryptographicParameters{}, nil,
			func(pub any, sig []byte) bool { return ed25519.Verify(pub.(ed25519.PublicKey), data, sig) }},
	} {
		t.Run(name, func(t *testing.T) {
			k, goKey := key(t, c.key)
			begin := func(k *cryptography.Key) *cryptography.Signature {
				s, err := cryptography.NewSignature(c.p, k)
				if err != nil {
					t.Fatal(err)
				}
				return s
			}
			sign := func(feed func(*cryptography.Signature) error) []byte {
				s := begin(k)
				if err := feed(s); err != nil {
					t.Fatal(err)
				}
				sig, err := s.Sign()
				if err != nil {
					t.Fatal(err)
				}
				return sig
			}
			whole := func(s *cryptography.Signature) error { return s.Update(data) }
			inParts := func(s *cryptography.Signature) error {
				if err := s.Update(data[:5]); err != nil {
					return err
				}
				return s.Update(data[5:])
			}
			feeds := []func(*cryptography.Signature) error{whole, inParts}
			if c.digest != nil {
				feeds = append(feeds, func(s *cryptography.Signature) error { return s.Digest(c.digest) })
			}
			for i, feed := range feeds {
				sig := sign(feed)
				if !c.check(goKey.Public(), sig) {
					t.Errorf("feed %d: the signature is wrong to Go", i)
				}
				for j, feed := range feeds {
					s := begin(k.Public())
					if err := feed(s); err != nil || !s.Verify(sig) {
						t.Errorf("feeds %d and %d: %v", i, j, err)
					}
				}
				wrong := bytes.Clone(sig)
				wrong[len(wrong)/2] ^= 1
				for what, bad := range map[string][]byte{"changed": wrong, "cut": sig[:len(sig)-1], "none": {}} {
					s := begin(k.Public())
					if err := whole(s); err != nil || s.Verify(bad) {
						t.Errorf("a signature that is %s is right, %v", what, err)
					}
				}
				s := begin(k.Public())
				if err := s.Update([]byte("other data")); err != nil || s.Verify(sig) {
					t.Errorf("it is right for other data, %v", err)
				}
			}
			if s := begin(k.Public()); s.Update(data) != nil {
				t.Fatal()
			} else if _, err := s.Sign(); kmip.ReasonOf(err) != kmip.ReasonInvalidField {
				t.Errorf("signed with a public key: %v", err)
			}
		})
	}
}

// RFC 8032, 7.1, test 2.
func TestSignature_Ed25519Vector(t *testing.T) {
	seed := unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
	k, err := cryptography.ParsePrivateKey(kmip.KeyFormatPKCS8, must(x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(seed))))
	if err != nil {
		t.Fatal(err)
	}
	s, err := cryptography.NewSignature(kmip.CryptographicParameters{}, k)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update([]byte{0x72}); err != nil {
		t.Fatal(err)
	}
	want := unhex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
	if sig, err := s.Sign(); err != nil || !bytes.Equal(sig, want) {
		t.Errorf("%x, %v", sig, err)
	}
	if err := s.Digest(make([]byte, 64)); kmip.ReasonOf(err) != kmip.ReasonInvalidField {
		t.Errorf("Digested Data: %v", err)
	}
}

// RFC 6979, A.2.5: "sample" with SHA-256.
func TestSignature_ECDSAVector(t *testing.T) {
	var w ttlv.Writer
	w.Enumeration(kmip.TagRecommendedCurve, uint32(kmip.CurveP256))
	w.ByteString(kmip.TagQString, unhex("04 60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6 7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299"))
	k, err := cryptography.ParsePublicKey(kmip.KeyFormatTransparentECPublicKey, w.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	r := new(big.Int).SetBytes(unhex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"))
	v := new(big.Int).SetBytes(unhex("F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"))
	sig := must(asn1.Marshal(struct{ R, S *big.Int }{r, v}))
	s, err := cryptography.NewSignature(kmip.CryptographicParameters{Signature: kmip.SignatureECDSAWithSHA256}, k)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update([]byte("sample")); err != nil || !s.Verify(sig) {
		t.Errorf("wrong, %v", err)
	}
}

func TestSignature_Refuses(t *testing.T) {
	zero := int32(0)
	for name, c := range map[string]struct {
		key string
		p   kmip.CryptographicParameters
	}{
		"no padding":                     {"RSA", kmip.CryptographicParameters{Hash: kmip.HashSHA256}},
		"no hash":                        {"RSA", kmip.CryptographicParameters{Padding: kmip.PaddingPSS}},
		"OAEP":                           {"RSA", kmip.CryptographicParameters{Padding: kmip.PaddingOAEP, Hash: kmip.HashSHA256}},
		"MD5 with RSA":                   {"RSA", kmip.CryptographicParameters{Signature: kmip.SignatureMD5WithRSA}},
		"ECDSA with an RSA key":          {"RSA", kmip.CryptographicParameters{Signature: kmip.SignatureECDSAWithSHA256}},
		"RSA with an EC key":             {"P-256", kmip.CryptographicParameters{Signature: kmip.SignatureSHA256WithRSA}},
		"PSS with an EC key":             {"P-256", kmip.CryptographicParameters{Padding: kmip.PaddingPSS, Hash: kmip.HashSHA256}},
		"two hashes":                     {"RSA", kmip.CryptographicParameters{Signature: kmip.SignatureSHA256WithRSA, Hash: kmip.HashSHA512}},
		"two paddings":                   {"RSA", kmip.CryptographicParameters{Signature: kmip.SignatureSHA256WithRSA, Padding: kmip.PaddingPSS}},
		"another algorithm":              {"RSA", kmip.CryptographicParameters{Algorithm: kmip.AlgorithmEC, Padding: kmip.PaddingPSS, Hash: kmip.HashSHA256}},
		"PSS, another hash for the mask": {"RSA", kmip.CryptographicParameters{Padding: kmip.PaddingPSS, Hash: kmip.HashSHA256, MaskHash: kmip.HashSHA1}},
		"PSS without a salt":             {"RSA", kmip.CryptographicParameters{Padding: kmip.PaddingPSS, Hash: kmip.HashSHA256, SaltLength: &zero}},
		"PSS, another trailer":           {"RSA", kmip.CryptographicParameters{Padding: kmip.PaddingPSS, Hash: kmip.HashSHA256, TrailerField: &three}},
		"Ed25519 with a hash":            {"Ed25519", kmip.CryptographicParameters{Hash: kmip.HashSHA512}},
	} {
		k, _ := key(t, c.key)
		if _, err := cryptography.NewSignature(c.p, k); kmip.ReasonOf(err) != kmip.ReasonInvalidField {
			t.Errorf("%s: %v", name, err)
		}
	}
	k, _ := key(t, "RSA")
	s, err := cryptography.NewSignature(kmip.CryptographicParameters{Padding: kmip.PaddingPSS, Hash: kmip.HashSHA256}, k)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Digest(make([]byte, 31)); kmip.ReasonOf(err) != kmip.ReasonInvalidField {
		t.Errorf("a digest of 31 bytes: %v", err)
	}
}

func TestRSA(t *testing.T) {
	k, goKey := key(t, "RSA")
	private := goKey.(*rsa.PrivateKey)
	text := []byte("a key of some thirty-two bytes..")
	for name, c := range map[string]struct {
		p       kmip.CryptographicParameters
		options crypto.DecrypterOpts
	}{
		"PKCS#1 v1.5":          {kmip.CryptographicParameters{Padding: kmip.PaddingPKCS1v1_5}, &rsa.PKCS1v15DecryptOptions{}},
		"OAEP, SHA-1":          {kmip.CryptographicParameters{Padding: kmip.PaddingOAEP, Hash: kmip.HashSHA1}, &rsa.OAEPOptions{Hash: crypto.SHA1}},
		"OAEP, SHA-256":        {kmip.CryptographicParameters{Padding: kmip.PaddingOAEP, Hash: kmip.HashSHA256, MaskHash: kmip.HashSHA256, MaskGenerator: kmip.MaskMGF1}, &rsa.OAEPOptions{Hash: crypto.SHA256}},
		"OAEP, mask of SHA-1":  {kmip.CryptographicParameters{Padding: kmip.PaddingOAEP, Hash: kmip.HashSHA512}, &rsa.OAEPOptions{Hash: crypto.SHA512, MGFHash: crypto.SHA1}},
		"OAEP, with a label":   {kmip.CryptographicParameters{Padding: kmip.PaddingOAEP, Hash: kmip.HashSHA384, MaskHash: kmip.HashSHA224, PSource: []byte("label")}, &rsa.OAEPOptions{Hash: crypto.SHA384, MGFHash: crypto.SHA224, Label: []byte("label")}},
		"OAEP, an empty label": {kmip.CryptographicParameters{Padding: kmip.PaddingOAEP, Hash: kmip.HashSHA256, MaskHash: kmip.HashSHA256, PSource: []byte{}}, &rsa.OAEPOptions{Hash: crypto.SHA256}},
	} {
		t.Run(name, func(t *testing.T) {
			do := func(k *cryptography.Key, encrypt bool, data []byte) ([]byte, error) {
				j, err := cryptography.NewRSAJob(c.p, k, encrypt)
				if err != nil {
					t.Fatal(err)
				}
				if out, err := j.Update(data[:3]); out != nil || err != nil {
					t.Fatal(out, err)
				}
				out, err := j.Final(data[3:])
				return bytes.Clone(out.Reveal()), err
			}
			sealed, err := do(k.Public(), true, text)
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := private.Decrypt(nil, sealed, c.options); err != nil || !bytes.Equal(plain, text) {
				t.Errorf("to Go it is %x, %v", plain, err)
			}
			if plain, err := do(k, false, sealed); err != nil || !bytes.Equal(plain, text) {
				t.Errorf("it is %x, %v", plain, err)
			}
			changed := bytes.Clone(sealed)
			changed[100] ^= 1
			for what, bad := range map[string][]byte{"changed": changed, "cut": sealed[:255], "longer": append(bytes.Clone(sealed), 1), "greater than the modulus": bytes.Repeat([]byte{0xff}, 256)} {
				if _, err := do(k, false, bad); err != cryptography.ErrCryptography {
					t.Errorf("%s: %v", what, err)
				}
			}
			if _, err := do(k.Public(), true, make([]byte, 250)); kmip.ReasonOf(err) != kmip.ReasonInvalidField {
				t.Errorf("too much: %v", err)
			}
			if _, err := do(k.Public(), false, sealed); kmip.ReasonOf(err) != kmip.ReasonInvalidField {
				t.Errorf("decrypted with a public key: %v", err)
			}
		})
	}
	for name, p := range map[string]kmip.CryptographicParameters{
		"no padding": {}, "PSS": {Padding: kmip.PaddingPSS, Hash: kmip.HashSHA256}, "no hash": {Padding: kmip.PaddingOAEP}, "a mode": {Padding: kmip.PaddingOAEP, Hash: kmip.HashSHA256, Mode: kmip.ModeCBC},
		"another algorithm": {Padding: kmip.PaddingPKCS1v1_5, Algorithm: kmip.AlgorithmAES}, "an unknown mask": {Padding: kmip.PaddingOAEP, Hash: kmip.HashSHA256, MaskGenerator: 9},
	} {
		if _, err := cryptography.NewRSAJob(p, k, true); kmip.ReasonOf(err) != kmip.ReasonInvalidField {
			t.Errorf("%s: %v", name, err)
		}
	}
	ec, _ := key(t, "P-256")
	if _, err := cryptography.NewRSAJob(kmip.CryptographicParameters{Padding: kmip.PaddingPKCS1v1_5}, ec, true); kmip.ReasonOf(err) != kmip.ReasonInvalidField {
		t.Errorf("an EC key: %v", err)
	}
}

func TestCertificate(t *testing.T) {
	_, signer := key(t, "P-256")
	der := must(x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(0x1234), Subject: pkix.Name{CommonName: "subject"}, NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"a.example", "b.example"}},
		&x509.Certificate{Subject: pkix.Name{CommonName: "issuer"}}, signer.Public(), signer))
	l, err := cryptography.CertificateAttributes(der)
	if err != nil {
		t.Fatal(err)
	}
	parsed := must(x509.ParseCertificate(der))
	number := func(name string) int64 {
		v, _ := l.Get(name)
		return v.Int
	}
	if number(kmip.AttrCertificateType) != 1 || number(kmip.AttrCertificateLength) != int64(len(der)) || number(kmip.AttrDigitalSignature) != int64(kmip.SignatureECDSAWithSHA256) ||
		number(kmip.AttrCryptographicAlgorithm) != int64(kmip.AlgorithmEC) || number(kmip.AttrCryptographicLength) != 256 {
		t.Errorf("%+v", l)
	}
	field := func(attribute string, tag ttlv.Tag) []byte {
		v, _ := l.Get(attribute)
		f, _ := v.Field(tag)
		return f.Bytes
	}
	if !bytes.Equal(field(kmip.AttrX509Identifier, kmip.TagCertificateSerialNumber), []byte{2, 2, 0x12, 0x34}) || !bytes.Equal(field(kmip.AttrX509Identifier, kmip.TagIssuerDistinguishedName), parsed.RawIssuer) ||
		!bytes.Equal(field(kmip.AttrX509Subject, kmip.TagSubjectDistinguishedName), parsed.RawSubject) || !bytes.Equal(field(kmip.AttrX509Issuer, kmip.TagIssuerDistinguishedName), parsed.RawIssuer) {
		t.Errorf("%+v", l)
	}
	old := func(attribute string, tag ttlv.Tag) string {
		v, _ := l.Get(attribute)
		f, _ := v.Field(tag)
		return f.Text
	}
	if old(kmip.AttrCertificateIdentifier, kmip.TagIssuer) != "CN=issuer" || old(kmip.AttrCertificateIdentifier, kmip.TagSerialNumber) != "1234" ||
		old(kmip.AttrCertificateSubject, kmip.TagCertificateSubjectDistinguishedName) != "CN=subject" || old(kmip.AttrCertificateIssuer, kmip.TagCertificateIssuerDistinguishedName) != "CN=issuer" {
		t.Errorf("%+v", l)
	}
	subject, _ := l.Get(kmip.AttrX509Subject)
	if len(subject.Fields) != 3 || string(subject.Fields[2].Value.Bytes[2:]) != "b.example" {
		t.Errorf("%+v", subject)
	}
	k, err := cryptography.CertificateKey(der)
	if err != nil || k.Curve() != kmip.CurveP256 {
		t.Errorf("%v", err)
	}
	if _, err := cryptography.CertificateAttributes(der[1:]); kmip.ReasonOf(err) != kmip.ReasonInvalidField {
		t.Errorf("a damaged certificate: %v", err)
	}
}
