package kmip

// RecommendedCurve names an elliptic curve (KMIP 1.4, 9.1.3.2.5): those that this package has keys for.
type RecommendedCurve uint32

// The values of RecommendedCurve.
const (
	CurveP224  RecommendedCurve = 4
	CurveP256  RecommendedCurve = 7
	CurveP384  RecommendedCurve = 10
	CurveP521  RecommendedCurve = 13
	Curve25519 RecommendedCurve = 0x45 // KMIP 2.0
)

var namesRecommendedCurve = map[RecommendedCurve]string{
	CurveP224:  "P-224",
	CurveP256:  "P-256",
	CurveP384:  "P-384",
	CurveP521:  "P-521",
	Curve25519: "CURVE25519",
}

// String gives the specification's name.
func (e RecommendedCurve) String() string { return enumName(namesRecommendedCurve, e) }

// DigitalSignatureAlgorithm is a signature scheme with its hash (KMIP 1.4, 9.1.3.2.7).
type DigitalSignatureAlgorithm uint32

// The values of DigitalSignatureAlgorithm.
const (
	SignatureMD2WithRSA      DigitalSignatureAlgorithm = 1
	SignatureMD5WithRSA      DigitalSignatureAlgorithm = 2
	SignatureSHA1WithRSA     DigitalSignatureAlgorithm = 3
	SignatureSHA224WithRSA   DigitalSignatureAlgorithm = 4
	SignatureSHA256WithRSA   DigitalSignatureAlgorithm = 5
	SignatureSHA384WithRSA   DigitalSignatureAlgorithm = 6
	SignatureSHA512WithRSA   DigitalSignatureAlgorithm = 7
	SignatureRSASSAPSS       DigitalSignatureAlgorithm = 8
	SignatureDSAWithSHA1     DigitalSignatureAlgorithm = 9
	SignatureDSAWithSHA224   DigitalSignatureAlgorithm = 10
	SignatureDSAWithSHA256   DigitalSignatureAlgorithm = 11
	SignatureECDSAWithSHA1   DigitalSignatureAlgorithm = 12
	SignatureECDSAWithSHA224 DigitalSignatureAlgorithm = 13
	SignatureECDSAWithSHA256 DigitalSignatureAlgorithm = 14
	SignatureECDSAWithSHA384 DigitalSignatureAlgorithm = 15
	SignatureECDSAWithSHA512 DigitalSignatureAlgorithm = 16
	SignatureSHA3256WithRSA  DigitalSignatureAlgorithm = 17
	SignatureSHA3384WithRSA  DigitalSignatureAlgorithm = 18
	SignatureSHA3512WithRSA  DigitalSignatureAlgorithm = 19
)

var namesDigitalSignatureAlgorithm = map[DigitalSignatureAlgorithm]string{
	SignatureMD2WithRSA:      "MD2 with RSA Encryption",
	SignatureMD5WithRSA:      "MD5 with RSA Encryption",
	SignatureSHA1WithRSA:     "SHA-1 with RSA Encryption",
	SignatureSHA224WithRSA:   "SHA-224 with RSA Encryption",
	SignatureSHA256WithRSA:   "SHA-256 with RSA Encryption",
	SignatureSHA384WithRSA:   "SHA-384 with RSA Encryption",
	SignatureSHA512WithRSA:   "SHA-512 with RSA Encryption",
	SignatureRSASSAPSS:       "RSASSA-PSS",
	SignatureDSAWithSHA1:     "DSA with SHA-1",
	SignatureDSAWithSHA224:   "DSA with SHA224",
	SignatureDSAWithSHA256:   "DSA with SHA256",
	SignatureECDSAWithSHA1:   "ECDSA with SHA-1",
	SignatureECDSAWithSHA224: "ECDSA with SHA224",
	SignatureECDSAWithSHA256: "ECDSA with SHA256",
	SignatureECDSAWithSHA384: "ECDSA with SHA384",
	SignatureECDSAWithSHA512: "ECDSA with SHA512",
	SignatureSHA3256WithRSA:  "SHA3-256 with RSA Encryption",
	SignatureSHA3384WithRSA:  "SHA3-384 with RSA Encryption",
	SignatureSHA3512WithRSA:  "SHA3-512 with RSA Encryption",
}

// String gives the specification's name.
func (e DigitalSignatureAlgorithm) String() string {
	return enumName(namesDigitalSignatureAlgorithm, e)
}

// MaskGenerator is the mask generation function of OAEP and PSS (KMIP 1.4, 9.1.3.2.49).
type MaskGenerator uint32

// The values of MaskGenerator.
const (
	MaskMGF1 MaskGenerator = 1
)

var namesMaskGenerator = map[MaskGenerator]string{
	MaskMGF1: "MGF1",
}

// String gives the specification's name.
func (e MaskGenerator) String() string { return enumName(namesMaskGenerator, e) }

// ValidityIndicator says whether a signature or a MAC is right (KMIP 1.4, 9.1.3.2.23).
type ValidityIndicator uint32

// The values of ValidityIndicator.
const (
	ValidityValid   ValidityIndicator = 1
	ValidityInvalid ValidityIndicator = 2
	ValidityUnknown ValidityIndicator = 3
)

var namesValidityIndicator = map[ValidityIndicator]string{
	ValidityValid:   "Valid",
	ValidityInvalid: "Invalid",
	ValidityUnknown: "Unknown",
}

// String gives the specification's name.
func (e ValidityIndicator) String() string { return enumName(namesValidityIndicator, e) }

// CertificateType is the kind of a Certificate (KMIP 1.4, 9.1.3.2.6).
type CertificateType uint32

// The values of CertificateType.
const (
	CertificateX509 CertificateType = 1
	CertificatePGP  CertificateType = 2
)

var namesCertificateType = map[CertificateType]string{
	CertificateX509: "X.509",
	CertificatePGP:  "PGP",
}

// String gives the specification's name.
func (e CertificateType) String() string { return enumName(namesCertificateType, e) }

// SplitKeyMethod says how a key was split (KMIP 1.4, 9.1.3.2.8).
type SplitKeyMethod uint32

// The values of SplitKeyMethod.
const (
	SplitXOR                  SplitKeyMethod = 1
	SplitPolynomialGF216      SplitKeyMethod = 2
	SplitPolynomialPrimeField SplitKeyMethod = 3
	SplitPolynomialGF28       SplitKeyMethod = 4
)

var namesSplitKeyMethod = map[SplitKeyMethod]string{
	SplitXOR:                  "XOR",
	SplitPolynomialGF216:      "Polynomial Sharing GF (2^16)",
	SplitPolynomialPrimeField: "Polynomial Sharing Prime Field",
	SplitPolynomialGF28:       "Polynomial Sharing GF (2^8)",
}

// String gives the specification's name.
func (e SplitKeyMethod) String() string { return enumName(namesSplitKeyMethod, e) }

// UsageLimitsUnit is what Usage Limits count (KMIP 1.4, 9.1.3.2.30).
type UsageLimitsUnit uint32

// The values of UsageLimitsUnit.
const (
	UsageLimitsByte   UsageLimitsUnit = 1
	UsageLimitsObject UsageLimitsUnit = 2
)

var namesUsageLimitsUnit = map[UsageLimitsUnit]string{
	UsageLimitsByte:   "Byte",
	UsageLimitsObject: "Object",
}

// String gives the specification's name.
func (e UsageLimitsUnit) String() string { return enumName(namesUsageLimitsUnit, e) }

// DerivationMethod says how a key is made out of another one (KMIP 1.4, 9.1.3.2.21).
type DerivationMethod uint32

// The values of DerivationMethod.
const (
	DerivePBKDF2         DerivationMethod = 1
	DeriveHASH           DerivationMethod = 2
	DeriveHMAC           DerivationMethod = 3
	DeriveENCRYPT        DerivationMethod = 4
	DeriveNIST800108C    DerivationMethod = 5
	DeriveNIST800108F    DerivationMethod = 6
	DeriveNIST800108DPI  DerivationMethod = 7
	DeriveAsymmetricKey  DerivationMethod = 8
	DeriveAWSSignatureV4 DerivationMethod = 9  // since 2.0
	DeriveHKDF           DerivationMethod = 10 // since 2.1
)

var namesDerivationMethod = map[DerivationMethod]string{
	DerivePBKDF2:         "PBKDF2",
	DeriveHASH:           "HASH",
	DeriveHMAC:           "HMAC",
	DeriveENCRYPT:        "ENCRYPT",
	DeriveNIST800108C:    "NIST800-108-C",
	DeriveNIST800108F:    "NIST800-108-F",
	DeriveNIST800108DPI:  "NIST800-108-DPI",
	DeriveAsymmetricKey:  "Asymmetric Key",
	DeriveAWSSignatureV4: "AWS Signature Version 4",
	DeriveHKDF:           "HKDF",
}

// String gives the specification's name.
func (e DerivationMethod) String() string { return enumName(namesDerivationMethod, e) }
