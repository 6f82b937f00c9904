package keyserver_test

import (
	"bytes"
	goaes "crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
	"github.com/dbkeyring/dbkeyring/secret"
)

// The requests of Percona Server for MongoDB, byte for byte as libkmip writes them at KMIP
// 1.0, with the Unique Identifier "1" and the time 1700000000, which is long past: clocks
// may differ.
func psmdb() map[string]string {
	return map[string]string{
		"register": "42007801000001b04200770100000058420069010000002042006a0200000004000000010000000042006b0200000004000000000000000042005002" +
			"0000000400002000000000004200920900000008000000006553f10042000d0200000004000000010000000042000f010000014842005c0500000004" +
			"000000030000000042007901000001304200570500000004000000020000000042009101000000a8420008010000003042000a070000001743727970" +
			"746f6772617068696320416c676f726974686d0042000b05000000040000000300000000420008010000003042000a070000001443727970746f6772" +
			"6170686963204c656e6774680000000042000b02000000040000010000000000420008010000003042000a070000001843727970746f677261706869" +
			"63205573616765204d61736b42000b02000000040000000c0000000042008f0100000068420040010000006042004205000000040000000100000000" +
			"42004501000000284200430800000020000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f420028050000000400000003" +
			"0000000042002a02000000040000010000000000",
		"activate": "42007801000000904200770100000058420069010000002042006a0200000004000000010000000042006b0200000004000000000000000042005002" +
			"0000000400002000000000004200920900000008000000006553f10042000d0200000004000000010000000042000f010000002842005c0500000004" +
			"0000001200000000420079010000001042009407000000013100000000000000",
		"getattr": "42007801000000a04200770100000058420069010000002042006a0200000004000000010000000042006b0200000004000000000000000042005002" +
			"0000000400002000000000004200920900000008000000006553f10042000d0200000004000000010000000042000f010000003842005c0500000004" +
			"0000000b0000000042007901000000204200940700000001310000000000000042000a07000000055374617465000000",
		"get": "42007801000000904200770100000058420069010000002042006a0200000004000000010000000042006b0200000004000000000000000042005002" +
			"0000000400002000000000004200920900000008000000006553f10042000d0200000004000000010000000042000f010000002842005c0500000004" +
			"0000000a00000000420079010000001042009407000000013100000000000000",
	}
}

// withID puts another Unique Identifier into a request.
func withID(t *testing.T, request, id string) []byte {
	t.Helper()
	b, err := hex.DecodeString(request)
	if err != nil {
		t.Fatal(err)
	}
	one, err := hex.DecodeString("4200940700000001" + "3100000000000000")
	if err != nil {
		t.Fatal(err)
	}
	var w ttlv.Writer
	w.TextString(kmip.TagUniqueIdentifier, id)
	if !bytes.Contains(b, one) {
		return b
	}
	grown := uint32(w.Len() - len(one))
	for _, head := range []string{"42007801", "42000f01", "42007901"} { // message, batch item, payload
		tag, _ := hex.DecodeString(head)
		at := bytes.Index(b, tag) + len(tag)
		binary.BigEndian.PutUint32(b[at:], binary.BigEndian.Uint32(b[at:])+grown)
	}
	return bytes.Replace(b, one, w.Bytes(), 1)
}

func TestPSMDB(t *testing.T) {
	s := keyservertest.New(t)
	cert, key := s.NewClient("node")
	c := kmiptest.Dial(t, s.Addr, s.ClientConfig(cert, key))
	defer c.Close()
	ask := func(name, id string) kmip.ResponseItem {
		t.Helper()
		frame, err := c.Raw(withID(t, psmdb()[name], id))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(frame) > 8192 {
			t.Errorf("%s: an answer of %d bytes", name, len(frame))
		}
		m, err := kmip.DecodeResponse(frame, ttlv.Limits{})
		if err != nil || len(m.Items) != 1 || m.Header.Version != kmip.V1_0 || m.Header.TimeStamp.IsZero() {
			t.Fatalf("%s: %+v, %v", name, m, err)
		}
		for _, newer := range []ttlv.Tag{kmip.TagServerCorrelationValue, kmip.TagClientCorrelationValue} {
			var b [4]byte
			binary.BigEndian.PutUint32(b[:], uint32(newer)<<8)
			if bytes.Contains(frame, b[:3]) {
				t.Errorf("%s: the answer has a field that 1.0 does not know: %x", name, frame)
			}
		}
		return m.Items[0]
	}
	it := ask("register", "")
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	id := it.Payload.(*kmip.RegisterResponse).UniqueIdentifier
	state := func(want kmip.State) {
		t.Helper()
		it := ask("getattr", id)
		if err := it.Err(); err != nil {
			t.Fatal(err)
		}
		got := it.Payload.(*kmip.GetAttributesResponse)
		if got.UniqueIdentifier != id || len(got.Attributes) != 1 || got.Attributes.State() != want {
			t.Errorf("%+v", got)
		}
	}
	state(kmip.StatePreActive)
	if it := ask("activate", id); it.Err() != nil || it.Payload.(*kmip.ActivateResponse).UniqueIdentifier != id {
		t.Errorf("activate: %+v", it)
	}
	state(kmip.StateActive)
	it = ask("get", id)
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	got := it.Payload.(*kmip.GetResponse)
	want := make([]byte, 32)
	for i := range want {
		want[i] = byte(i)
	}
	if block := got.Object.KeyBlock; got.UniqueIdentifier != id || got.ObjectType != kmip.ObjectTypeSymmetricKey || block.Format != kmip.KeyFormatRaw || block.Algorithm != kmip.AlgorithmAES ||
		block.Length != 256 || !bytes.Equal(block.Material.Reveal(), want) {
		t.Errorf("%+v", got)
	}
	for _, name := range []string{"get", "getattr", "activate"} {
		if it := ask(name, "nothing"); it.Status != kmip.StatusOperationFailed || it.Reason != kmip.ReasonItemNotFound {
			t.Errorf("%s of nothing: %+v", name, it)
		}
	}

	// What a security engineer does is seen by the next poll.
	adminCert, adminKey := s.NewAdmin("engineer")
	admin, err := kmipclient.New(kmipclient.Options{Servers: []string{s.Addr}, TLS: s.ClientConfig(adminCert, adminKey)})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.Revoke(t.Context(), &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: kmip.RevocationKeyCompromise}, CompromiseOccurrence: time.Now()}); err != nil {
		t.Fatal(err)
	}
	state(kmip.StateCompromised)
}

// MongoDB Enterprise has the server create its key, at 1.2.
func TestMongoDBEnterprise(t *testing.T) {
	c := connect(t, keyservertest.New(t), "node")
	id := makeKey(t, c)
	if it := c.One(kmip.V1_2, &kmip.ActivateRequest{UniqueIdentifier: id}); it.Err() != nil {
		t.Fatal(it.Err())
	}
	it := c.One(kmip.V1_2, &kmip.GetAttributesRequest{UniqueIdentifier: id, Names: []string{kmip.AttrState}})
	if err := it.Err(); err != nil || it.Payload.(*kmip.GetAttributesResponse).Attributes.State() != kmip.StateActive {
		t.Errorf("%+v, %v", it, err)
	}
	it = c.One(kmip.V1_2, &kmip.GetRequest{UniqueIdentifier: id})
	if err := it.Err(); err != nil || it.Payload.(*kmip.GetResponse).Object.KeyBlock.Material.Len() != 32 {
		t.Errorf("%+v, %v", it, err)
	}
}

// makeKey has the server create an AES key for encrypting and decrypting.
func makeKey(t *testing.T, c *kmiptest.Conn, more ...kmip.Attribute) string {
	t.Helper()
	it := c.One(kmip.V1_2, &kmip.CreateRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Template: kmip.Template{Attributes: append(kmip.Attributes{
		kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES),
		kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256),
		kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, int32(kmip.UsageEncrypt|kmip.UsageDecrypt)),
	}, more...)}})
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	return it.Payload.(*kmip.CreateResponse).UniqueIdentifier
}

// The drivers (client-side field level encryption) keep a Secret Data of 96 bytes, which is
// for nothing that the standard has a bit for.
func TestMongoDBDrivers(t *testing.T) {
	c := connect(t, keyservertest.New(t), "driver")
	content := secret.Random(96)
	it := c.One(kmip.V1_0, &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSecretData, Object: kmip.SecretData(kmip.SecretDataSeed, kmip.KeyFormatOpaque, content.Clone()),
		Template: kmip.Template{Attributes: kmip.Attributes{kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 0)}}})
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	id := it.Payload.(*kmip.RegisterResponse).UniqueIdentifier
	if it := c.One(kmip.V1_0, &kmip.ActivateRequest{UniqueIdentifier: id}); it.Err() != nil {
		t.Fatal(it.Err())
	}
	it = c.One(kmip.V1_0, &kmip.GetRequest{UniqueIdentifier: id})
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	if got := it.Payload.(*kmip.GetResponse).Object; got.SecretDataType != kmip.SecretDataSeed || got.KeyBlock.Format != kmip.KeyFormatOpaque || !got.KeyBlock.Material.Equal(content) {
		t.Errorf("%+v", got)
	}
}

// Encrypt and Decrypt agree with Go's own ciphers, in each mode.
func TestEncrypt(t *testing.T) {
	c := connect(t, keyservertest.New(t), "driver")
	id := makeKey(t, c)
	if it := c.One(kmip.V1_2, &kmip.ActivateRequest{UniqueIdentifier: id}); it.Err() != nil {
		t.Fatal(it.Err())
	}
	raw := c.One(kmip.V1_2, &kmip.GetRequest{UniqueIdentifier: id}).Payload.(*kmip.GetResponse).Object.KeyBlock.Material
	block, err := goaes.NewCipher(raw.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	cbc := &kmip.CryptographicParameters{Mode: kmip.ModeCBC, Padding: kmip.PaddingPKCS5, RandomIV: true}
	gcm := &kmip.CryptographicParameters{Mode: kmip.ModeGCM, TagLength: 13}
	for name, p := range map[string]struct {
		version kmip.Version
		params  *kmip.CryptographicParameters
		size    int
		given   bool // the client makes the vector
		added   []byte
	}{
		"CBC, PKCS5, nothing": {kmip.V1_2, cbc, 0, false, nil}, "CBC, PKCS5": {kmip.V1_2, cbc, 96, false, nil}, "CBC, PKCS5, the client's vector": {kmip.V1_3, cbc, 1000, true, nil},
		"CBC, no padding": {kmip.V1_4, &kmip.CryptographicParameters{Mode: kmip.ModeCBC}, 64, true, nil},
		"GCM":             {kmip.V1_4, gcm, 100, false, nil}, "GCM, additional data": {kmip.V1_4, &kmip.CryptographicParameters{Mode: kmip.ModeGCM}, 100, true, []byte("more")},
	} {
		t.Run(name, func(t *testing.T) {
			text := secret.Random(p.size)
			req := &kmip.EncryptRequest{UniqueIdentifier: id, Parameters: p.params, Data: text.Clone(), AdditionalData: p.added}
			size := goaes.BlockSize
			if p.params.Mode == kmip.ModeGCM {
				size = 12
			}
			if p.given {
				req.IV = bytes.Repeat([]byte{9}, size)
			}
			it := c.One(p.version, req)
			if err := it.Err(); err != nil {
				t.Fatal(err)
			}
			got := it.Payload.(*kmip.EncryptResponse)
			iv := got.IV
			if p.given {
				if got.IV != nil {
					t.Error("the server tells a vector that it was given")
				}
				iv = req.IV
			}
			if len(iv) != size || got.UniqueIdentifier != id {
				t.Fatalf("%+v", got)
			}
			if p.params.Mode == kmip.ModeCBC {
				plain := bytes.Clone(got.Data.Reveal())
				cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, plain)
				if !bytes.HasPrefix(plain, text.Reveal()) || p.params.Padding == kmip.PaddingPKCS5 && int(plain[len(plain)-1]) != len(plain)-p.size {
					t.Errorf("%x", plain)
				}
			} else {
				aead, err := cipher.NewGCMWithTagSize(block, len(got.Tag))
				if err != nil {
					t.Fatal(err)
				}
				if plain, err := aead.Open(nil, iv, append(bytes.Clone(got.Data.Reveal()), got.Tag...), p.added); err != nil || !bytes.Equal(plain, text.Reveal()) {
					t.Errorf("%v", err)
				}
			}
			back := &kmip.DecryptRequest{UniqueIdentifier: id, Parameters: p.params, Data: got.Data.Clone(), IV: iv, AdditionalData: p.added, Tag: got.Tag}
			it = c.One(p.version, back)
			if err := it.Err(); err != nil || !it.Payload.(*kmip.DecryptResponse).Data.Equal(text) {
				t.Fatalf("Decrypt: %v", err)
			}
			if p.params.Mode == kmip.ModeGCM {
				back = &kmip.DecryptRequest{UniqueIdentifier: id, Parameters: p.params, Data: got.Data.Clone(), IV: iv, AdditionalData: []byte("other"), Tag: got.Tag}
				if it := c.One(p.version, back); it.Reason != kmip.ReasonCryptographicFailure {
					t.Errorf("other additional data: %+v", it)
				}
			}
		})
	}
}

func TestEncryptRefused(t *testing.T) {
	s := keyservertest.New(t)
	c, stranger := connect(t, s, "driver"), connect(t, s, "stranger")
	cbc := &kmip.CryptographicParameters{Mode: kmip.ModeCBC, Padding: kmip.PaddingPKCS5}
	id := makeKey(t, c)
	ask := func(c *kmiptest.Conn, v kmip.Version, id string, p *kmip.CryptographicParameters, change func(*kmip.EncryptRequest)) kmip.ResultReason {
		req := &kmip.EncryptRequest{UniqueIdentifier: id, Parameters: p, Data: secret.Random(20)}
		if change != nil {
			change(req)
		}
		return c.One(v, req).Reason
	}
	want := func(what string, got, want kmip.ResultReason) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, not %v", what, got, want)
		}
	}
	want("Pre-Active", ask(c, kmip.V1_2, id, cbc, nil), kmip.ReasonPermissionDenied)
	if it := c.One(kmip.V1_2, &kmip.ActivateRequest{UniqueIdentifier: id}); it.Err() != nil {
		t.Fatal(it.Err())
	}
	want("good", ask(c, kmip.V1_2, id, cbc, nil), 0)
	want("1.1", ask(c, kmip.V1_1, id, cbc, nil), kmip.ReasonOperationNotSupported)
	want("a stranger", ask(stranger, kmip.V1_2, id, cbc, nil), kmip.ReasonItemNotFound)
	want("no parameters", ask(c, kmip.V1_2, id, nil, nil), kmip.ReasonInvalidField)
	want("another mode", ask(c, kmip.V1_2, id, &kmip.CryptographicParameters{Mode: 2}, nil), kmip.ReasonInvalidField)
	want("GCM at 1.3", ask(c, kmip.V1_3, id, &kmip.CryptographicParameters{Mode: kmip.ModeGCM}, nil), kmip.ReasonInvalidField)
	want("a short tag", ask(c, kmip.V1_4, id, &kmip.CryptographicParameters{Mode: kmip.ModeGCM, TagLength: 4}, nil), kmip.ReasonGeneralFailure)
	want("no whole blocks", ask(c, kmip.V1_2, id, &kmip.CryptographicParameters{Mode: kmip.ModeCBC}, nil), kmip.ReasonInvalidField)
	want("a short vector", ask(c, kmip.V1_2, id, cbc, func(r *kmip.EncryptRequest) { r.IV = []byte{1} }), kmip.ReasonInvalidField)
	want("additional data with CBC", ask(c, kmip.V1_4, id, cbc, func(r *kmip.EncryptRequest) { r.AdditionalData = []byte{1} }), kmip.ReasonInvalidField)
	onlySign := c.One(kmip.V1_2, &kmip.RegisterRequest{ObjectType: kmip.ObjectTypeSymmetricKey, Object: kmip.SymmetricKey(kmip.AlgorithmAES, secret.Random(32)),
		Template: kmip.Template{Attributes: kmip.Attributes{kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 1), kmip.DateAttribute(kmip.AttrActivationDate, time.Now().Add(-time.Hour))}}})
	if err := onlySign.Err(); err != nil {
		t.Fatal(err)
	}
	want("another usage", ask(c, kmip.V1_2, onlySign.Payload.(*kmip.RegisterResponse).UniqueIdentifier, cbc, nil), kmip.ReasonPermissionDenied)

	// Out of use: nothing new is encrypted, and what is can be read.
	sealed := c.One(kmip.V1_2, &kmip.EncryptRequest{UniqueIdentifier: id, Parameters: cbc, Data: secret.Random(20)}).Payload.(*kmip.EncryptResponse)
	if it := c.One(kmip.V1_2, &kmip.RevokeRequest{UniqueIdentifier: id, Reason: kmip.RevocationReason{Code: kmip.RevocationKeyCompromise}}); it.Err() != nil {
		t.Fatal(it.Err())
	}
	want("Compromised", ask(c, kmip.V1_2, id, cbc, nil), kmip.ReasonPermissionDenied)
	decrypt := func(data []byte) kmip.ResultReason {
		return c.One(kmip.V1_2, &kmip.DecryptRequest{UniqueIdentifier: id, Parameters: cbc, Data: secret.Copy(data), IV: sealed.IV}).Reason
	}
	want("Decrypt with a Compromised key", decrypt(sealed.Data.Reveal()), 0)
	want("Decrypt of half a block", decrypt(sealed.Data.Reveal()[:7]), kmip.ReasonCryptographicFailure)
	want("Decrypt of something else", decrypt(make([]byte, 64)), kmip.ReasonCryptographicFailure)
	if it := c.One(kmip.V1_2, &kmip.DestroyRequest{UniqueIdentifier: id}); it.Err() != nil {
		t.Fatal(it.Err())
	}
	want("Decrypt with a Destroyed key", decrypt(sealed.Data.Reveal()), kmip.ReasonIllegalOperation)
}
