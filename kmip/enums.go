package kmip

import "fmt"

// Operation names an operation (KMIP 1.4, 9.1.3.2.27).
type Operation uint32

// The values of Operation.
const (
	OpCreate                    Operation = 1
	OpCreateKeyPair             Operation = 2
	OpRegister                  Operation = 3
	OpReKey                     Operation = 4
	OpDeriveKey                 Operation = 5
	OpCertify                   Operation = 6
	OpReCertify                 Operation = 7
	OpLocate                    Operation = 8
	OpCheck                     Operation = 9
	OpGet                       Operation = 10
	OpGetAttributes             Operation = 11
	OpGetAttributeList          Operation = 12
	OpAddAttribute              Operation = 13
	OpModifyAttribute           Operation = 14
	OpDeleteAttribute           Operation = 15
	OpObtainLease               Operation = 16
	OpGetUsageAllocation        Operation = 17
	OpActivate                  Operation = 18
	OpRevoke                    Operation = 19
	OpDestroy                   Operation = 20
	OpArchive                   Operation = 21
	OpRecover                   Operation = 22
	OpValidate                  Operation = 23
	OpQuery                     Operation = 24
	OpCancel                    Operation = 25
	OpPoll                      Operation = 26
	OpNotify                    Operation = 27
	OpPut                       Operation = 28
	OpReKeyKeyPair              Operation = 29
	OpDiscoverVersions          Operation = 30
	OpEncrypt                   Operation = 31
	OpDecrypt                   Operation = 32
	OpSign                      Operation = 33
	OpSignatureVerify           Operation = 34
	OpMAC                       Operation = 35
	OpMACVerify                 Operation = 36
	OpRNGRetrieve               Operation = 37
	OpRNGSeed                   Operation = 38
	OpHash                      Operation = 39
	OpCreateSplitKey            Operation = 40
	OpJoinSplitKey              Operation = 41
	OpImport                    Operation = 42
	OpExport                    Operation = 43
	OpLog                       Operation = 44
	OpLogin                     Operation = 45
	OpLogout                    Operation = 46
	OpDelegatedLogin            Operation = 47
	OpAdjustAttribute           Operation = 48
	OpSetAttribute              Operation = 49
	OpSetEndpointRole           Operation = 50
	OpPKCS11                    Operation = 51
	OpInterop                   Operation = 52
	OpReProvision               Operation = 53
	OpSetDefaults               Operation = 54
	OpSetConstraints            Operation = 55
	OpGetConstraints            Operation = 56
	OpQueryAsynchronousRequests Operation = 57
	OpProcess                   Operation = 58
	OpPing                      Operation = 59
)

var namesOperation = map[Operation]string{
	OpCreate:                    "Create",
	OpCreateKeyPair:             "Create Key Pair",
	OpRegister:                  "Register",
	OpReKey:                     "Re-key",
	OpDeriveKey:                 "Derive Key",
	OpCertify:                   "Certify",
	OpReCertify:                 "Re-certify",
	OpLocate:                    "Locate",
	OpCheck:                     "Check",
	OpGet:                       "Get",
	OpGetAttributes:             "Get Attributes",
	OpGetAttributeList:          "Get Attribute List",
	OpAddAttribute:              "Add Attribute",
	OpModifyAttribute:           "Modify Attribute",
	OpDeleteAttribute:           "Delete Attribute",
	OpObtainLease:               "Obtain Lease",
	OpGetUsageAllocation:        "Get Usage Allocation",
	OpActivate:                  "Activate",
	OpRevoke:                    "Revoke",
	OpDestroy:                   "Destroy",
	OpArchive:                   "Archive",
	OpRecover:                   "Recover",
	OpValidate:                  "Validate",
	OpQuery:                     "Query",
	OpCancel:                    "Cancel",
	OpPoll:                      "Poll",
	OpNotify:                    "Notify",
	OpPut:                       "Put",
	OpReKeyKeyPair:              "Re-key Key Pair",
	OpDiscoverVersions:          "Discover Versions",
	OpEncrypt:                   "Encrypt",
	OpDecrypt:                   "Decrypt",
	OpSign:                      "Sign",
	OpSignatureVerify:           "Signature Verify",
	OpMAC:                       "MAC",
	OpMACVerify:                 "MAC Verify",
	OpRNGRetrieve:               "RNG Retrieve",
	OpRNGSeed:                   "RNG Seed",
	OpHash:                      "Hash",
	OpCreateSplitKey:            "Create Split Key",
	OpJoinSplitKey:              "Join Split Key",
	OpImport:                    "Import",
	OpExport:                    "Export",
	OpLog:                       "Log",
	OpLogin:                     "Login",
	OpLogout:                    "Logout",
	OpDelegatedLogin:            "Delegated Login",
	OpAdjustAttribute:           "Adjust Attribute",
	OpSetAttribute:              "Set Attribute",
	OpSetEndpointRole:           "Set Endpoint Role",
	OpPKCS11:                    "PKCS#11",
	OpInterop:                   "Interop",
	OpReProvision:               "Re-Provision",
	OpSetDefaults:               "Set Defaults",
	OpSetConstraints:            "Set Constraints",
	OpGetConstraints:            "Get Constraints",
	OpQueryAsynchronousRequests: "Query Asynchronous Requests",
	OpProcess:                   "Process",
	OpPing:                      "Ping",
}

// String gives the specification's name.
func (e Operation) String() string { return enumName(namesOperation, e) }

// ObjectType is the kind of a managed object (KMIP 1.4, 9.1.3.2.12).
type ObjectType uint32

// The values of ObjectType.
const (
	ObjectTypeCertificate        ObjectType = 1
	ObjectTypeSymmetricKey       ObjectType = 2
	ObjectTypePublicKey          ObjectType = 3
	ObjectTypePrivateKey         ObjectType = 4
	ObjectTypeSplitKey           ObjectType = 5
	ObjectTypeTemplate           ObjectType = 6
	ObjectTypeSecretData         ObjectType = 7
	ObjectTypeOpaqueObject       ObjectType = 8
	ObjectTypePGPKey             ObjectType = 9
	ObjectTypeCertificateRequest ObjectType = 10 // since 2.0
)

var namesObjectType = map[ObjectType]string{
	ObjectTypeCertificate:        "Certificate",
	ObjectTypeSymmetricKey:       "Symmetric Key",
	ObjectTypePublicKey:          "Public Key",
	ObjectTypePrivateKey:         "Private Key",
	ObjectTypeSplitKey:           "Split Key",
	ObjectTypeTemplate:           "Template",
	ObjectTypeSecretData:         "Secret Data",
	ObjectTypeOpaqueObject:       "Opaque Object",
	ObjectTypePGPKey:             "PGP Key",
	ObjectTypeCertificateRequest: "Certificate Request",
}

// String gives the specification's name.
func (e ObjectType) String() string { return enumName(namesObjectType, e) }

// State is where an object is in its life (KMIP 1.4, 3.22).
type State uint32

// The values of State.
const (
	StatePreActive            State = 1
	StateActive               State = 2
	StateDeactivated          State = 3
	StateCompromised          State = 4
	StateDestroyed            State = 5
	StateDestroyedCompromised State = 6
)

var namesState = map[State]string{
	StatePreActive:            "Pre-Active",
	StateActive:               "Active",
	StateDeactivated:          "Deactivated",
	StateCompromised:          "Compromised",
	StateDestroyed:            "Destroyed",
	StateDestroyedCompromised: "Destroyed Compromised",
}

// String gives the specification's name.
func (e State) String() string { return enumName(namesState, e) }

// ResultStatus says how an operation ended (KMIP 1.4, 9.1.3.2.28).
type ResultStatus uint32

// The values of ResultStatus.
const (
	StatusSuccess          ResultStatus = 0
	StatusOperationFailed  ResultStatus = 1
	StatusOperationPending ResultStatus = 2
	StatusOperationUndone  ResultStatus = 3
)

var namesResultStatus = map[ResultStatus]string{
	StatusSuccess:          "Success",
	StatusOperationFailed:  "Operation Failed",
	StatusOperationPending: "Operation Pending",
	StatusOperationUndone:  "Operation Undone",
}

// String gives the specification's name.
func (e ResultStatus) String() string { return enumName(namesResultStatus, e) }

// ResultReason says why an operation failed (KMIP 1.4, 9.1.3.2.29; KMIP 2.1, 11, from
// Invalid Ticket on).
type ResultReason uint32

// The values of ResultReason.
const (
	ReasonItemNotFound                        ResultReason = 1
	ReasonResponseTooLarge                    ResultReason = 2
	ReasonAuthenticationNotSuccessful         ResultReason = 3
	ReasonInvalidMessage                      ResultReason = 4
	ReasonOperationNotSupported               ResultReason = 5
	ReasonMissingData                         ResultReason = 6
	ReasonInvalidField                        ResultReason = 7
	ReasonFeatureNotSupported                 ResultReason = 8
	ReasonOperationCanceledByRequester        ResultReason = 9
	ReasonCryptographicFailure                ResultReason = 10
	ReasonIllegalOperation                    ResultReason = 11
	ReasonPermissionDenied                    ResultReason = 12
	ReasonObjectArchived                      ResultReason = 13
	ReasonIndexOutOfBounds                    ResultReason = 14
	ReasonApplicationNamespaceNotSupported    ResultReason = 15
	ReasonKeyFormatTypeNotSupported           ResultReason = 16
	ReasonKeyCompressionTypeNotSupported      ResultReason = 17
	ReasonEncodingOptionError                 ResultReason = 18
	ReasonKeyValueNotPresent                  ResultReason = 19
	ReasonAttestationRequired                 ResultReason = 20
	ReasonAttestationFailed                   ResultReason = 21
	ReasonSensitive                           ResultReason = 22
	ReasonNotExtractable                      ResultReason = 23
	ReasonObjectAlreadyExists                 ResultReason = 24
	ReasonInvalidTicket                       ResultReason = 0x19
	ReasonUsageLimitExceeded                  ResultReason = 0x1A
	ReasonNumericRange                        ResultReason = 0x1B
	ReasonInvalidDataType                     ResultReason = 0x1C
	ReasonReadOnlyAttribute                   ResultReason = 0x1D
	ReasonMultiValuedAttribute                ResultReason = 0x1E
	ReasonUnsupportedAttribute                ResultReason = 0x1F
	ReasonAttributeInstanceNotFound           ResultReason = 0x20
	ReasonAttributeNotFound                   ResultReason = 0x21
	ReasonAttributeReadOnly                   ResultReason = 0x22
	ReasonAttributeSingleValued               ResultReason = 0x23
	ReasonBadCryptographicParameters          ResultReason = 0x24
	ReasonBadPassword                         ResultReason = 0x25
	ReasonCodecError                          ResultReason = 0x26
	ReasonIllegalObjectType                   ResultReason = 0x28
	ReasonIncompatibleCryptographicUsageMask  ResultReason = 0x29
	ReasonInternalServerError                 ResultReason = 0x2A
	ReasonInvalidAsynchronousCorrelationValue ResultReason = 0x2B
	ReasonInvalidAttribute                    ResultReason = 0x2C
	ReasonInvalidAttributeValue               ResultReason = 0x2D
	ReasonInvalidCorrelationValue             ResultReason = 0x2E
	ReasonInvalidCSR                          ResultReason = 0x2F
	ReasonInvalidObjectType                   ResultReason = 0x30
	ReasonKeyWrapTypeNotSupported             ResultReason = 0x32
	ReasonMissingInitializationVector         ResultReason = 0x34
	ReasonNonUniqueNameAttribute              ResultReason = 0x35
	ReasonObjectDestroyed                     ResultReason = 0x36
	ReasonObjectNotFound                      ResultReason = 0x37
	ReasonNotAuthorised                       ResultReason = 0x39
	ReasonServerLimitExceeded                 ResultReason = 0x3A
	ReasonUnknownEnumeration                  ResultReason = 0x3B
	ReasonUnknownMessageExtension             ResultReason = 0x3C
	ReasonUnknownTag                          ResultReason = 0x3D
	ReasonUnsupportedCryptographicParameters  ResultReason = 0x3E
	ReasonUnsupportedProtocolVersion          ResultReason = 0x3F
	ReasonWrappingObjectArchived              ResultReason = 0x40
	ReasonWrappingObjectDestroyed             ResultReason = 0x41
	ReasonWrappingObjectNotFound              ResultReason = 0x42
	ReasonWrongKeyLifecycleState              ResultReason = 0x43
	ReasonProtectionStorageUnavailable        ResultReason = 0x44
	ReasonPKCS11CodecError                    ResultReason = 0x45
	ReasonPKCS11InvalidFunction               ResultReason = 0x46
	ReasonPKCS11InvalidInterface              ResultReason = 0x47
	ReasonPrivateProtectionStorageUnavailable ResultReason = 0x48
	ReasonPublicProtectionStorageUnavailable  ResultReason = 0x49
	ReasonUnknownObjectGroup                  ResultReason = 0x4A
	ReasonConstraintViolation                 ResultReason = 0x4B
	ReasonDuplicateProcessRequest             ResultReason = 0x4C
	ReasonGeneralFailure                      ResultReason = 0x100
)

var namesResultReason = map[ResultReason]string{
	ReasonItemNotFound:                        "Item Not Found",
	ReasonResponseTooLarge:                    "Response Too Large",
	ReasonAuthenticationNotSuccessful:         "Authentication Not Successful",
	ReasonInvalidMessage:                      "Invalid Message",
	ReasonOperationNotSupported:               "Operation Not Supported",
	ReasonMissingData:                         "Missing Data",
	ReasonInvalidField:                        "Invalid Field",
	ReasonFeatureNotSupported:                 "Feature Not Supported",
	ReasonOperationCanceledByRequester:        "Operation Canceled By Requester",
	ReasonCryptographicFailure:                "Cryptographic Failure",
	ReasonIllegalOperation:                    "Illegal Operation",
	ReasonPermissionDenied:                    "Permission Denied",
	ReasonObjectArchived:                      "Object Archived",
	ReasonIndexOutOfBounds:                    "Index Out of Bounds",
	ReasonApplicationNamespaceNotSupported:    "Application Namespace Not Supported",
	ReasonKeyFormatTypeNotSupported:           "Key Format Type Not Supported",
	ReasonKeyCompressionTypeNotSupported:      "Key Compression Type Not Supported",
	ReasonEncodingOptionError:                 "Encoding Option Error",
	ReasonKeyValueNotPresent:                  "Key Value Not Present",
	ReasonAttestationRequired:                 "Attestation Required",
	ReasonAttestationFailed:                   "Attestation Failed",
	ReasonSensitive:                           "Sensitive",
	ReasonNotExtractable:                      "Not Extractable",
	ReasonObjectAlreadyExists:                 "Object Already Exists",
	ReasonInvalidTicket:                       "Invalid Ticket",
	ReasonUsageLimitExceeded:                  "Usage Limit Exceeded",
	ReasonNumericRange:                        "Numeric Range",
	ReasonInvalidDataType:                     "Invalid Data Type",
	ReasonReadOnlyAttribute:                   "Read Only Attribute",
	ReasonMultiValuedAttribute:                "Multi Valued Attribute",
	ReasonUnsupportedAttribute:                "Unsupported Attribute",
	ReasonAttributeInstanceNotFound:           "Attribute Instance Not Found",
	ReasonAttributeNotFound:                   "Attribute Not Found",
	ReasonAttributeReadOnly:                   "Attribute Read Only",
	ReasonAttributeSingleValued:               "Attribute Single Valued",
	ReasonBadCryptographicParameters:          "Bad Cryptographic Parameters",
	ReasonBadPassword:                         "Bad Password",
	ReasonCodecError:                          "Codec Error",
	ReasonIllegalObjectType:                   "Illegal Object Type",
	ReasonIncompatibleCryptographicUsageMask:  "Incompatible Cryptographic Usage Mask",
	ReasonInternalServerError:                 "Internal Server Error",
	ReasonInvalidAsynchronousCorrelationValue: "Invalid Asynchronous Correlation Value",
	ReasonInvalidAttribute:                    "Invalid Attribute",
	ReasonInvalidAttributeValue:               "Invalid Attribute Value",
	ReasonInvalidCorrelationValue:             "Invalid Correlation Value",
	ReasonInvalidCSR:                          "Invalid CSR",
	ReasonInvalidObjectType:                   "Invalid Object Type",
	ReasonKeyWrapTypeNotSupported:             "Key Wrap Type Not Supported",
	ReasonMissingInitializationVector:         "Missing Initialization Vector",
	ReasonNonUniqueNameAttribute:              "Non Unique Name Attribute",
	ReasonObjectDestroyed:                     "Object Destroyed",
	ReasonObjectNotFound:                      "Object Not Found",
	ReasonNotAuthorised:                       "Not Authorised",
	ReasonServerLimitExceeded:                 "Server Limit Exceeded",
	ReasonUnknownEnumeration:                  "Unknown Enumeration",
	ReasonUnknownMessageExtension:             "Unknown Message Extension",
	ReasonUnknownTag:                          "Unknown Tag",
	ReasonUnsupportedCryptographicParameters:  "Unsupported Cryptographic Parameters",
	ReasonUnsupportedProtocolVersion:          "Unsupported Protocol Version",
	ReasonWrappingObjectArchived:              "Wrapping Object Archived",
	ReasonWrappingObjectDestroyed:             "Wrapping Object Destroyed",
	ReasonWrappingObjectNotFound:              "Wrapping Object Not Found",
	ReasonWrongKeyLifecycleState:              "Wrong Key Lifecycle State",
	ReasonProtectionStorageUnavailable:        "Protection Storage Unavailable",
	ReasonPKCS11CodecError:                    "PKCS#11 Codec Error",
	ReasonPKCS11InvalidFunction:               "PKCS#11 Invalid Function",
	ReasonPKCS11InvalidInterface:              "PKCS#11 Invalid Interface",
	ReasonPrivateProtectionStorageUnavailable: "Private Protection Storage Unavailable",
	ReasonPublicProtectionStorageUnavailable:  "Public Protection Storage Unavailable",
	ReasonUnknownObjectGroup:                  "Unknown Object Group",
	ReasonConstraintViolation:                 "Constraint Violation",
	ReasonDuplicateProcessRequest:             "Duplicate Process Request",
	ReasonGeneralFailure:                      "General Failure",
}

// String gives the specification's name.
func (e ResultReason) String() string { return enumName(namesResultReason, e) }

// RevocationReasonCode says why an object is revoked (KMIP 1.4, 9.1.3.2.19). Key Compromise and CA
// Compromise make it Compromised, all others Deactivated.
type RevocationReasonCode uint32

// The values of RevocationReasonCode.
const (
	RevocationUnspecified          RevocationReasonCode = 1
	RevocationKeyCompromise        RevocationReasonCode = 2
	RevocationCACompromise         RevocationReasonCode = 3
	RevocationAffiliationChanged   RevocationReasonCode = 4
	RevocationSuperseded           RevocationReasonCode = 5
	RevocationCessationOfOperation RevocationReasonCode = 6
	RevocationPrivilegeWithdrawn   RevocationReasonCode = 7
)

var namesRevocationReasonCode = map[RevocationReasonCode]string{
	RevocationUnspecified:          "Unspecified",
	RevocationKeyCompromise:        "Key Compromise",
	RevocationCACompromise:         "CA Compromise",
	RevocationAffiliationChanged:   "Affiliation Changed",
	RevocationSuperseded:           "Superseded",
	RevocationCessationOfOperation: "Cessation of Operation",
	RevocationPrivilegeWithdrawn:   "Privilege Withdrawn",
}

// String gives the specification's name.
func (e RevocationReasonCode) String() string { return enumName(namesRevocationReasonCode, e) }

// NameType is the kind of a Name (KMIP 1.4, 9.1.3.2.11).
type NameType uint32

// The values of NameType.
const (
	NameUninterpretedTextString NameType = 1
	NameURI                     NameType = 2
)

var namesNameType = map[NameType]string{
	NameUninterpretedTextString: "Uninterpreted Text String",
	NameURI:                     "URI",
}

// String gives the specification's name.
func (e NameType) String() string { return enumName(namesNameType, e) }

// CryptographicAlgorithm names an algorithm (KMIP 1.4, 9.1.3.2.13).
type CryptographicAlgorithm uint32

// The values of CryptographicAlgorithm.
const (
	AlgorithmDES              CryptographicAlgorithm = 1
	AlgorithmTripleDES        CryptographicAlgorithm = 2
	AlgorithmAES              CryptographicAlgorithm = 3
	AlgorithmRSA              CryptographicAlgorithm = 4
	AlgorithmDSA              CryptographicAlgorithm = 5
	AlgorithmECDSA            CryptographicAlgorithm = 6
	AlgorithmHMACSHA1         CryptographicAlgorithm = 7
	AlgorithmHMACSHA224       CryptographicAlgorithm = 8
	AlgorithmHMACSHA256       CryptographicAlgorithm = 9
	AlgorithmHMACSHA384       CryptographicAlgorithm = 10
	AlgorithmHMACSHA512       CryptographicAlgorithm = 11
	AlgorithmHMACMD5          CryptographicAlgorithm = 12
	AlgorithmDH               CryptographicAlgorithm = 13
	AlgorithmECDH             CryptographicAlgorithm = 14
	AlgorithmECMQV            CryptographicAlgorithm = 15
	AlgorithmBlowfish         CryptographicAlgorithm = 16
	AlgorithmCamellia         CryptographicAlgorithm = 17
	AlgorithmCAST5            CryptographicAlgorithm = 18
	AlgorithmIDEA             CryptographicAlgorithm = 19
	AlgorithmMARS             CryptographicAlgorithm = 20
	AlgorithmRC2              CryptographicAlgorithm = 21
	AlgorithmRC4              CryptographicAlgorithm = 22
	AlgorithmRC5              CryptographicAlgorithm = 23
	AlgorithmSKIPJACK         CryptographicAlgorithm = 24
	AlgorithmTwofish          CryptographicAlgorithm = 25
	AlgorithmEC               CryptographicAlgorithm = 26
	AlgorithmOneTimePad       CryptographicAlgorithm = 27
	AlgorithmChaCha20         CryptographicAlgorithm = 28
	AlgorithmPoly1305         CryptographicAlgorithm = 29
	AlgorithmChaCha20Poly1305 CryptographicAlgorithm = 30
	AlgorithmHMACSHA3224      CryptographicAlgorithm = 35
	AlgorithmHMACSHA3256      CryptographicAlgorithm = 36
	AlgorithmHMACSHA3384      CryptographicAlgorithm = 37
	AlgorithmHMACSHA3512      CryptographicAlgorithm = 38
	AlgorithmEd25519          CryptographicAlgorithm = 55 // KMIP 2.0
)

var namesCryptographicAlgorithm = map[CryptographicAlgorithm]string{
	AlgorithmDES:              "DES",
	AlgorithmTripleDES:        "3DES",
	AlgorithmAES:              "AES",
	AlgorithmRSA:              "RSA",
	AlgorithmDSA:              "DSA",
	AlgorithmECDSA:            "ECDSA",
	AlgorithmHMACSHA1:         "HMAC-SHA1",
	AlgorithmHMACSHA224:       "HMAC-SHA224",
	AlgorithmHMACSHA256:       "HMAC-SHA256",
	AlgorithmHMACSHA384:       "HMAC-SHA384",
	AlgorithmHMACSHA512:       "HMAC-SHA512",
	AlgorithmHMACMD5:          "HMAC-MD5",
	AlgorithmDH:               "DH",
	AlgorithmECDH:             "ECDH",
	AlgorithmECMQV:            "ECMQV",
	AlgorithmBlowfish:         "Blowfish",
	AlgorithmCamellia:         "Camellia",
	AlgorithmCAST5:            "CAST5",
	AlgorithmIDEA:             "IDEA",
	AlgorithmMARS:             "MARS",
	AlgorithmRC2:              "RC2",
	AlgorithmRC4:              "RC4",
	AlgorithmRC5:              "RC5",
	AlgorithmSKIPJACK:         "SKIPJACK",
	AlgorithmTwofish:          "Twofish",
	AlgorithmEC:               "EC",
	AlgorithmOneTimePad:       "One Time Pad",
	AlgorithmChaCha20:         "ChaCha20",
	AlgorithmPoly1305:         "Poly1305",
	AlgorithmChaCha20Poly1305: "ChaCha20Poly1305",
	AlgorithmHMACSHA3224:      "HMAC-SHA3-224",
	AlgorithmHMACSHA3256:      "HMAC-SHA3-256",
	AlgorithmHMACSHA3384:      "HMAC-SHA3-384",
	AlgorithmHMACSHA3512:      "HMAC-SHA3-512",
	AlgorithmEd25519:          "Ed25519",
}

// String gives the specification's name.
func (e CryptographicAlgorithm) String() string { return enumName(namesCryptographicAlgorithm, e) }

// HashingAlgorithm names a hash (KMIP 1.4, 9.1.3.2.16).
type HashingAlgorithm uint32

// The values of HashingAlgorithm.
const (
	HashMD2    HashingAlgorithm = 1
	HashMD4    HashingAlgorithm = 2
	HashMD5    HashingAlgorithm = 3
	HashSHA1   HashingAlgorithm = 4
	HashSHA224 HashingAlgorithm = 5
	HashSHA256 HashingAlgorithm = 6
	HashSHA384 HashingAlgorithm = 7
	HashSHA512 HashingAlgorithm = 8

	HashSHA512_224 HashingAlgorithm = 12
	HashSHA512_256 HashingAlgorithm = 13
	HashSHA3_224   HashingAlgorithm = 14
	HashSHA3_256   HashingAlgorithm = 15
	HashSHA3_384   HashingAlgorithm = 16
	HashSHA3_512   HashingAlgorithm = 17
)

var namesHashingAlgorithm = map[HashingAlgorithm]string{
	HashMD2:    "MD2",
	HashMD4:    "MD4",
	HashMD5:    "MD5",
	HashSHA1:   "SHA-1",
	HashSHA224: "SHA-224",
	HashSHA256: "SHA-256",
	HashSHA384: "SHA-384",
	HashSHA512: "SHA-512",

	HashSHA512_224: "SHA-512/224",
	HashSHA512_256: "SHA-512/256",
	HashSHA3_224:   "SHA3-224",
	HashSHA3_256:   "SHA3-256",
	HashSHA3_384:   "SHA3-384",
	HashSHA3_512:   "SHA3-512",
}

// String gives the specification's name.
func (e HashingAlgorithm) String() string { return enumName(namesHashingAlgorithm, e) }

// BlockCipherMode is how a block cipher is used (KMIP 1.4, 9.1.3.2.14).
type BlockCipherMode uint32

// The values of BlockCipherMode.
const (
	ModeCBC               BlockCipherMode = 1
	ModeECB               BlockCipherMode = 2
	ModePCBC              BlockCipherMode = 3
	ModeCFB               BlockCipherMode = 4
	ModeOFB               BlockCipherMode = 5
	ModeCTR               BlockCipherMode = 6
	ModeCMAC              BlockCipherMode = 7
	ModeCCM               BlockCipherMode = 8
	ModeGCM               BlockCipherMode = 9
	ModeCBCMAC            BlockCipherMode = 10
	ModeXTS               BlockCipherMode = 11
	ModeAESKeyWrapPadding BlockCipherMode = 12
	ModeNISTKeyWrap       BlockCipherMode = 13
	ModeX9102AESKW        BlockCipherMode = 14
	ModeX9102TDKW         BlockCipherMode = 15
	ModeX9102AKW1         BlockCipherMode = 16
	ModeX9102AKW2         BlockCipherMode = 17
	ModeAEAD              BlockCipherMode = 18
)

var namesBlockCipherMode = map[BlockCipherMode]string{
	ModeCBC:               "CBC",
	ModeECB:               "ECB",
	ModePCBC:              "PCBC",
	ModeCFB:               "CFB",
	ModeOFB:               "OFB",
	ModeCTR:               "CTR",
	ModeCMAC:              "CMAC",
	ModeCCM:               "CCM",
	ModeGCM:               "GCM",
	ModeCBCMAC:            "CBC-MAC",
	ModeXTS:               "XTS",
	ModeAESKeyWrapPadding: "AESKeyWrapPadding",
	ModeNISTKeyWrap:       "NISTKeyWrap",
	ModeX9102AESKW:        "X9.102 AESKW",
	ModeX9102TDKW:         "X9.102 TDKW",
	ModeX9102AKW1:         "X9.102 AKW1",
	ModeX9102AKW2:         "X9.102 AKW2",
	ModeAEAD:              "AEAD",
}

// String gives the specification's name.
func (e BlockCipherMode) String() string { return enumName(namesBlockCipherMode, e) }

// PaddingMethod fills a text up to whole blocks (KMIP 1.4, 9.1.3.2.15).
type PaddingMethod uint32

// The values of PaddingMethod.
const (
	PaddingNone      PaddingMethod = 1
	PaddingOAEP      PaddingMethod = 2
	PaddingPKCS5     PaddingMethod = 3
	PaddingSSL3      PaddingMethod = 4
	PaddingZeros     PaddingMethod = 5
	PaddingANSIX923  PaddingMethod = 6
	PaddingISO10126  PaddingMethod = 7
	PaddingPKCS1v1_5 PaddingMethod = 8
	PaddingX931      PaddingMethod = 9
	PaddingPSS       PaddingMethod = 10
)

var namesPaddingMethod = map[PaddingMethod]string{
	PaddingNone:      "None",
	PaddingOAEP:      "OAEP",
	PaddingPKCS5:     "PKCS5",
	PaddingSSL3:      "SSL3",
	PaddingZeros:     "Zeros",
	PaddingANSIX923:  "ANSI X9.23",
	PaddingISO10126:  "ISO 10126",
	PaddingPKCS1v1_5: "PKCS1 v1.5",
	PaddingX931:      "X9.31",
	PaddingPSS:       "PSS",
}

// String gives the specification's name.
func (e PaddingMethod) String() string { return enumName(namesPaddingMethod, e) }

// KeyFormatType says how key material is laid out (KMIP 1.4, 9.1.3.2.3).
type KeyFormatType uint32

// The values of KeyFormatType.
const (
	KeyFormatRaw                     KeyFormatType = 1
	KeyFormatOpaque                  KeyFormatType = 2
	KeyFormatPKCS1                   KeyFormatType = 3
	KeyFormatPKCS8                   KeyFormatType = 4
	KeyFormatX509                    KeyFormatType = 5
	KeyFormatECPrivateKey            KeyFormatType = 6
	KeyFormatTransparentSymmetricKey KeyFormatType = 7

	KeyFormatTransparentDSAPrivateKey   KeyFormatType = 8
	KeyFormatTransparentDSAPublicKey    KeyFormatType = 9
	KeyFormatTransparentRSAPrivateKey   KeyFormatType = 10
	KeyFormatTransparentRSAPublicKey    KeyFormatType = 11
	KeyFormatTransparentDHPrivateKey    KeyFormatType = 12
	KeyFormatTransparentDHPublicKey     KeyFormatType = 13
	KeyFormatTransparentECDSAPrivateKey KeyFormatType = 14
	KeyFormatTransparentECDSAPublicKey  KeyFormatType = 15
	KeyFormatTransparentECDHPrivateKey  KeyFormatType = 16
	KeyFormatTransparentECDHPublicKey   KeyFormatType = 17
	KeyFormatTransparentECMQVPrivateKey KeyFormatType = 18
	KeyFormatTransparentECMQVPublicKey  KeyFormatType = 19
	KeyFormatTransparentECPrivateKey    KeyFormatType = 20 // since 1.3, in place of the six before
	KeyFormatTransparentECPublicKey     KeyFormatType = 21
	KeyFormatPKCS12                     KeyFormatType = 22
)

var namesKeyFormatType = map[KeyFormatType]string{
	KeyFormatRaw:                     "Raw",
	KeyFormatOpaque:                  "Opaque",
	KeyFormatPKCS1:                   "PKCS#1",
	KeyFormatPKCS8:                   "PKCS#8",
	KeyFormatX509:                    "X.509",
	KeyFormatECPrivateKey:            "EC Private Key",
	KeyFormatTransparentSymmetricKey: "Transparent Symmetric Key",

	KeyFormatTransparentDSAPrivateKey:   "Transparent DSA Private Key",
	KeyFormatTransparentDSAPublicKey:    "Transparent DSA Public Key",
	KeyFormatTransparentRSAPrivateKey:   "Transparent RSA Private Key",
	KeyFormatTransparentRSAPublicKey:    "Transparent RSA Public Key",
	KeyFormatTransparentDHPrivateKey:    "Transparent DH Private Key",
	KeyFormatTransparentDHPublicKey:     "Transparent DH Public Key",
	KeyFormatTransparentECDSAPrivateKey: "Transparent ECDSA Private Key",
	KeyFormatTransparentECDSAPublicKey:  "Transparent ECDSA Public Key",
	KeyFormatTransparentECDHPrivateKey:  "Transparent ECDH Private Key",
	KeyFormatTransparentECDHPublicKey:   "Transparent ECDH Public Key",
	KeyFormatTransparentECMQVPrivateKey: "Transparent ECMQV Private Key",
	KeyFormatTransparentECMQVPublicKey:  "Transparent ECMQV Public Key",
	KeyFormatTransparentECPrivateKey:    "Transparent EC Private Key",
	KeyFormatTransparentECPublicKey:     "Transparent EC Public Key",
	KeyFormatPKCS12:                     "PKCS#12",
}

// String gives the specification's name.
func (e KeyFormatType) String() string { return enumName(namesKeyFormatType, e) }

// SecretDataType is the kind of a Secret Data (KMIP 1.4, 9.1.3.2.9).
type SecretDataType uint32

// The values of SecretDataType.
const (
	SecretDataPassword SecretDataType = 1
	SecretDataSeed     SecretDataType = 2
)

var namesSecretDataType = map[SecretDataType]string{
	SecretDataPassword: "Password",
	SecretDataSeed:     "Seed",
}

// String gives the specification's name.
func (e SecretDataType) String() string { return enumName(namesSecretDataType, e) }

// QueryFunction asks one thing of a server (KMIP 1.4, 9.1.3.2.24).
type QueryFunction uint32

// The values of QueryFunction.
const (
	QueryOperations                QueryFunction = 1
	QueryObjects                   QueryFunction = 2
	QueryServerInformation         QueryFunction = 3
	QueryApplicationNamespaces     QueryFunction = 4
	QueryExtensionList             QueryFunction = 5
	QueryExtensionMap              QueryFunction = 6
	QueryAttestationTypes          QueryFunction = 7
	QueryRNGs                      QueryFunction = 8
	QueryValidations               QueryFunction = 9
	QueryProfiles                  QueryFunction = 10
	QueryCapabilities              QueryFunction = 11
	QueryClientRegistrationMethods QueryFunction = 12
	QueryDefaultsInformation       QueryFunction = 13 // since 2.0
	QueryStorageProtectionMasks    QueryFunction = 14 // since 2.0
)

var namesQueryFunction = map[QueryFunction]string{
	QueryOperations:                "Query Operations",
	QueryObjects:                   "Query Objects",
	QueryServerInformation:         "Query Server Information",
	QueryApplicationNamespaces:     "Query Application Namespaces",
	QueryExtensionList:             "Query Extension List",
	QueryExtensionMap:              "Query Extension Map",
	QueryAttestationTypes:          "Query Attestation Types",
	QueryRNGs:                      "Query RNGs",
	QueryValidations:               "Query Validations",
	QueryProfiles:                  "Query Profiles",
	QueryCapabilities:              "Query Capabilities",
	QueryClientRegistrationMethods: "Query Client Registration Methods",
	QueryDefaultsInformation:       "Query Defaults Information",
	QueryStorageProtectionMasks:    "Query Storage Protection Masks",
}

// String gives the specification's name.
func (e QueryFunction) String() string { return enumName(namesQueryFunction, e) }

// BatchErrorContinuation says what happens to the rest of a batch after a failure (KMIP 1.4, 6.13).
// Zero stands for Stop.
type BatchErrorContinuation uint32

// The values of BatchErrorContinuation.
const (
	BatchContinue BatchErrorContinuation = 1
	BatchStop     BatchErrorContinuation = 2
	BatchUndo     BatchErrorContinuation = 3
)

var namesBatchErrorContinuation = map[BatchErrorContinuation]string{
	BatchContinue: "Continue",
	BatchStop:     "Stop",
	BatchUndo:     "Undo",
}

// String gives the specification's name.
func (e BatchErrorContinuation) String() string { return enumName(namesBatchErrorContinuation, e) }

// LinkType says how two objects belong together (KMIP 1.4, 9.1.3.2.20).
type LinkType uint32

// The values of LinkType.
const (
	LinkCertificate          LinkType = 0x101
	LinkPublicKey            LinkType = 0x102
	LinkPrivateKey           LinkType = 0x103
	LinkDerivationBaseObject LinkType = 0x104
	LinkDerivedKey           LinkType = 0x105
	LinkReplacementObject    LinkType = 0x106
	LinkReplacedObject       LinkType = 0x107
	LinkParent               LinkType = 0x108
	LinkChild                LinkType = 0x109
	LinkPrevious             LinkType = 0x10a
	LinkNext                 LinkType = 0x10b
)

var namesLinkType = map[LinkType]string{
	LinkCertificate:          "Certificate Link",
	LinkPublicKey:            "Public Key Link",
	LinkPrivateKey:           "Private Key Link",
	LinkDerivationBaseObject: "Derivation Base Object Link",
	LinkDerivedKey:           "Derived Key Link",
	LinkReplacementObject:    "Replacement Object Link",
	LinkReplacedObject:       "Replaced Object Link",
	LinkParent:               "Parent Link",
	LinkChild:                "Child Link",
	LinkPrevious:             "Previous Link",
	LinkNext:                 "Next Link",
}

// String gives the specification's name.
func (e LinkType) String() string { return enumName(namesLinkType, e) }

func enumName[E ~uint32](names map[E]string, e E) string {
	if s, ok := names[e]; ok {
		return s
	}
	return fmt.Sprintf("0x%08X", uint32(e))
}

// GroupMember says which members of an Object Group Locate looks for (KMIP 1.4, 9.1.3.2.34).
type GroupMember uint32

// The values of GroupMember.
const (
	GroupMemberFresh   GroupMember = 1
	GroupMemberDefault GroupMember = 2
)

var namesGroupMember = map[GroupMember]string{
	GroupMemberFresh:   "Group Member Fresh",
	GroupMemberDefault: "Group Member Default",
}

// String gives the specification's name.
func (e GroupMember) String() string { return enumName(namesGroupMember, e) }

// WrappingMethod is how a key is wrapped (KMIP 1.4, 9.1.3.2.5).
type WrappingMethod uint32

// The values of WrappingMethod.
const (
	WrapEncrypt        WrappingMethod = 1
	WrapMACSign        WrappingMethod = 2
	WrapEncryptThenMAC WrappingMethod = 3
	WrapMACThenEncrypt WrappingMethod = 4
	WrapTR31           WrappingMethod = 5
)

var namesWrappingMethod = map[WrappingMethod]string{
	WrapEncrypt:        "Encrypt",
	WrapMACSign:        "MAC/sign",
	WrapEncryptThenMAC: "Encrypt then MAC/sign",
	WrapMACThenEncrypt: "MAC/sign then encrypt",
	WrapTR31:           "TR-31",
}

// String gives the specification's name.
func (e WrappingMethod) String() string { return enumName(namesWrappingMethod, e) }

// EncodingOption is what of a Key Value is wrapped (KMIP 1.4, 9.1.3.2.32).
type EncodingOption uint32

// The values of EncodingOption.
const (
	EncodingNone EncodingOption = 1 // the key's bytes alone
	EncodingTTLV EncodingOption = 2 // the whole structure
)

var namesEncodingOption = map[EncodingOption]string{
	EncodingNone: "No Encoding",
	EncodingTTLV: "TTLV Encoding",
}

// String gives the specification's name.
func (e EncodingOption) String() string { return enumName(namesEncodingOption, e) }

// KeyWrapType is the form in which a key that was registered wrapped is wanted (KMIP
// 1.4, 9.1.3.2.57).
type KeyWrapType uint32

// The values of KeyWrapType.
const (
	KeyNotWrapped   KeyWrapType = 1
	KeyAsRegistered KeyWrapType = 2
)

var namesKeyWrapType = map[KeyWrapType]string{
	KeyNotWrapped:   "Not Wrapped",
	KeyAsRegistered: "As Registered",
}

// String gives the specification's name.
func (e KeyWrapType) String() string { return enumName(namesKeyWrapType, e) }

// RNGAlgorithm is a kind of random number generator (KMIP 1.4, 9.1.3.2.50).
type RNGAlgorithm uint32

// The values of RNGAlgorithm.
const (
	RNGUnspecified RNGAlgorithm = 1
	RNGFIPS1862    RNGAlgorithm = 2
	RNGDRBG        RNGAlgorithm = 3
	RNGNRBG        RNGAlgorithm = 4
	RNGANSIX931    RNGAlgorithm = 5
	RNGANSIX962    RNGAlgorithm = 6
)

var namesRNGAlgorithm = map[RNGAlgorithm]string{
	RNGUnspecified: "Unspecified",
	RNGFIPS1862:    "FIPS 186-2",
	RNGDRBG:        "DRBG",
	RNGNRBG:        "NRBG",
	RNGANSIX931:    "ANSI X9.31",
	RNGANSIX962:    "ANSI X9.62",
}

// String gives the specification's name.
func (e RNGAlgorithm) String() string { return enumName(namesRNGAlgorithm, e) }

// UsageMask is the set of what a key may be used for (KMIP 1.4, 9.1.3.3.1).
type UsageMask int32

// The bits of a UsageMask.
const (
	UsageSign UsageMask = 1 << iota
	UsageVerify
	UsageEncrypt
	UsageDecrypt
	UsageWrapKey
	UsageUnwrapKey
	UsageExport
	UsageMACGenerate
	UsageMACVerify
	UsageDeriveKey
)

// StorageMask selects where Locate looks (KMIP 1.4, 9.1.3.3.2).
type StorageMask int32

// The bits of a StorageMask.
const (
	StorageOnline StorageMask = 1 << iota
	StorageArchival
)
