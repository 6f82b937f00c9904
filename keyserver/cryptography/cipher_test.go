package cryptography_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/cryptography"
	"github.com/dbkeyring/dbkeyring/kmip"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// crypt does one job, in parts that end after the given numbers of bytes.
func crypt(t *testing.T, p kmip.CryptographicParameters, alg kmip.CryptographicAlgorithm, encrypt bool, key, iv, additional, tag, data []byte, cuts ...int) (out, newTag []byte, err error) {
	t.Helper()
	c, err := cryptography.NewCipher(p, alg, key)
	if err != nil {
		return nil, nil, err
	}
	job, err := c.Job(encrypt, iv, additional)
	if err != nil {
		return nil, nil, err
	}
	defer job.Wipe()
	sealed, _ := job.(*cryptography.Sealed)
	if sealed != nil && !encrypt {
		sealed.Tag = tag
	}
	before := 0
	for _, cut := range cuts {
		part, err := job.Update(data[before:cut])
		if err != nil {
			return nil, nil, err
		}
		out = append(out, part.Reveal()...)
		before = cut
	}
	last, err := job.Final(data[before:])
	if err != nil {
		return nil, nil, err
	}
	out = append(out, last.Reveal()...)
	if sealed != nil {
		newTag = sealed.Tag
	}
	return out, newTag, nil
}

var nistKey = unhex("2b7e151628aed2a6abf7158809cf4f3c")

// The four blocks of NIST SP 800-38A.
var nistText = unhex("6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51 30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710")

var three = int32(3)

func TestCipher_Vectors(t *testing.T) {
	for name, v := range map[string]struct {
		p                        kmip.CryptographicParameters
		alg                      kmip.CryptographicAlgorithm
		key, iv, additional, tag []byte
		text, sealed             []byte
	}{
		"SP 800-38A F.1.1, ECB": {p: kmip.CryptographicParameters{Mode: kmip.ModeECB}, key: nistKey, text: nistText,
			sealed: unhex("3ad77bb40d7a3660a89ecaf32466ef97 f5d3d58503b9699de785895a96fdbaaf 43b1cd7f598ece23881b00e3ed030688 7b0c785e27e8ad3f8223207104725dd4")},
		"SP 800-38A F.2.1, CBC": {p: kmip.CryptographicParameters{Mode: kmip.ModeCBC, Padding: kmip.PaddingNone}, key: nistKey, iv: unhex("000102030405060708090a0b0c0d0e0f"), text: nistText,
			sealed: unhex("7649abac8119b246cee98e9b12e9197d 5086cb9b507219ee95db113a917678b2 73bed6b8e3c1743b7116e69e22229516 3ff1caa1681fac09120eca307586e1a7")},
		"SP 800-38A F.3.13, CFB128": {p: kmip.CryptographicParameters{Mode: kmip.ModeCFB}, key: nistKey, iv: unhex("000102030405060708090a0b0c0d0e0f"), text: nistText,
			sealed: unhex("3b3fd92eb72dad20333449f8e83cfb4a c8a64537a0b3a93fcde3cdad9f1ce58b 26751f67a3cbb140b1808cf187a4f4df c04b05357c5d1c0eeac4c66f9ff7f2e6")},
		"SP 800-38A F.4.1, OFB": {p: kmip.CryptographicParameters{Mode: kmip.ModeOFB}, key: nistKey, iv: unhex("000102030405060708090a0b0c0d0e0f"), text: nistText,
			sealed: unhex("3b3fd92eb72dad20333449f8e83cfb4a 7789508d16918f03f53c52dac54ed825 9740051e9c5fecf64344f7a82260edcc 304c6528f659c77866a510d9c1d6ae5e")},
		"SP 800-38A F.5.1, CTR": {p: kmip.CryptographicParameters{Mode: kmip.ModeCTR}, key: nistKey, iv: unhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"), text: nistText,
			sealed: unhex("874d6191b620e3261bef6864990db6ce 9806f66b7970fdff8617187bb9fffdff 5ae4df3edbd5d35e5b4f09020db03eab 1e031dda2fbe03d1792170a0f3009cee")},
		"RFC 3686, test vector 2": {p: kmip.CryptographicParameters{Mode: kmip.ModeCTR, CounterLength: 32}, key: unhex("7e24067817fae0d743d6ce1f32539163"), iv: unhex("006cb6dbc0543b59da48d90b"),
			text: unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"), sealed: unhex("5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28")},
		"3DES, ECB (SP 800-67)": {p: kmip.CryptographicParameters{Mode: kmip.ModeECB}, alg: kmip.AlgorithmTripleDES, key: unhex("0123456789abcdef23456789abcdef01456789abcdef0123"),
			text: unhex("5468652071756663 6b2062726f776e20 666f78206a756d70"), sealed: unhex("a826fd8ce53b855f cce21c8112256fe6 68d5c05dd9b6b900")},
		"GCM, the specification's case 4": {p: kmip.CryptographicParameters{Mode: kmip.ModeGCM, TagLength: 16}, key: unhex("feffe9928665731c6d6a8f9467308308"), iv: unhex("cafebabefacedbaddecaf888"),
			additional: unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
			text:       unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"),
			sealed:     unhex("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"), tag: unhex("5bc94fbc3221a5db94fae95ae7121a47")},
		"GCM, case 5, a nonce of 8 bytes": {p: kmip.CryptographicParameters{Mode: kmip.ModeGCM}, key: unhex("feffe9928665731c6d6a8f9467308308"), iv: unhex("cafebabefacedbad"),
			additional: unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
			text:       unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"),
			sealed:     unhex("61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c742373806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598"), tag: unhex("3612d2e79e3b0785561be14aaca2fccb")},
		"GCM, case 5, a tag of 12 bytes": {p: kmip.CryptographicParameters{Mode: kmip.ModeGCM, TagLength: 12}, key: unhex("feffe9928665731c6d6a8f9467308308"), iv: unhex("cafebabefacedbad"),
			additional: unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
			text:       unhex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"),
			sealed:     unhex("61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c742373806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598"), tag: unhex("3612d2e79e3b0785561be14a")},
		"IEEE 1619, vector 1": {p: kmip.CryptographicParameters{Mode: kmip.ModeXTS}, key: append(bytes.Repeat([]byte{0x11}, 16), bytes.Repeat([]byte{0x22}, 16)...), iv: unhex("33333333330000000000000000000000"),
			text: bytes.Repeat([]byte{0x44}, 32), sealed: unhex("c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0")},
		"IEEE 1619, vector 15, 17 bytes": {p: kmip.CryptographicParameters{Mode: kmip.ModeXTS}, key: unhex("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0bfbebdbcbbbab9b8b7b6b5b4b3b2b1b0"), iv: unhex("9a785634120000000000000000000000"),
			text: unhex("000102030405060708090a0b0c0d0e0f10"), sealed: unhex("6c1625db4671522d3d7599601de7ca09ed")},
		"RFC 3394, 4.1": {p: kmip.CryptographicParameters{Mode: kmip.ModeNISTKeyWrap}, key: unhex("000102030405060708090a0b0c0d0e0f"),
			text: unhex("00112233445566778899aabbccddeeff"), sealed: unhex("1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5")},
		"RFC 5649, 6, 7 bytes": {p: kmip.CryptographicParameters{Mode: kmip.ModeAESKeyWrapPadding}, key: unhex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"),
			text: unhex("466f7250617369"), sealed: unhex("afbeb0f07dfbf5419200f2ccb50bb24f")},
		"RFC 8439, 2.8.2": {alg: kmip.AlgorithmChaCha20Poly1305, key: unhex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"), iv: unhex("070000004041424344454647"),
			additional: unhex("50515253c0c1c2c3c4c5c6c7"),
			text:       []byte("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."),
			sealed:     unhex("d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b6116"),
			tag:        unhex("1ae10b594f09e26a7e902ecbd0600691")},
	} {
		t.Run(name, func(t *testing.T) {
			if v.alg == 0 {
				v.alg = kmip.AlgorithmAES
			}
			n := len(v.text)
			for _, cuts := range [][]int{nil, {0}, {1}, {n}, {n / 2, n/2 + 1}, {1, n - 1}} {
				out, tag, err := crypt(t, v.p, v.alg, true, v.key, v.iv, v.additional, nil, v.text, cuts...)
				if err != nil || !bytes.Equal(out, v.sealed) || v.tag != nil && !bytes.Equal(tag, v.tag) {
					t.Errorf("encrypted in parts %v: %x, tag %x, %v", cuts, out, tag, err)
				}
				out, _, err = crypt(t, v.p, v.alg, false, v.key, v.iv, v.additional, v.tag, v.sealed, cuts...)
				if err != nil || !bytes.Equal(out, v.text) {
					t.Errorf("decrypted in parts %v: %x, %v", cuts, out, err)
				}
			}
			if v.tag == nil {
				return
			}
			for what, change := range map[string]*[]byte{"the tag": &v.tag, "the text": &v.sealed, "the vector": &v.iv, "the additional data": &v.additional} {
				good := *change
				*change = bytes.Clone(good)
				(*change)[len(good)-1] ^= 1
				if out, _, err := crypt(t, v.p, v.alg, false, v.key, v.iv, v.additional, v.tag, v.sealed); err != cryptography.ErrCryptography || out != nil {
					t.Errorf("%s changed: %x, %v", what, out, err)
				}
				*change = good
			}
		})
	}
}

// Each padding, for every length of text up to two blocks, whole and in parts.
func TestPadding(t *testing.T) {
	iv := make([]byte, 16)
	for _, m := range []kmip.PaddingMethod{kmip.PaddingPKCS5, kmip.PaddingANSIX923, kmip.PaddingISO10126, kmip.PaddingZeros} {
		for _, mode := range []kmip.BlockCipherMode{kmip.ModeCBC, kmip.ModeECB} {
			p := kmip.CryptographicParameters{Mode: mode, Padding: m}
			vector := iv
			if mode == kmip.ModeECB {
				vector = nil
			}
			for n := range 33 {
				text := bytes.Repeat([]byte{7}, n)
				out, _, err := crypt(t, p, kmip.AlgorithmAES, true, nistKey, vector, nil, nil, text, n/3)
				if err != nil {
					t.Fatal(err)
				}
				if want := n/16*16 + 16; len(out) != want && !(m == kmip.PaddingZeros && n%16 == 0 && len(out) == n) {
					t.Errorf("%s: %d bytes became %d", m, n, len(out))
				}
				for _, cuts := range [][]int{nil, {len(out) / 2}, {len(out)}} {
					back, _, err := crypt(t, p, kmip.AlgorithmAES, false, nistKey, vector, nil, nil, out, cuts...)
					if err != nil || !bytes.Equal(back, text) {
						t.Errorf("%s, %d bytes in parts %v: %x, %v", m, n, cuts, back, err)
					}
				}
			}
		}
	}
}

// Every wrong last block has one and the same error.
func TestPadding_Wrong(t *testing.T) {
	last := func(text ...byte) []byte { return append(make([]byte, 16-len(text)), text...) }
	for _, c := range []struct {
		m     kmip.PaddingMethod
		block []byte
		good  int // the length of the text, -1: none
	}{
		{kmip.PaddingPKCS5, last(1), 15}, {kmip.PaddingPKCS5, last(2, 2), 14}, {kmip.PaddingPKCS5, bytes.Repeat([]byte{16}, 16), 0},
		{kmip.PaddingPKCS5, last(0), -1}, {kmip.PaddingPKCS5, last(17), -1}, {kmip.PaddingPKCS5, last(255), -1}, {kmip.PaddingPKCS5, last(3, 2, 3), -1}, {kmip.PaddingPKCS5, last(2, 3, 3), -1},
		{kmip.PaddingPKCS5, append([]byte{15}, bytes.Repeat([]byte{16}, 15)...), -1},
		{kmip.PaddingANSIX923, last(1), 15}, {kmip.PaddingANSIX923, last(9, 0, 0, 3), 13}, {kmip.PaddingANSIX923, last(16), 0},
		{kmip.PaddingANSIX923, last(1, 0, 3), -1}, {kmip.PaddingANSIX923, last(0), -1}, {kmip.PaddingANSIX923, last(17), -1},
		{kmip.PaddingISO10126, last(1, 9, 3), 13}, {kmip.PaddingISO10126, last(16), 0}, {kmip.PaddingISO10126, last(0), -1}, {kmip.PaddingISO10126, last(17), -1},
		{kmip.PaddingZeros, last(5, 0, 0), 14}, {kmip.PaddingZeros, last(0), 1}, {kmip.PaddingZeros, last(5), 16},
	} {
		sealed, _, err := crypt(t, kmip.CryptographicParameters{Mode: kmip.ModeECB}, kmip.AlgorithmAES, true, nistKey, nil, nil, nil, c.block)
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := crypt(t, kmip.CryptographicParameters{Mode: kmip.ModeECB, Padding: c.m}, kmip.AlgorithmAES, false, nistKey, nil, nil, nil, sealed)
		if c.good < 0 && err != cryptography.ErrCryptography || c.good >= 0 && (err != nil || !bytes.Equal(out, c.block[:c.good])) {
			t.Errorf("%s, %x: %x, %v", c.m, c.block, out, err)
		}
	}
}

func TestCipher_Refuses(t *testing.T) {
	aes, des, chacha := kmip.AlgorithmAES, kmip.AlgorithmTripleDES, kmip.AlgorithmChaCha20Poly1305
	iv16 := make([]byte, 16)
	for name, c := range map[string]struct {
		p          kmip.CryptographicParameters
		alg        kmip.CryptographicAlgorithm
		key        []byte
		iv         []byte
		additional []byte
		size       int
		want       kmip.ResultReason
	}{
		"no mode":                          {alg: aes, key: nistKey, iv: iv16, want: kmip.ReasonInvalidField},
		"an unknown mode":                  {p: kmip.CryptographicParameters{Mode: 99}, alg: aes, key: nistKey, iv: iv16, want: kmip.ReasonInvalidField},
		"PCBC":                             {p: kmip.CryptographicParameters{Mode: kmip.ModePCBC}, alg: aes, key: nistKey, iv: iv16, want: kmip.ReasonInvalidField},
		"a key to wrap of 15 bytes":        {p: kmip.CryptographicParameters{Mode: kmip.ModeNISTKeyWrap}, alg: aes, key: nistKey, size: 15, want: kmip.ReasonInvalidField},
		"an unknown padding":               {p: kmip.CryptographicParameters{Mode: kmip.ModeCBC, Padding: kmip.PaddingSSL3}, alg: aes, key: nistKey, iv: iv16, want: kmip.ReasonInvalidField},
		"padding with CTR":                 {p: kmip.CryptographicParameters{Mode: kmip.ModeCTR, Padding: kmip.PaddingPKCS5}, alg: aes, key: nistKey, iv: iv16, want: kmip.ReasonInvalidField},
		"another algorithm":                {p: kmip.CryptographicParameters{Mode: kmip.ModeCBC, Algorithm: des}, alg: aes, key: nistKey, iv: iv16, want: kmip.ReasonInvalidField},
		"a short key":                      {p: kmip.CryptographicParameters{Mode: kmip.ModeCBC}, alg: aes, key: nistKey[:15], iv: iv16, want: kmip.ReasonInvalidField},
		"a short 3DES key":                 {p: kmip.CryptographicParameters{Mode: kmip.ModeCBC}, alg: des, key: nistKey[:8], iv: iv16[:8], want: kmip.ReasonInvalidField},
		"GCM with 3DES":                    {p: kmip.CryptographicParameters{Mode: kmip.ModeGCM}, alg: des, key: make([]byte, 24), iv: iv16[:12], want: kmip.ReasonInvalidField},
		"no vector":                        {p: kmip.CryptographicParameters{Mode: kmip.ModeCBC}, alg: aes, key: nistKey, want: kmip.ReasonInvalidMessage},
		"an empty vector":                  {p: kmip.CryptographicParameters{Mode: kmip.ModeGCM}, alg: aes, key: nistKey, iv: []byte{}, want: kmip.ReasonInvalidField},
		"a vector with ECB":                {p: kmip.CryptographicParameters{Mode: kmip.ModeECB}, alg: aes, key: nistKey, iv: iv16, want: kmip.ReasonInvalidField},
		"a long vector":                    {p: kmip.CryptographicParameters{Mode: kmip.ModeGCM}, alg: aes, key: nistKey, iv: make([]byte, 1025), want: kmip.ReasonInvalidField},
		"a tag of 11 bytes":                {p: kmip.CryptographicParameters{Mode: kmip.ModeGCM, TagLength: 11}, alg: aes, key: nistKey, iv: iv16, want: kmip.ReasonGeneralFailure},
		"a tag of 17 bytes":                {p: kmip.CryptographicParameters{Mode: kmip.ModeGCM, TagLength: 17}, alg: aes, key: nistKey, iv: iv16, want: kmip.ReasonGeneralFailure},
		"a tag of 12 bytes, ChaCha20":      {p: kmip.CryptographicParameters{TagLength: 12}, alg: chacha, key: make([]byte, 32), iv: iv16[:12], want: kmip.ReasonGeneralFailure},
		"additional data with CBC":         {p: kmip.CryptographicParameters{Mode: kmip.ModeCBC}, alg: aes, key: nistKey, iv: iv16, additional: []byte{}, want: kmip.ReasonInvalidField},
		"no whole blocks":                  {p: kmip.CryptographicParameters{Mode: kmip.ModeCBC}, alg: aes, key: nistKey, iv: iv16, size: 17, want: kmip.ReasonInvalidField},
		"XTS, equal keys":                  {p: kmip.CryptographicParameters{Mode: kmip.ModeXTS}, alg: aes, key: make([]byte, 32), iv: iv16, size: 16, want: kmip.ReasonInvalidField},
		"XTS, one key":                     {p: kmip.CryptographicParameters{Mode: kmip.ModeXTS}, alg: aes, key: nistKey, iv: iv16, size: 16, want: kmip.ReasonInvalidField},
		"XTS, less than a block":           {p: kmip.CryptographicParameters{Mode: kmip.ModeXTS}, alg: aes, key: append(bytes.Clone(nistKey), iv16...), iv: iv16, size: 15, want: kmip.ReasonInvalidField},
		"a counter that is too short":      {p: kmip.CryptographicParameters{Mode: kmip.ModeCTR, CounterLength: 8}, alg: aes, key: nistKey, iv: iv16[:15], size: 16 * 256, want: kmip.ReasonInvalidField},
		"a counter of no whole byte":       {p: kmip.CryptographicParameters{Mode: kmip.ModeCTR, CounterLength: 12}, alg: aes, key: nistKey, iv: iv16, want: kmip.ReasonInvalidField},
		"a first number without a counter": {p: kmip.CryptographicParameters{Mode: kmip.ModeCTR, InitialCounter: &three}, alg: aes, key: nistKey, iv: iv16, want: kmip.ReasonInvalidField},
		"a key for signatures":             {p: kmip.CryptographicParameters{Mode: kmip.ModeCBC}, alg: kmip.AlgorithmHMACSHA256, key: nistKey, iv: iv16, want: kmip.ReasonInvalidField},
	} {
		_, _, err := crypt(t, c.p, c.alg, true, c.key, c.iv, c.additional, nil, make([]byte, c.size))
		if kmip.ReasonOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := crypt(t, kmip.CryptographicParameters{Mode: kmip.ModeNISTKeyWrap}, aes, false, nistKey, nil, nil, nil, make([]byte, 24)); err != cryptography.ErrCryptography {
		t.Errorf("unwrapped nothing: %v", err)
	}
	// As much as the counter can count is in order.
	if _, _, err := crypt(t, kmip.CryptographicParameters{Mode: kmip.ModeCTR, CounterLength: 8}, aes, true, nistKey, iv16[:15], nil, nil, make([]byte, 16*255)); err != nil {
		t.Error(err)
	}
	// Nothing is held back without a bound.
	c, err := cryptography.NewCipher(kmip.CryptographicParameters{Mode: kmip.ModeGCM}, aes, nistKey)
	if err != nil {
		t.Fatal(err)
	}
	job, err := c.Job(true, iv16[:12], nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := job.Update(make([]byte, cryptography.MaxHeld)); err != nil {
		t.Fatal(err)
	}
	if _, err := job.Update([]byte{1}); kmip.ReasonOf(err) != kmip.ReasonInvalidField {
		t.Errorf("more than the bound: %v", err)
	}
}

func TestNewIV(t *testing.T) {
	for _, c := range []struct {
		p    kmip.CryptographicParameters
		want int // -1: refused
	}{
		{kmip.CryptographicParameters{Mode: kmip.ModeCBC}, 16}, {kmip.CryptographicParameters{Mode: kmip.ModeECB}, 0}, {kmip.CryptographicParameters{Mode: kmip.ModeGCM}, 12},
		{kmip.CryptographicParameters{Mode: kmip.ModeGCM, IVLength: 128}, 16}, {kmip.CryptographicParameters{Mode: kmip.ModeCTR, CounterLength: 32}, 12},
		{kmip.CryptographicParameters{Mode: kmip.ModeGCM, IVLength: 8}, -1}, {kmip.CryptographicParameters{Mode: kmip.ModeCBC, IVLength: 64}, -1},
		{kmip.CryptographicParameters{Mode: kmip.ModeGCM, FixedFieldLength: 32}, -1},
	} {
		cipher, err := cryptography.NewCipher(c.p, kmip.AlgorithmAES, nistKey)
		if err != nil {
			t.Fatal(err)
		}
		iv, err := cipher.NewIV()
		another, _ := cipher.NewIV()
		if c.want < 0 && kmip.ReasonOf(err) != kmip.ReasonInvalidField || c.want >= 0 && (err != nil || len(iv) != c.want || c.want > 0 && bytes.Equal(iv, another)) {
			t.Errorf("%+v: %x, %v", c.p, iv, err)
		}
	}
}

func TestMAC_Vectors(t *testing.T) {
	for name, v := range map[string]struct {
		p         kmip.CryptographicParameters
		alg       kmip.CryptographicAlgorithm
		key, data []byte
		want      []byte
	}{
		"RFC 4231, case 2, SHA-256": {kmip.CryptographicParameters{Algorithm: kmip.AlgorithmHMACSHA256}, kmip.AlgorithmAES, []byte("Jefe"), []byte("what do ya want for nothing?"),
			unhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")},
		"RFC 4231, case 2, SHA-224": {kmip.CryptographicParameters{}, kmip.AlgorithmHMACSHA224, []byte("Jefe"), []byte("what do ya want for nothing?"),
			unhex("a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44")},
		"RFC 4231, case 2, SHA-384": {kmip.CryptographicParameters{Hash: kmip.HashSHA384}, kmip.AlgorithmHMACSHA384, []byte("Jefe"), []byte("what do ya want for nothing?"),
			unhex("af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649")},
		"RFC 2202, case 2, SHA-1": {kmip.CryptographicParameters{}, kmip.AlgorithmHMACSHA1, []byte("Jefe"), []byte("what do ya want for nothing?"), unhex("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")},
		"RFC 4493, nothing":       {kmip.CryptographicParameters{Mode: kmip.ModeCMAC}, kmip.AlgorithmAES, nistKey, nil, unhex("bb1d6929e95937287fa37d129b756746")},
		"RFC 4493, 16 bytes":      {kmip.CryptographicParameters{Mode: kmip.ModeCMAC}, kmip.AlgorithmAES, nistKey, nistText[:16], unhex("070a16b46b4d4144f79bdd9dd04a287c")},
		"RFC 4493, 40 bytes":      {kmip.CryptographicParameters{Mode: kmip.ModeCMAC}, kmip.AlgorithmAES, nistKey, nistText[:40], unhex("dfa66747de9ae63030ca32611497c827")},
		"RFC 4493, 64 bytes":      {kmip.CryptographicParameters{Mode: kmip.ModeCMAC}, kmip.AlgorithmAES, nistKey, nistText, unhex("51f0bebf7e3b9d92fc49741779363cfe")},
	} {
		for _, cut := range []int{0, len(v.data) / 2, len(v.data)} {
			h, err := cryptography.NewMAC(v.p, v.alg, v.key)
			if err != nil {
				t.Fatal(err)
			}
			h.Write(v.data[:cut])
			h.Write(v.data[cut:])
			if !cryptography.VerifyMAC(h, v.want) {
				t.Errorf("%s: %x", name, h.Sum(nil))
			}
			wrong := bytes.Clone(v.want)
			wrong[0] ^= 1
			if cryptography.VerifyMAC(h, wrong) || cryptography.VerifyMAC(h, v.want[:len(v.want)-1]) || cryptography.VerifyMAC(h, nil) {
				t.Errorf("%s: a wrong code is right", name)
			}
		}
	}
	for name, c := range map[string]struct {
		p   kmip.CryptographicParameters
		alg kmip.CryptographicAlgorithm
	}{
		"a key for AES, and no more said": {kmip.CryptographicParameters{}, kmip.AlgorithmAES},
		"a hash that is not its own":      {kmip.CryptographicParameters{Hash: kmip.HashSHA512}, kmip.AlgorithmHMACSHA256},
		"a mode":                          {kmip.CryptographicParameters{Mode: kmip.ModeCBC}, kmip.AlgorithmHMACSHA256},
		"CMAC of ChaCha20":                {kmip.CryptographicParameters{Mode: kmip.ModeCMAC}, kmip.AlgorithmChaCha20},
	} {
		if _, err := cryptography.NewMAC(c.p, c.alg, make([]byte, 32)); kmip.ReasonOf(err) != kmip.ReasonInvalidField {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHash(t *testing.T) {
	h, err := cryptography.NewHash(kmip.CryptographicParameters{Hash: kmip.HashSHA3_256})
	if err != nil {
		t.Fatal(err)
	}
	h.Write([]byte("abc")) // FIPS 202
	if got := hex.EncodeToString(h.Sum(nil)); got != "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532" {
		t.Error(got)
	}
	for _, alg := range []kmip.HashingAlgorithm{0, kmip.HashMD2, kmip.HashMD5, 99} {
		var told *kmip.Error
		if _, err := cryptography.NewHash(kmip.CryptographicParameters{Hash: alg}); !errors.As(err, &told) || told.Reason != kmip.ReasonInvalidField {
			t.Errorf("%s: %v", alg, err)
		}
	}
}
