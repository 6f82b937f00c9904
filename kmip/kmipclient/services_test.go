package kmipclient_test

import (
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/secret"
)

// The cryptographic services, against our own key server.
func TestServices(t *testing.T) {
	s := keyservertest.New(t)
	c, err := kmipclient.New(kmipclient.Options{Servers: []string{s.Addr}, TLS: s.ClientConfig(s.NewClient("client"))})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	data := func() *secret.Bytes { return secret.Copy([]byte("data")) }
	mask := func(m kmip.UsageMask) kmip.Template {
		return kmip.Template{Attributes: kmip.Attributes{kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(m))}}
	}
	pair, err := c.CreateKeyPair(ctx(t), &kmip.CreateKeyPairRequest{
		Common: kmip.Template{Attributes: kmip.Attributes{
			kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmEC), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256)}},
		Private: mask(kmip.UsageSign), Public: mask(kmip.UsageVerify),
	})
	check(err)
	mac := mask(kmip.UsageMACGenerate | kmip.UsageMACVerify)
	mac.Attributes = append(mac.Attributes, kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmHMACSHA256), kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256))
	key, err := c.Create(ctx(t), &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: mac})
	check(err)
	for _, id := range []string{pair.PrivateKey, pair.PublicKey, key.UniqueIdentifier} {
		_, err = c.Activate(ctx(t), id)
		check(err)
	}
	p := &kmip.CryptographicParameters{Hash: kmip.HashSHA256}
	signed, err := c.Sign(ctx(t), &kmip.SignRequest{UniqueIdentifier: pair.PrivateKey, Parameters: p, Data: data()})
	check(err)
	right, err := c.SignatureVerify(ctx(t), &kmip.SignatureVerifyRequest{UniqueIdentifier: pair.PublicKey, Parameters: p, Data: data(), SignatureData: signed.SignatureData})
	check(err)
	code, err := c.MAC(ctx(t), &kmip.MACRequest{UniqueIdentifier: key.UniqueIdentifier, Data: data()})
	check(err)
	same, err := c.MACVerify(ctx(t), &kmip.MACVerifyRequest{UniqueIdentifier: key.UniqueIdentifier, Data: data(), MACData: code.MACData[:31]})
	check(err)
	if right.Validity != kmip.ValidityValid || same.Validity != kmip.ValidityInvalid {
		t.Errorf("the signature is %s, the code that was cut is %s", right.Validity, same.Validity)
	}
	whole, err := c.Hash(ctx(t), &kmip.HashRequest{Parameters: p, Data: data()})
	check(err)
	first, err := c.Hash(ctx(t), &kmip.HashRequest{Parameters: p, Data: secret.Copy([]byte("da")), Part: kmip.Part{Init: true}})
	check(err)
	last, err := c.Hash(ctx(t), &kmip.HashRequest{Data: secret.Copy([]byte("ta")), Part: kmip.Part{Final: true, Correlation: first.Correlation}})
	check(err)
	if len(whole.Digest) != 32 || string(last.Digest) != string(whole.Digest) {
		t.Errorf("%x in parts, %x in one", last.Digest, whole.Digest)
	}
	_, err = c.RNGSeed(ctx(t), &kmip.RNGSeedRequest{Data: data()})
	check(err)

	// A part is counted on once only: it is not sent again, and not in a batch, where nobody
	// knows what became of each.
	if _, err := c.Batch(ctx(t), []kmip.Payload{&kmip.HashRequest{Parameters: p, Data: data(), Part: kmip.Part{Init: true}}}); err == nil {
		t.Error("a part was sent in a batch")
	}
	results, err := c.Batch(ctx(t), []kmip.Payload{&kmip.HashRequest{Parameters: p, Data: data()}})
	if err != nil || results[0].Err != nil {
		t.Errorf("%v, %+v", err, results)
	}
}
