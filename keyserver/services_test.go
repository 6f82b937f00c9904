package keyserver_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/keyserver/store/memory"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/secret"
)

// past is an Activation Date that makes an object Active.
func past() kmip.Attribute {
	return kmip.DateAttribute(kmip.AttrActivationDate, time.Now().Add(-time.Hour))
}

func mask(m kmip.UsageMask) kmip.Attribute {
	return kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(m))
}

func parameters(p kmip.CryptographicParameters) kmip.Attribute {
	return kmip.Attribute{Name: kmip.AttrCryptographicParameters, Value: p.TTLV()}
}

func limits(total int64, unit kmip.UsageLimitsUnit) kmip.Attribute {
	return kmip.Attribute{Name: kmip.AttrUsageLimits, Value: kmip.UsageLimits{Total: total, Count: total * 2, Unit: unit}.TTLV()} // a client's count does not count
}

const everyUse = kmip.UsageEncrypt | kmip.UsageDecrypt | kmip.UsageMACGenerate | kmip.UsageMACVerify | kmip.UsageSign | kmip.UsageVerify | kmip.UsageDeriveKey

// aesKey registers an Active AES key.
func aesKey(t testing.TB, c conn, more ...kmip.Attribute) string {
	t.Helper()
	return register(t, c, registerKey(kmip.KeyFormatRaw, append(kmip.Attributes{mask(everyUse), past()}, more...)...))
}

func data(n int) *secret.Bytes { return secret.Copy(bytes.Repeat([]byte{7}, n)) }

// The object's first Cryptographic Parameters are used where the request has none.
func TestServices_ParametersOfTheObject(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	id := aesKey(t, c, parameters(kmip.CryptographicParameters{Mode: kmip.ModeECB}), parameters(kmip.CryptographicParameters{Mode: kmip.ModeCBC}))
	got := must[*kmip.EncryptResponse](t, c, &kmip.EncryptRequest{UniqueIdentifier: id, Data: data(32)})
	if b := got.Data.Reveal(); len(b) != 32 || !bytes.Equal(b[:16], b[16:]) || got.IV != nil { // ECB
		t.Errorf("%x, %x", b, got.IV)
	}
	got = must[*kmip.EncryptResponse](t, c, &kmip.EncryptRequest{UniqueIdentifier: id, Data: data(32), Parameters: &kmip.CryptographicParameters{Mode: kmip.ModeCBC}})
	if b := got.Data.Reveal(); bytes.Equal(b[:16], b[16:]) || len(got.IV) != 16 {
		t.Errorf("%x, %x", b, got.IV)
	}
	refused(t, c, &kmip.DecryptRequest{UniqueIdentifier: id, Data: data(32), Parameters: &kmip.CryptographicParameters{Mode: kmip.ModeCBC}}, kmip.ReasonInvalidMessage)
	refused(t, c, &kmip.DecryptRequest{UniqueIdentifier: id, Data: data(32), Tag: []byte("tag")}, kmip.ReasonInvalidField)
	refused(t, c, &kmip.EncryptRequest{UniqueIdentifier: id}, kmip.ReasonMissingData)
	twice := registerKey(kmip.KeyFormatRaw, mask(everyUse), past())
	twice.Object.KeyBlock.Material, twice.Object.KeyBlock.Length = secret.Copy(make([]byte, 32)), 256
	same := register(t, c, twice) // two equal keys for XTS
	for _, part := range []kmip.Part{{}, {Init: true}} {
		refused(t, c, &kmip.EncryptRequest{UniqueIdentifier: same, Data: data(32), Parameters: &kmip.CryptographicParameters{Mode: kmip.ModeXTS}, Part: part}, kmip.ReasonInvalidField)
	}
	refused(t, c, &kmip.SignRequest{UniqueIdentifier: id, Data: data(1)}, kmip.ReasonInvalidField)
	refused(t, c, &kmip.SignatureVerifyRequest{UniqueIdentifier: id, Data: data(1), SignatureData: []byte{1}}, kmip.ReasonInvalidField)
	refused(t, c, registerKey(kmip.KeyFormatRaw, kmip.Attribute{Name: kmip.AttrCryptographicParameters, Value: kmip.TextAttribute("x", "y").Value}), kmip.ReasonInvalidField)
}

func TestServices_MACAndHash(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	id := aesKey(t, c, parameters(kmip.CryptographicParameters{Algorithm: kmip.AlgorithmHMACSHA256}))
	h := hmac.New(sha256.New, material)
	h.Write(data(100).Reveal())
	got := must[*kmip.MACResponse](t, c, &kmip.MACRequest{UniqueIdentifier: id, Data: data(100)})
	if !bytes.Equal(got.MACData, h.Sum(nil)) || got.UniqueIdentifier != id {
		t.Errorf("%+v", got)
	}
	verify := func(n int, code []byte) kmip.ValidityIndicator {
		return must[*kmip.MACVerifyResponse](t, c, &kmip.MACVerifyRequest{UniqueIdentifier: id, Data: data(n), MACData: code}).Validity
	}
	if verify(100, got.MACData) != kmip.ValidityValid || verify(99, got.MACData) != kmip.ValidityInvalid || verify(100, got.MACData[:31]) != kmip.ValidityInvalid {
		t.Error("MAC Verify")
	}
	refused(t, c, &kmip.MACVerifyRequest{UniqueIdentifier: id, Data: data(1)}, kmip.ReasonMissingData)
	refused(t, c, &kmip.MACRequest{UniqueIdentifier: id}, kmip.ReasonMissingData)
	want := sha256.Sum256(data(5).Reveal())
	p := &kmip.CryptographicParameters{Hash: kmip.HashSHA256}
	if got := must[*kmip.HashResponse](t, c, &kmip.HashRequest{Parameters: p, Data: data(5)}); !bytes.Equal(got.Digest, want[:]) {
		t.Errorf("%x", got.Digest)
	}
	refused(t, c, &kmip.HashRequest{Data: data(5)}, kmip.ReasonMissingData)
	refused(t, c, &kmip.HashRequest{Parameters: p}, kmip.ReasonMissingData)
	if it := c.One(kmip.V1_1, &kmip.HashRequest{Parameters: p, Data: data(5)}); it.Reason != kmip.ReasonOperationNotSupported {
		t.Errorf("Hash at 1.1: %+v", it)
	}
	if got := must[*kmip.RNGSeedResponse](t, c, &kmip.RNGSeedRequest{Data: data(32)}); got.DataLength != 0 {
		t.Errorf("%+v", got)
	}
	refused(t, c, &kmip.RNGSeedRequest{}, kmip.ReasonMissingData)
}

// What protects needs an Active key before its Protect Stop Date; what processes what is
// protected needs one that has been Active, after its Process Start Date.
func TestServices_StatesAndDates(t *testing.T) {
	c := connect(t, keyservertest.New(t), "db")
	hour := func(name string, n int) kmip.Attribute {
		return kmip.DateAttribute(name, time.Now().Add(time.Duration(n)*time.Hour))
	}
	revoke := func(id string, code kmip.RevocationReasonCode) {
		must[*kmip.RevokeResponse](t, c, &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: code}})
	}
	both := kmip.CryptographicParameters{Mode: kmip.ModeECB}
	for name, k := range map[string]struct {
		id                  string
		protects, processes bool
	}{
		"Active":     {aesKey(t, c), true, true},
		"Pre-Active": {register(t, c, registerKey(kmip.KeyFormatRaw, mask(everyUse))), false, false},
		"Deactivated": {func() string {
			id := aesKey(t, c)
			revoke(id, kmip.RevocationSuperseded)
			return id
		}(), false, true},
		"Compromised": {func() string {
			id := aesKey(t, c)
			revoke(id, kmip.RevocationKeyCompromise)
			return id
		}(), false, true},
		"Deactivation Date past":     {aesKey(t, c, kmip.DateAttribute(kmip.AttrDeactivationDate, time.Now().Add(-time.Minute))), false, true},
		"Protect Stop Date past":     {aesKey(t, c, kmip.DateAttribute(kmip.AttrProtectStopDate, time.Now().Add(-time.Minute))), false, true},
		"Protect Stop Date to come":  {aesKey(t, c, hour(kmip.AttrProtectStopDate, 1)), true, true},
		"Process Start Date to come": {aesKey(t, c, hour(kmip.AttrProcessStartDate, 1)), true, false},
		"Process Start Date past":    {aesKey(t, c, kmip.DateAttribute(kmip.AttrProcessStartDate, time.Now().Add(-time.Minute))), true, true},
		"no usage at all":            {register(t, c, registerKey(kmip.KeyFormatRaw, mask(0), past())), false, false},
	} {
		check := func(what string, p kmip.Payload, allowed bool) {
			t.Helper()
			if it := c.One(kmip.V1_4, p); allowed && it.Err() != nil || !allowed && it.Reason != kmip.ReasonPermissionDenied {
				t.Errorf("%s: %s: %v", name, what, it.Err())
			}
		}
		hmac := &kmip.CryptographicParameters{Algorithm: kmip.AlgorithmHMACSHA256}
		check("Encrypt", &kmip.EncryptRequest{UniqueIdentifier: k.id, Data: data(16), Parameters: &both}, k.protects)
		check("MAC", &kmip.MACRequest{UniqueIdentifier: k.id, Data: data(16), Parameters: hmac}, k.protects)
		check("Decrypt", &kmip.DecryptRequest{UniqueIdentifier: k.id, Data: data(16), Parameters: &both}, k.processes)
		check("MAC Verify", &kmip.MACVerifyRequest{UniqueIdentifier: k.id, Data: data(16), MACData: []byte{1}, Parameters: hmac}, k.processes)
	}
}

func usage(t testing.TB, c conn, id string) int64 {
	t.Helper()
	got := must[*kmip.GetAttributesResponse](t, c, &kmip.GetAttributesRequest{UniqueIdentifier: id, Names: []string{kmip.AttrUsageLimits}})
	u, err := kmip.ParseUsageLimits(got.Attributes[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	return u.Count
}

func TestUsageLimits(t *testing.T) {
	s := keyservertest.New(t)
	c := connect(t, s, "db")
	ecb := &kmip.CryptographicParameters{Mode: kmip.ModeECB}
	hmac := &kmip.CryptographicParameters{Algorithm: kmip.AlgorithmHMACSHA256}
	encrypt := func(id string, n int) kmip.ResultReason {
		return c.One(kmip.V1_4, &kmip.EncryptRequest{UniqueIdentifier: id, Data: data(n), Parameters: ecb}).Reason
	}
	id := aesKey(t, c, limits(48, kmip.UsageLimitsByte))
	if n := usage(t, c, id); n != 48 {
		t.Errorf("%d bytes at first", n)
	}
	if r := encrypt(id, 32); r != 0 {
		t.Error(r)
	}
	if r := encrypt(id, 32); r != kmip.ReasonPermissionDenied {
		t.Errorf("more than there is: %v", r)
	}
	refused(t, c, &kmip.MACRequest{UniqueIdentifier: id, Data: data(17), Parameters: hmac}, kmip.ReasonPermissionDenied)
	if r := encrypt(id, 15); r != kmip.ReasonInvalidField { // no whole block: nothing is done, nothing counted
		t.Error(r)
	}
	for range 3 { // what is not protection is not counted
		must[*kmip.DecryptResponse](t, c, &kmip.DecryptRequest{UniqueIdentifier: id, Data: data(16), Parameters: ecb})
		must[*kmip.MACVerifyResponse](t, c, &kmip.MACVerifyRequest{UniqueIdentifier: id, Data: data(16), MACData: []byte{1}, Parameters: hmac})
	}
	if n := usage(t, c, id); n != 16 {
		t.Errorf("%d bytes are left", n)
	}
	refused(t, c, &kmip.ModifyAttributeRequest{UniqueIdentifier: id, Attribute: limits(1000, kmip.UsageLimitsByte)}, kmip.ReasonPermissionDenied)
	refused(t, c, &kmip.DeleteAttributeRequest{UniqueIdentifier: id, Name: kmip.AttrUsageLimits}, kmip.ReasonPermissionDenied)

	// A restart forgets nothing.
	s.Stop()
	s.Start()
	c = kmiptest.Dial(t, s.Addr, s.ClientConfig(s.NewClient("another")))
	refused(t, c, &kmip.GetAttributesRequest{UniqueIdentifier: id}, kmip.ReasonItemNotFound)

	id = aesKey(t, c, limits(2, kmip.UsageLimitsObject))
	must[*kmip.ModifyAttributeResponse](t, c, &kmip.ModifyAttributeRequest{UniqueIdentifier: id, Attribute: limits(3, kmip.UsageLimitsObject)})
	for i, want := range []kmip.ResultReason{0, 0, 0, kmip.ReasonPermissionDenied} {
		if r := encrypt(id, 160); r != want {
			t.Errorf("object %d: %v", i, r)
		}
	}
	// Wrapping protects, too.
	kek := wrappingKey(t, c, secret.Random(32), kmip.UsageWrapKey, limits(1, kmip.UsageLimitsObject))
	wrap := &kmip.GetRequest{UniqueIdentifier: id, Wrapping: by(kek, kmip.ModeNISTKeyWrap, kmip.EncodingNone)}
	must[*kmip.GetResponse](t, c, wrap)
	refused(t, c, wrap, kmip.ReasonPermissionDenied)
	for what, a := range map[string]kmip.Attribute{"an unknown unit": limits(5, 3), "a negative total": limits(-1, kmip.UsageLimitsByte)} {
		if it := c.One(kmip.V1_4, registerKey(kmip.KeyFormatRaw, a)); it.Reason != kmip.ReasonInvalidField {
			t.Errorf("%s: %+v", what, it)
		}
	}
}

// Of many at once exactly as many go through as the limits allow, and a restart knows it.
func TestUsageLimits_Concurrent(t *testing.T) {
	s := keyservertest.New(t)
	cert, key := s.NewClient("db")
	first := kmiptest.Dial(t, s.Addr, s.ClientConfig(cert, key))
	const total = 50
	id := aesKey(t, first, limits(total, kmip.UsageLimitsObject))
	var done atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		c := kmiptest.Dial(t, s.Addr, s.ClientConfig(cert, key))
		wg.Go(func() {
			for range 10 {
				it := c.One(kmip.V1_4, &kmip.EncryptRequest{UniqueIdentifier: id, Data: data(16), Parameters: &kmip.CryptographicParameters{Mode: kmip.ModeECB}})
				switch {
				case it.Err() == nil:
					done.Add(1)
				case it.Reason != kmip.ReasonPermissionDenied:
					t.Errorf("%v", it.Err())
				}
			}
		})
	}
	wg.Wait()
	if done.Load() != total {
		t.Errorf("%d of %d", done.Load(), total)
	}
	s.Stop()
	s.Start()
	c := kmiptest.Dial(t, s.Addr, s.ClientConfig(cert, key))
	if n := usage(t, c, id); n != 0 {
		t.Errorf("%d are left after a restart", n)
	}
}

// Each operation gives for data in parts what it gives for data in one.
func TestParts(t *testing.T) {
	s := keyservertest.New(t)
	c := connect(t, s, "db")
	whole := data(100).Reveal()
	for name, p := range map[string]*kmip.CryptographicParameters{
		"CBC": {Mode: kmip.ModeCBC, Padding: kmip.PaddingPKCS5}, "GCM": {Mode: kmip.ModeGCM}, "CTR": {Mode: kmip.ModeCTR},
	} {
		id := aesKey(t, c, limits(100, kmip.UsageLimitsByte))
		one := aesKey(t, c)
		iv := bytes.Repeat([]byte{3}, 16)
		if p.Mode == kmip.ModeGCM {
			iv = iv[:12]
		}
		want := must[*kmip.EncryptResponse](t, c, &kmip.EncryptRequest{UniqueIdentifier: one, Data: data(100), Parameters: p, IV: iv})
		var out []byte
		var tag, correlation []byte
		for _, part := range []struct {
			from, to int
			kmip.Part
		}{{0, 33, kmip.Part{Init: true}}, {33, 34, kmip.Part{}}, {34, 100, kmip.Part{Final: true}}} {
			req := &kmip.EncryptRequest{Data: secret.Copy(whole[part.from:part.to]), Part: part.Part}
			if part.Init {
				req.UniqueIdentifier, req.Parameters, req.IV = id, p, iv
			}
			req.Correlation = correlation
			got := must[*kmip.EncryptResponse](t, c, req)
			if got.UniqueIdentifier != id || (got.Correlation == nil) != part.Final {
				t.Errorf("%s: %+v", name, got)
			}
			correlation, tag = got.Correlation, got.Tag
			out = append(out, got.Data.Reveal()...)
		}
		if !bytes.Equal(out, want.Data.Reveal()) || !bytes.Equal(tag, want.Tag) {
			t.Errorf("%s: %x, not %x", name, out, want.Data.Reveal())
		}
		if n := usage(t, c, id); n != 0 {
			t.Errorf("%s: %d bytes are left", name, n)
		}
		first := must[*kmip.DecryptResponse](t, c, &kmip.DecryptRequest{UniqueIdentifier: id, Data: secret.Copy(out[:50]), Parameters: p, IV: iv, Part: kmip.Part{Init: true}})
		last := must[*kmip.DecryptResponse](t, c, &kmip.DecryptRequest{Data: secret.Copy(out[50:]), Tag: tag, Part: kmip.Part{Final: true, Correlation: first.Correlation}})
		if back := append(bytes.Clone(first.Data.Reveal()), last.Data.Reveal()...); !bytes.Equal(back, whole) {
			t.Errorf("%s: back it is %x", name, back)
		}
	}
	id := aesKey(t, c, parameters(kmip.CryptographicParameters{Algorithm: kmip.AlgorithmHMACSHA256}))
	want := must[*kmip.MACResponse](t, c, &kmip.MACRequest{UniqueIdentifier: id, Data: data(100)}).MACData
	first := must[*kmip.MACResponse](t, c, &kmip.MACRequest{UniqueIdentifier: id, Data: data(60), Part: kmip.Part{Init: true}})
	last := must[*kmip.MACResponse](t, c, &kmip.MACRequest{Data: data(40), Part: kmip.Part{Final: true, Correlation: first.Correlation}})
	if first.MACData != nil || !bytes.Equal(last.MACData, want) {
		t.Errorf("%+v, %+v", first, last)
	}
	v := must[*kmip.MACVerifyResponse](t, c, &kmip.MACVerifyRequest{UniqueIdentifier: id, Data: data(100), Part: kmip.Part{Init: true}})
	end := must[*kmip.MACVerifyResponse](t, c, &kmip.MACVerifyRequest{MACData: want, Part: kmip.Part{Final: true, Correlation: v.Correlation}}) // no data in the last part
	if v.Validity != 0 || end.Validity != kmip.ValidityValid {
		t.Errorf("%+v, %+v", v, end)
	}
	p := &kmip.CryptographicParameters{Hash: kmip.HashSHA256}
	h := must[*kmip.HashResponse](t, c, &kmip.HashRequest{Parameters: p, Data: data(60), Part: kmip.Part{Init: true}})
	rest := must[*kmip.HashResponse](t, c, &kmip.HashRequest{Parameters: p, Data: data(40), Part: kmip.Part{Final: true, Correlation: h.Correlation}})
	if sum := sha256.Sum256(whole); !bytes.Equal(rest.Digest, sum[:]) || h.Digest != nil {
		t.Errorf("%+v, %+v", h, rest)
	}
}

func TestParts_Refused(t *testing.T) {
	s := keyservertest.New(t)
	c, stranger := connect(t, s, "db"), connect(t, s, "stranger")
	p := &kmip.CryptographicParameters{Mode: kmip.ModeCBC, Padding: kmip.PaddingPKCS5}
	id, other := aesKey(t, c), aesKey(t, c)
	begin := func() []byte {
		t.Helper()
		return must[*kmip.EncryptResponse](t, c, &kmip.EncryptRequest{UniqueIdentifier: id, Parameters: p, Data: data(5), Part: kmip.Part{Init: true}}).Correlation
	}
	goOn := func(correlation []byte, change func(*kmip.EncryptRequest)) kmip.Payload {
		r := &kmip.EncryptRequest{Data: data(5), Part: kmip.Part{Correlation: correlation}}
		if change != nil {
			change(r)
		}
		return r
	}
	refused(t, c, goOn([]byte("nothing"), nil), kmip.ReasonItemNotFound)
	refused(t, c, &kmip.EncryptRequest{UniqueIdentifier: id, Parameters: p, Data: data(5), Part: kmip.Part{Final: true}}, kmip.ReasonMissingData)
	kept := begin()
	refused(t, stranger, goOn(kept, nil), kmip.ReasonItemNotFound)
	refused(t, c, &kmip.DecryptRequest{Data: data(16), Part: kmip.Part{Correlation: kept}}, kmip.ReasonItemNotFound) // another operation
	must[*kmip.EncryptResponse](t, c, goOn(kept, nil))                                                               // it is still there
	must[*kmip.EncryptResponse](t, c, goOn(kept, func(r *kmip.EncryptRequest) { r.Final = true }))
	refused(t, c, goOn(kept, nil), kmip.ReasonItemNotFound) // it has ended
	for what, change := range map[string]func(*kmip.EncryptRequest){
		"another key":         func(r *kmip.EncryptRequest) { r.UniqueIdentifier = other },
		"other parameters":    func(r *kmip.EncryptRequest) { r.Parameters = &kmip.CryptographicParameters{Mode: kmip.ModeECB} },
		"the first once more": func(r *kmip.EncryptRequest) { r.Init = true },
		"a vector":            func(r *kmip.EncryptRequest) { r.IV = make([]byte, 16) },
	} {
		correlation := begin()
		if it := c.One(kmip.V1_4, goOn(correlation, change)); it.Reason != kmip.ReasonInvalidField {
			t.Errorf("%s: %+v", what, it)
		}
		refused(t, c, goOn(correlation, nil), kmip.ReasonItemNotFound) // a failure ends it
	}
	// A key that is taken out of use meanwhile protects no more.
	correlation := begin()
	must[*kmip.RevokeResponse](t, c, &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: kmip.RevocationSuperseded}})
	refused(t, c, goOn(correlation, nil), kmip.ReasonPermissionDenied)

	// An endpoint has so many unfinished at most, and others do not mind.
	id = other
	var all [][]byte
	for range 16 {
		all = append(all, begin())
	}
	refused(t, c, &kmip.EncryptRequest{UniqueIdentifier: id, Parameters: p, Data: data(5), Part: kmip.Part{Init: true}}, kmip.ReasonGeneralFailure)
	must[*kmip.HashResponse](t, stranger, &kmip.HashRequest{Parameters: &kmip.CryptographicParameters{Hash: kmip.HashSHA256}, Data: data(5), Part: kmip.Part{Init: true}})
	must[*kmip.EncryptResponse](t, c, goOn(all[0], func(r *kmip.EncryptRequest) { r.Final = true }))
	begin()
}

// An administrator uses no keys.
func TestServices_Administrator(t *testing.T) {
	s := keyservertest.New(t)
	c := connect(t, s, "db")
	admin := kmiptest.Dial(t, s.Addr, s.ClientConfig(s.NewAdmin("engineer")))
	id := aesKey(t, c)
	for _, p := range []kmip.Payload{
		&kmip.EncryptRequest{UniqueIdentifier: id, Data: data(16), Parameters: &kmip.CryptographicParameters{Mode: kmip.ModeECB}},
		&kmip.MACRequest{UniqueIdentifier: id, Data: data(16)}, &kmip.MACVerifyRequest{UniqueIdentifier: id, Data: data(16), MACData: []byte{1}},
		&kmip.SignRequest{UniqueIdentifier: id, Data: data(16)}, &kmip.CreateKeyPairRequest{}, &kmip.RNGSeedRequest{Data: data(1)},
	} {
		refused(t, admin, p, kmip.ReasonPermissionDenied)
	}
}

// Nothing is given out whose use could not be written down, and what was written down all
// the same is spent. A failure in the middle of an operation with Undo gives all of it back.
func TestUsageLimits_DiskFails(t *testing.T) {
	disk := &failing{Store: memory.New()}
	s := keyservertest.New(t, keyservertest.WithStore(disk))
	c := connect(t, s, "db")
	id := aesKey(t, c, limits(5, kmip.UsageLimitsObject))
	encrypt := func() *kmip.EncryptRequest {
		return &kmip.EncryptRequest{UniqueIdentifier: id, Data: data(16), Parameters: &kmip.CryptographicParameters{Mode: kmip.ModeECB}}
	}
	disk.set(failsWithout)
	if it := c.One(kmip.V1_4, encrypt()); it.Payload != nil || it.Reason != kmip.ReasonGeneralFailure {
		t.Errorf("%+v", it)
	}
	disk.set(works)
	if n := usage(t, c, id); n != 5 {
		t.Errorf("%d are left", n)
	}
	disk.set(failsWith)
	if it := c.One(kmip.V1_4, encrypt()); it.Payload != nil || it.Reason != kmip.ReasonGeneralFailure {
		t.Errorf("%+v", it)
	}
	disk.set(works)
	if n := usage(t, c, id); n != 4 {
		t.Errorf("%d are left", n)
	}
	m := c.Do(&kmip.RequestMessage{Header: kmip.RequestHeader{Version: kmip.V1_4, Continuation: kmip.BatchUndo}, Items: []kmip.RequestItem{
		{Operation: kmip.OpEncrypt, ID: []byte{1}, Payload: encrypt()}, {Operation: kmip.OpEncrypt, ID: []byte{2}, Payload: encrypt()},
		{Operation: kmip.OpActivate, ID: []byte{3}, Payload: &kmip.ActivateRequest{UniqueIdentifier: "none"}}}})
	for i, want := range []kmip.ResultStatus{kmip.StatusOperationUndone, kmip.StatusOperationUndone, kmip.StatusOperationFailed} {
		if i >= len(m.Items) || m.Items[i].Status != want || m.Items[i].Payload != nil {
			t.Errorf("item %d: %+v", i, m.Items)
		}
	}
	if n := usage(t, c, id); n != 4 {
		t.Errorf("%d are left after the message was undone", n)
	}
}
