package kmip

// NISTKeyType says what a key is for, in the words of NIST SP 800-57 (KMIP 2.1, 11).
type NISTKeyType uint32

// The values of NISTKeyType.
const (
	NISTPrivateSignatureKey        NISTKeyType = 1
	NISTPublicVerificationKey      NISTKeyType = 2
	NISTSymmetricAuthenticationKey NISTKeyType = 3
	NISTPrivateAuthenticationKey   NISTKeyType = 4
	NISTPublicAuthenticationKey    NISTKeyType = 5
	NISTSymmetricDataEncryptionKey NISTKeyType = 6
	NISTSymmetricKeyWrappingKey    NISTKeyType = 7
	NISTSymmetricRandomNumberKey   NISTKeyType = 8
	NISTSymmetricMasterKey         NISTKeyType = 9
	NISTPrivateKeyTransportKey     NISTKeyType = 10
	NISTPublicKeyTransportKey      NISTKeyType = 11
	NISTSymmetricKeyAgreementKey   NISTKeyType = 12
	NISTPrivateStaticAgreementKey  NISTKeyType = 13
	NISTPublicStaticAgreementKey   NISTKeyType = 14
	NISTPrivateEphemeralKey        NISTKeyType = 15
	NISTPublicEphemeralKey         NISTKeyType = 16
	NISTSymmetricAuthorizationKey  NISTKeyType = 17
	NISTPrivateAuthorizationKey    NISTKeyType = 18
	NISTPublicAuthorizationKey     NISTKeyType = 19
)

var namesNISTKeyType = map[NISTKeyType]string{
	NISTPrivateSignatureKey:        "Private signature key",
	NISTPublicVerificationKey:      "Public signature verification key",
	NISTSymmetricAuthenticationKey: "Symmetric authentication key",
	NISTPrivateAuthenticationKey:   "Private authentication key",
	NISTPublicAuthenticationKey:    "Public authentication key",
	NISTSymmetricDataEncryptionKey: "Symmetric data encryption key",
	NISTSymmetricKeyWrappingKey:    "Symmetric key wrapping key",
	NISTSymmetricRandomNumberKey:   "Symmetric random number generation key",
	NISTSymmetricMasterKey:         "Symmetric master key",
	NISTPrivateKeyTransportKey:     "Private key transport key",
	NISTPublicKeyTransportKey:      "Public key transport key",
	NISTSymmetricKeyAgreementKey:   "Symmetric key agreement key",
	NISTPrivateStaticAgreementKey:  "Private static key agreement key",
	NISTPublicStaticAgreementKey:   "Public static key agreement key",
	NISTPrivateEphemeralKey:        "Private ephemeral key agreement key",
	NISTPublicEphemeralKey:         "Public ephemeral key agreement key",
	NISTSymmetricAuthorizationKey:  "Symmetric authorization key",
	NISTPrivateAuthorizationKey:    "Private authorization key",
	NISTPublicAuthorizationKey:     "Public authorization key",
}

// String gives the specification's name.
func (e NISTKeyType) String() string { return enumName(namesNISTKeyType, e) }

// AdjustmentType says how Adjust Attribute changes a value (KMIP 2.1, 11).
type AdjustmentType uint32

// The values of AdjustmentType.
const (
	AdjustIncrement AdjustmentType = 1
	AdjustDecrement AdjustmentType = 2
	AdjustNegate    AdjustmentType = 3
)

var namesAdjustmentType = map[AdjustmentType]string{
	AdjustIncrement: "Increment",
	AdjustDecrement: "Decrement",
	AdjustNegate:    "Negate",
}

// String gives the specification's name.
func (e AdjustmentType) String() string { return enumName(namesAdjustmentType, e) }

// InteropFunction says what a test tells the server (KMIP 2.1, 11).
type InteropFunction uint32

// The values of InteropFunction.
const (
	InteropBegin InteropFunction = 1
	InteropEnd   InteropFunction = 2
	InteropReset InteropFunction = 3
)

var namesInteropFunction = map[InteropFunction]string{
	InteropBegin: "Begin",
	InteropEnd:   "End",
	InteropReset: "Reset",
}

// String gives the specification's name.
func (e InteropFunction) String() string { return enumName(namesInteropFunction, e) }

// AsynchronousIndicator says whether an answer may come later (KMIP 2.1, 11). Before 2.0
// it is a Boolean.
type AsynchronousIndicator uint32

// The values of AsynchronousIndicator.
const (
	AsynchronousMandatory  AsynchronousIndicator = 1
	AsynchronousOptional   AsynchronousIndicator = 2
	AsynchronousProhibited AsynchronousIndicator = 3
)

// ProtectionStorageMask says where an object is kept and under whose control, as a set
// (KMIP 2.1, 12).
type ProtectionStorageMask int32

// The bits of a ProtectionStorageMask.
const (
	StorageSoftware ProtectionStorageMask = 1 << iota
	StorageHardware
	StorageOnProcessor
	StorageOnSystem
	StorageOffSystem
	StorageHypervisor
	StorageOperatingSystem
	StorageContainer
	StorageOnPremises
	StorageOffPremises
	StorageSelfManaged
	StorageOutsourced
	StorageValidated
	StorageSameJurisdiction
)

// uniqueIdentifierPlaceholder stands, as an Enumeration in place of a Unique Identifier, for
// the ID Placeholder (KMIP 2.1, 11).
const uniqueIdentifierPlaceholder = 1
