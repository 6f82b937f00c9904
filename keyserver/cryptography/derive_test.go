package cryptography_test

import (
	"bytes"
	"testing"

	"github.com/dbkeyring/dbkeyring/keyserver/cryptography"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/secret"
)

// TestDerive has the vectors of RFC 6070, RFC 7914, RFC 4231, FIPS 180-4 and SP 800-38A.
func TestDerive(t *testing.T) {
	by := func(p kmip.CryptographicParameters) *kmip.CryptographicParameters { return &p }
	sum := func(h kmip.HashingAlgorithm) *kmip.CryptographicParameters {
		return by(kmip.CryptographicParameters{Hash: h})
	}
	pbkdf2 := func(h kmip.HashingAlgorithm, salt string, n int32) kmip.DerivationParameters {
		return kmip.DerivationParameters{Parameters: sum(h), Salt: []byte(salt), Iterations: n}
	}
	aesKey, block := "2b7e151628aed2a6abf7158809cf4f3c", "6bc1bee22e409f96e93d7e117393172a"
	data := func(b []byte) *secret.Bytes { return secret.Copy(b) }
	for _, c := range []struct {
		name   string
		method kmip.DerivationMethod
		d      kmip.DerivationParameters
		alg    kmip.CryptographicAlgorithm
		key    string
		want   string
	}{
		{"RFC 6070, 1", kmip.DerivePBKDF2, pbkdf2(kmip.HashSHA1, "salt", 1), 0, "password", "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
		{"RFC 6070, 3", kmip.DerivePBKDF2, pbkdf2(kmip.HashSHA1, "salt", 4096), 0, "password", "4b007901b765489abead49d926f721d065a429c1"},
		{"RFC 6070, 5", kmip.DerivePBKDF2, pbkdf2(kmip.HashSHA1, "saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096), 0, "passwordPASSWORDpassword", "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"},
		{"RFC 7914, 11", kmip.DerivePBKDF2, kmip.DerivationParameters{Parameters: by(kmip.CryptographicParameters{Algorithm: kmip.AlgorithmHMACSHA256}), Salt: []byte("salt"), Iterations: 1}, 0, "passwd",
			"55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"},
		{"an empty salt", kmip.DerivePBKDF2, pbkdf2(kmip.HashSHA256, "", 1), 0, "p", ""},
		{"FIPS 180-4", kmip.DeriveHASH, kmip.DerivationParameters{Parameters: sum(kmip.HashSHA256)}, 0, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"its beginning", kmip.DeriveHASH, kmip.DerivationParameters{Parameters: sum(kmip.HashSHA256)}, kmip.AlgorithmAES, "abc", "ba7816bf8f01cfea414140de5dae2223"},
		{"RFC 4231, 2", kmip.DeriveHMAC, kmip.DerivationParameters{Parameters: sum(kmip.HashSHA256), Data: data([]byte("what do ya want for nothing?"))}, kmip.AlgorithmAES, "Jefe", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
		{"RFC 4231, 2, by the key's algorithm", kmip.DeriveHMAC, kmip.DerivationParameters{Data: data([]byte("what do ya want for nothing?"))}, kmip.AlgorithmHMACSHA256, "Jefe", "5bdcc146bf60754e6a042426089575c7"},
		{"SP 800-38A, F.1.1", kmip.DeriveENCRYPT, kmip.DerivationParameters{Parameters: by(kmip.CryptographicParameters{Mode: kmip.ModeECB}), Data: data(unhex(block))}, kmip.AlgorithmAES, string(unhex(aesKey)), "3ad77bb40d7a3660a89ecaf32466ef97"},
		{"SP 800-38A, F.2.1", kmip.DeriveENCRYPT, kmip.DerivationParameters{Parameters: by(kmip.CryptographicParameters{Mode: kmip.ModeCBC}), IV: unhex("000102030405060708090a0b0c0d0e0f"), Data: data(unhex(block))}, kmip.AlgorithmAES, string(unhex(aesKey)), "7649abac8119b246cee98e9b12e9197d"},
	} {
		want := unhex(c.want)
		got, err := cryptography.Derive(c.method, c.d, c.alg, []byte(c.key), max(len(want), 1))
		if err != nil || c.want != "" && !bytes.Equal(got.Reveal(), want) {
			t.Errorf("%s: %x, %v", c.name, got.Reveal(), err)
		}
	}

	some, key := data(make([]byte, 16)), make([]byte, 16)
	salt := []byte("salt")
	for _, c := range []struct {
		name   string
		method kmip.DerivationMethod
		d      kmip.DerivationParameters
		length int
		reason kmip.ResultReason
	}{
		{"no method", 0, kmip.DerivationParameters{}, 16, kmip.ReasonFeatureNotSupported},
		{"HKDF", kmip.DeriveHKDF, kmip.DerivationParameters{}, 16, kmip.ReasonFeatureNotSupported},
		{"PBKDF2 without a hash", kmip.DerivePBKDF2, kmip.DerivationParameters{Salt: salt, Iterations: 1}, 16, kmip.ReasonInvalidField},
		{"PBKDF2 without a salt", kmip.DerivePBKDF2, kmip.DerivationParameters{Parameters: sum(kmip.HashSHA1), Iterations: 1}, 16, kmip.ReasonMissingData},
		{"PBKDF2 without a count", kmip.DerivePBKDF2, kmip.DerivationParameters{Parameters: sum(kmip.HashSHA1), Salt: salt}, 16, kmip.ReasonMissingData},
		{"PBKDF2, a negative count", kmip.DerivePBKDF2, pbkdf2(kmip.HashSHA1, "salt", -1), 16, kmip.ReasonInvalidField},
		{"PBKDF2 for ever", kmip.DerivePBKDF2, pbkdf2(kmip.HashSHA1, "salt", 1<<31-1), 16, kmip.ReasonInvalidField},
		{"PBKDF2 for ever, by the length", kmip.DerivePBKDF2, pbkdf2(kmip.HashSHA1, "salt", 1_000_000), 1024, kmip.ReasonInvalidField},
		{"PBKDF2 with data", kmip.DerivePBKDF2, kmip.DerivationParameters{Parameters: sum(kmip.HashSHA1), Salt: salt, Iterations: 1, Data: some}, 16, kmip.ReasonInvalidField},
		{"PBKDF2 by AES", kmip.DerivePBKDF2, kmip.DerivationParameters{Parameters: by(kmip.CryptographicParameters{Hash: kmip.HashSHA1, Algorithm: kmip.AlgorithmAES}), Salt: salt, Iterations: 1}, 16, kmip.ReasonInvalidField},
		{"HASH with a salt", kmip.DeriveHASH, pbkdf2(kmip.HashSHA1, "salt", 0), 16, kmip.ReasonInvalidField},
		{"HASH of two", kmip.DeriveHASH, kmip.DerivationParameters{Parameters: sum(kmip.HashSHA1), Data: some}, 16, kmip.ReasonInvalidField},
		{"HASH by none", kmip.DeriveHASH, kmip.DerivationParameters{}, 16, kmip.ReasonInvalidField},
		{"HASH, too long", kmip.DeriveHASH, kmip.DerivationParameters{Parameters: sum(kmip.HashSHA1)}, 21, kmip.ReasonCryptographicFailure},
		{"HMAC of nothing", kmip.DeriveHMAC, kmip.DerivationParameters{Parameters: sum(kmip.HashSHA1)}, 16, kmip.ReasonMissingData},
		{"HMAC with a vector", kmip.DeriveHMAC, kmip.DerivationParameters{Parameters: sum(kmip.HashSHA1), Data: some, IV: salt}, 16, kmip.ReasonInvalidField},
		{"HMAC by CMAC", kmip.DeriveHMAC, kmip.DerivationParameters{Parameters: by(kmip.CryptographicParameters{Algorithm: kmip.AlgorithmAES, Mode: kmip.ModeCMAC}), Data: some}, 16, kmip.ReasonInvalidField},
		{"ENCRYPT by no mode", kmip.DeriveENCRYPT, kmip.DerivationParameters{Data: some}, 16, kmip.ReasonInvalidField},
		{"ENCRYPT of nothing", kmip.DeriveENCRYPT, kmip.DerivationParameters{Parameters: by(kmip.CryptographicParameters{Mode: kmip.ModeECB})}, 16, kmip.ReasonMissingData},
		{"ENCRYPT by GCM", kmip.DeriveENCRYPT, kmip.DerivationParameters{Parameters: by(kmip.CryptographicParameters{Mode: kmip.ModeGCM}), Data: some, IV: make([]byte, 12)}, 16, kmip.ReasonInvalidField},
		{"ENCRYPT without a vector", kmip.DeriveENCRYPT, kmip.DerivationParameters{Parameters: by(kmip.CryptographicParameters{Mode: kmip.ModeCBC}), Data: some}, 16, kmip.ReasonInvalidMessage},
		{"ENCRYPT with chance in it", kmip.DeriveENCRYPT, kmip.DerivationParameters{Parameters: by(kmip.CryptographicParameters{Mode: kmip.ModeCBC, Padding: kmip.PaddingISO10126}), Data: some, IV: key}, 16, kmip.ReasonInvalidField},
		{"ENCRYPT, too long", kmip.DeriveENCRYPT, kmip.DerivationParameters{Parameters: by(kmip.CryptographicParameters{Mode: kmip.ModeECB}), Data: some}, 17, kmip.ReasonCryptographicFailure},
	} {
		if got, err := cryptography.Derive(c.method, c.d, kmip.AlgorithmAES, key, c.length); kmip.ReasonOf(err) != c.reason || got != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
