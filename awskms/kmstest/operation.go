package kmstest

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
)

// input is any operation's.
type input struct {
	s      *Server
	region string

	KeyId, SourceKeyId, DestinationKeyId string
	Plaintext, CiphertextBlob            []byte
	EncryptionContext                    map[string]string
	SourceEncryptionContext              map[string]string
	DestinationEncryptionContext         map[string]string
	NumberOfBytes                        *int
	KeySpec, EncryptionAlgorithm, Marker string
	SourceEncryptionAlgorithm            string
	DestinationEncryptionAlgorithm       string
	Limit                                int
	DryRun                               bool
	DryRunModifiers                      []string
}

type output = map[string]any

var dry = &failure{"DryRunOperationException", "The request would have succeeded, but the DryRun option is set."}

func invalid(format string, args ...any) *failure {
	return &failure{"ValidationException", "1 validation error detected: " + fmt.Sprintf(format, args...)}
}

// find resolves a key ID, ARN, alias or alias's ARN in the request's region.
func (in *input) find(name string) (*key, *failure) {
	full := name
	switch {
	case name == "":
		return nil, invalid("Value null at 'keyId' failed to satisfy constraint: Member must not be null")
	case strings.HasPrefix(name, "arn:"):
		if parts := strings.SplitN(name, ":", 6); len(parts) != 6 || parts[3] != in.region {
			return nil, &failure{"NotFoundException", "Invalid arn " + in.region}
		}
	case strings.HasPrefix(name, "alias/"):
		full = arnOf(in.region, name)
	default:
		full = arnOf(in.region, "key/"+name)
	}
	if strings.Contains(full, ":alias/") {
		arn, ok := in.s.aliases[full]
		if !ok {
			return nil, &failure{"NotFoundException", "Alias " + full + " is not found."}
		}
		full = arn
	}
	k := in.s.keys[full]
	if k == nil {
		return nil, &failure{"NotFoundException", "Key '" + full + "' does not exist"}
	}
	return k.rotated(), nil
}

// usable finds a key that may encrypt and decrypt now.
func (in *input) usable(name string) (*key, *failure) {
	k, failed := in.find(name)
	if failed != nil {
		return nil, failed
	}
	return k, k.unusable()
}

func (k *key) unusable() *failure {
	switch k.state {
	case "Enabled":
	case "Disabled":
		return &failure{"DisabledException", k.arn + " is disabled."}
	case "PendingDeletion":
		return &failure{"KMSInvalidStateException", k.arn + " is pending deletion."}
	case "PendingImport":
		return &failure{"KMSInvalidStateException", k.arn + " is pending import."}
	default:
		return &failure{"KMSInvalidStateException", k.arn + " is " + strings.ToLower(k.state) + "."}
	}
	if k.usage != "ENCRYPT_DECRYPT" {
		return &failure{"InvalidKeyUsageException", k.arn + " key usage is " + k.usage + " which is not valid for the requested operation."}
	}
	return nil
}

func (in *input) describe() (output, *failure) {
	k, failed := in.find(in.KeyId)
	if failed != nil {
		return nil, failed
	}
	m := output{
		"AWSAccountId": account, "KeyId": k.id, "Arn": k.arn, "Enabled": k.state == "Enabled", "KeyState": k.state,
		"KeyUsage": k.usage, "KeySpec": k.spec, "Origin": "AWS_KMS", "KeyManager": "CUSTOMER",
		"MultiRegion": strings.HasPrefix(k.id, "mrk-"), "CreationDate": 1700000000.5,
	}
	if k.state == "PendingDeletion" {
		m["DeletionDate"] = float64(time.Now().Add(7 * 24 * time.Hour).Unix())
	}
	return output{"KeyMetadata": m}, nil
}

func (in *input) encrypt() (output, *failure) {
	switch n := len(in.Plaintext); {
	case n < 1:
		return nil, invalid("Value at 'plaintext' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case n > awskms.MaxEncrypt:
		return nil, invalid("Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096")
	}
	k, failed := in.usable(in.KeyId)
	if failed != nil {
		return nil, failed
	}
	if in.DryRun {
		return nil, dry
	}
	return output{"CiphertextBlob": k.encrypt(in.Plaintext, in.EncryptionContext), "KeyId": k.arn, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, nil
}

// open decrypts a blob, whose key has to be the named one, if one is named.
func (in *input) open(blob []byte, name string, context map[string]string) (k *key, plain []byte, material int, failed *failure) {
	id, _, _, ok := split(blob)
	if name != "" {
		if k, failed = in.usable(name); failed != nil {
			return nil, nil, 0, failed
		}
	}
	ignore := in.DryRun && len(in.DryRunModifiers) == 1 && in.DryRunModifiers[0] == "IGNORE_CIPHERTEXT"
	switch {
	case ignore && k == nil:
		return nil, nil, 0, invalid("Value null at 'keyId' failed to satisfy constraint: Member must not be null")
	case ignore:
		return k, nil, 0, nil
	case len(blob) == 0:
		return nil, nil, 0, invalid("Value at 'ciphertextBlob' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case !ok:
		return nil, nil, 0, &failure{"InvalidCiphertextException", ""}
	case k != nil && id != k.id:
		return nil, nil, 0, &failure{"IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation."}
	case k == nil:
		if k = in.s.keys[arnOf(in.region, "key/"+id)]; k == nil {
			return nil, nil, 0, &failure{"AccessDeniedException", "The ciphertext refers to a customer master key that does not exist, " +
				"does not exist in this region, or you are not allowed to access."}
		}
		if failed := k.unusable(); failed != nil {
			return nil, nil, 0, failed
		}
	}
	plain, material, ok = k.decrypt(blob, context)
	if !ok {
		return nil, nil, 0, &failure{"InvalidCiphertextException", ""}
	}
	return k, plain, material, nil
}

func (in *input) decrypt() (output, *failure) {
	k, plain, material, failed := in.open(in.CiphertextBlob, in.KeyId, in.EncryptionContext)
	switch {
	case failed != nil:
		return nil, failed
	case in.DryRun:
		return nil, dry
	}
	return output{"KeyId": k.arn, "Plaintext": plain, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "KeyMaterialId": k.materialID(material)}, nil
}

func (in *input) generate() (output, *failure) {
	k, failed := in.usable(in.KeyId)
	if failed != nil {
		return nil, failed
	}
	n := map[string]int{"AES_128": 16, "AES_256": 32}[in.KeySpec]
	switch {
	case (in.KeySpec == "") == (in.NumberOfBytes == nil):
		return nil, &failure{"ValidationException", "Please specify either number of bytes or key spec."}
	case in.NumberOfBytes != nil:
		n = *in.NumberOfBytes
	}
	switch {
	case n < 1:
		return nil, invalid("Value '%d' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or equal to 1", n)
	case n > awskms.MaxGenerate:
		return nil, invalid("Value '%d' at 'numberOfBytes' failed to satisfy constraint: Member must have value less than or equal to 1024", n)
	case in.DryRun:
		return nil, dry
	}
	plain := make([]byte, n)
	rand.Read(plain)
	return output{
		"KeyId": k.arn, "Plaintext": plain, "CiphertextBlob": k.encrypt(plain, in.EncryptionContext),
		"KeyMaterialId": k.materialID(len(k.materials) - 1),
	}, nil
}

func (in *input) reencrypt() (output, *failure) {
	from, plain, material, failed := in.open(in.CiphertextBlob, in.SourceKeyId, in.SourceEncryptionContext)
	if failed != nil {
		return nil, failed
	}
	to, failed := in.usable(in.DestinationKeyId)
	switch {
	case failed != nil:
		return nil, failed
	case in.DryRun:
		return nil, dry
	}
	return output{
		"CiphertextBlob": to.encrypt(plain, in.DestinationEncryptionContext), "SourceKeyId": from.arn, "KeyId": to.arn,
		"SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT", "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
		"SourceKeyMaterialId": from.materialID(material), "DestinationKeyMaterialId": to.materialID(len(to.materials) - 1),
	}, nil
}

// own finds a key for an operation that takes no alias.
func (in *input) own() (*key, *failure) {
	if strings.Contains(in.KeyId, "alias/") {
		return nil, &failure{"NotFoundException", "Invalid keyId " + in.KeyId}
	}
	return in.find(in.KeyId)
}

func (in *input) rotate() (output, *failure) {
	k, failed := in.own()
	if failed == nil {
		failed = k.unusable()
	}
	switch {
	case failed != nil:
		return nil, failed
	case !k.pending.IsZero():
		return nil, &failure{"ConflictException", "An on-demand rotation of " + k.arn + " is already in progress."}
	case len(k.rotations) >= awskms.MaxOnDemandRotations:
		return nil, &failure{"LimitExceededException", "The maximum number of on-demand rotations for this key has been reached."}
	}
	k.pendingSince = time.Now()
	k.pending = k.pendingSince.Add(in.s.lag)
	k.rotated()
	return output{"KeyId": k.id}, nil
}

func (in *input) rotationStatus() (output, *failure) {
	k, failed := in.own()
	if failed != nil {
		return nil, failed
	}
	out := output{"KeyId": k.arn, "KeyRotationEnabled": false}
	if !k.pending.IsZero() {
		out["OnDemandRotationStartDate"] = float64(k.pendingSince.UnixMilli()) / 1000
	}
	return out, nil
}

// rotations lists ten a page, so that clients have to turn pages.
func (in *input) rotations() (output, *failure) {
	k, failed := in.own()
	if failed != nil {
		return nil, failed
	}
	const page = 10
	from, _ := strconv.Atoi(in.Marker)
	rest := k.rotations[min(from, len(k.rotations)):]
	list := []output{}
	for i, at := range rest[:min(page, len(rest))] {
		list = append(list, output{
			"KeyId": k.id, "RotationDate": float64(at.UnixMilli()) / 1000, "RotationType": "ON_DEMAND",
			"KeyMaterialId": k.materialID(from + i + 1), "KeyMaterialState": "NON_CURRENT",
		})
	}
	out := output{"Rotations": list, "Truncated": len(rest) > page}
	if len(rest) > page {
		out["NextMarker"] = strconv.Itoa(from + page)
	}
	return out, nil
}
