package kmip

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// The names that stand for tags and values in the XML and JSON encodings (KMIP
// Profiles 1.4, 4.1.1 "Normalizing Names"): those of the specification in one word.

// CamelCase makes the one word of a specification's name: "Re-key" is ReKey,
// "SHA-256" is SHA_256, "3DES" is DES3.
func CamelCase(name string) string {
	r := []rune(strings.NewReplacer("(", " ", ")", " ").Replace(name))
	at := func(i int) rune {
		if i < len(r) {
			return r[i]
		}
		return 0
	}
	for i, c := range r {
		switch {
		case c == ' ' || c == '_' || isLetter(c) || isDigit(c):
		case isLetter(at(i+1)) && unicode.IsLower(at(i+2)):
			r[i] = ' '
		default:
			r[i] = '_'
		}
	}
	words := strings.Fields(string(r))
	if len(words) > 0 { // a word of a programming language begins with no digit
		rest := strings.TrimLeftFunc(words[0], isDigit)
		words[0] = rest + words[0][:len(words[0])-len(rest)]
	}
	var b strings.Builder
	for _, w := range words {
		b.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return b.String()
}

func isLetter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c rune) bool  { return c >= '0' && c <= '9' }

// fold is what names are compared by: peers differ in the case of letters and in
// what stands for a dash.
func fold(name string) string {
	return strings.Map(func(c rune) rune {
		if isLetter(c) || isDigit(c) {
			return unicode.ToLower(c)
		}
		return -1
	}, name)
}

// nameTable is the names of numbers, both ways.
type nameTable struct {
	names   map[uint32]string // in CamelCase
	numbers map[string]uint32 // by fold
}

func newNameTable() *nameTable {
	return &nameTable{names: make(map[uint32]string), numbers: make(map[string]uint32)}
}

func (t *nameTable) add(number uint32, name string) {
	camel := CamelCase(name)
	t.names[number] = camel
	if _, taken := t.numbers[fold(camel)]; !taken {
		t.numbers[fold(camel)] = number
	}
}

func tableOf[E ~uint32](names map[E]string) *nameTable {
	t := newNameTable()
	for e, name := range names {
		t.add(uint32(e), name)
	}
	return t
}

// maskTable is a table of bits.
func maskTable(names ...string) *nameTable {
	t := newNameTable()
	for i, name := range names {
		t.add(1<<i, name)
	}
	return t
}

var allTags = sync.OnceValue(func() *nameTable {
	t := newNameTable()
	for i, name := range tagNames {
		if name != "" {
			t.add(uint32(tagBase+i), name)
		}
	}
	return t
})

var allEnumerations = sync.OnceValue(func() map[ttlv.Tag]*nameTable {
	hashing := tableOf(namesHashingAlgorithm)
	return map[ttlv.Tag]*nameTable{
		TagOperation:                     tableOf(namesOperation),
		TagObjectType:                    tableOf(namesObjectType),
		TagState:                         tableOf(namesState),
		TagResultStatus:                  tableOf(namesResultStatus),
		TagResultReason:                  tableOf(namesResultReason),
		TagRevocationReasonCode:          tableOf(namesRevocationReasonCode),
		TagNameType:                      tableOf(namesNameType),
		TagCryptographicAlgorithm:        tableOf(namesCryptographicAlgorithm),
		TagHashingAlgorithm:              hashing,
		TagMaskGeneratorHashingAlgorithm: hashing,
		TagBlockCipherMode:               tableOf(namesBlockCipherMode),
		TagPaddingMethod:                 tableOf(namesPaddingMethod),
		TagKeyFormatType:                 tableOf(namesKeyFormatType),
		TagSecretDataType:                tableOf(namesSecretDataType),
		TagQueryFunction:                 tableOf(namesQueryFunction),
		TagBatchErrorContinuationOption:  tableOf(namesBatchErrorContinuation),
		TagLinkType:                      tableOf(namesLinkType),
		TagObjectGroupMember:             tableOf(namesGroupMember),
		TagWrappingMethod:                tableOf(namesWrappingMethod),
		TagEncodingOption:                tableOf(namesEncodingOption),
		TagKeyWrapType:                   tableOf(namesKeyWrapType),
		TagRNGAlgorithm:                  tableOf(namesRNGAlgorithm),
		TagUnwrapMode:                    tableOf(namesUnwrapMode),
		TagDestroyAction:                 tableOf(namesDestroyAction),
		TagShreddingAlgorithm:            tableOf(namesShreddingAlgorithm),
		TagRNGMode:                       tableOf(namesRNGMode),
		TagClientRegistrationMethod:      tableOf(map[uint32]string{1: "Unspecified", 2: "Server Pre-Generated", 3: "Server On-Demand", 4: "Client Generated", 5: "Client Registered"}),
		TagAttestationType:               tableOf(map[uint32]string{1: "TPM Quote", 2: "TCG Integrity Report", 3: "SAML Assertion"}),
		TagValidationAuthorityType:       tableOf(map[uint32]string{1: "Unspecified", 2: "NIST CMVP", 3: "Common Criteria"}),
		TagValidationType:                tableOf(map[uint32]string{1: "Unspecified", 2: "Hardware", 3: "Software", 4: "Firmware", 5: "Hybrid"}),
		TagDRBGAlgorithm:                 tableOf(map[uint32]string{1: "Unspecified", 2: "Dual-EC", 3: "Hash", 4: "HMAC", 5: "CTR"}),
		TagFIPS186Variation: tableOf(map[uint32]string{1: "Unspecified", 2: "GP x-Original", 3: "GP x-Change Notice", 4: "x-Original",
			5: "x-Change Notice", 6: "k-Original", 7: "k-Change Notice"}),
		TagPutFunction:               tableOf(map[uint32]string{1: "New", 2: "Replace"}),
		TagCancellationResult:        tableOf(map[uint32]string{1: "Canceled", 2: "Unable to Cancel", 3: "Completed", 4: "Failed", 5: "Unavailable"}),
		TagKeyRoleType:               keyRoles(),
		TagAttributeReference:        allTags(),
		TagUniqueIdentifier:          tableOf(map[uint32]string{uniqueIdentifierPlaceholder: "ID Placeholder"}),
		TagAsynchronousIndicator:     tableOf(map[uint32]string{1: "Mandatory", 2: "Optional", 3: "Prohibited"}),
		TagProtectionLevel:           tableOf(map[uint32]string{1: "High", 2: "Low"}),
		TagRotateNameType:            tableOf(map[uint32]string{1: "Uninterpreted Text String", 2: "URI"}),
		TagNISTKeyType:               tableOf(namesNISTKeyType),
		TagAdjustmentType:            tableOf(namesAdjustmentType),
		TagInteropFunction:           tableOf(namesInteropFunction),
		TagRecommendedCurve:          tableOf(namesRecommendedCurve),
		TagDigitalSignatureAlgorithm: tableOf(namesDigitalSignatureAlgorithm),
		TagMaskGenerator:             tableOf(namesMaskGenerator),
		TagValidityIndicator:         tableOf(namesValidityIndicator),
		TagCertificateType:           tableOf(namesCertificateType),
		TagSplitKeyMethod:            tableOf(namesSplitKeyMethod),
		TagUsageLimitsUnit:           tableOf(namesUsageLimitsUnit),
		TagAlternativeNameType: tableOf(map[uint32]string{1: "Uninterpreted Text String", 2: "URI", 3: "Object Serial Number", 4: "Email Address",
			5: "DNS Name", 6: "X.500 Distinguished Name", 7: "IP Address"}),
		TagCredentialType:         tableOf(map[uint32]string{1: "Username and Password", 2: "Device", 3: "Attestation", 4: "One Time Password", 5: "Hashed Password", 6: "Ticket"}),
		TagDerivationMethod:       tableOf(namesDerivationMethod),
		TagCertificateRequestType: tableOf(map[uint32]string{1: "CRMF", 2: "PKCS#10", 3: "PEM"}),
		TagKeyCompressionType:     tableOf(map[uint32]string{1: "EC Public Key Type Uncompressed", 2: "EC Public Key Type X9.62 Compressed Prime", 3: "EC Public Key Type X9.62 Compressed Char2", 4: "EC Public Key Type X9.62 Hybrid"}),
		TagKeyValueLocationType:   tableOf(map[uint32]string{1: "Uninterpreted Text String", 2: "URI"}),
	}
})

// keyRoles are the roles of keys in payment systems, numbered from 1.
func keyRoles() *nameTable {
	t := newNameTable()
	for i, name := range strings.Fields("BDK CVK DEK MKAC MKSMC MKSMI MKDAC MKDN MKCP MKOTH KEK MAC16609 MAC97971 MAC97972 MAC97973 MAC97974 MAC97975 " +
		"ZPK PVKIBM PVKPVV PVKOTH DUKPT IV TRKBK") {
		t.add(uint32(i+1), name)
	}
	return t
}

var allMasks = sync.OnceValue(func() map[ttlv.Tag]*nameTable {
	return map[ttlv.Tag]*nameTable{
		TagCryptographicUsageMask: maskTable("Sign", "Verify", "Encrypt", "Decrypt", "Wrap Key", "Unwrap Key", "Export", "MAC Generate",
			"MAC Verify", "Derive Key", "Content Commitment", "Key Agreement", "Certificate Sign", "CRL Sign", "Generate Cryptogram",
			"Validate Cryptogram", "Translate Encrypt", "Translate Decrypt", "Translate Wrap", "Translate Unwrap",
			"Authenticate", "Unrestricted", "FPE Encrypt", "FPE Decrypt"),
		TagStorageStatusMask: maskTable("On-line storage", "Archival storage", "Destroyed storage"),
		TagProtectionStorageMask: maskTable("Software", "Hardware", "On Processor", "On System", "Off System", "Hypervisor", "Operating System",
			"Container", "On Premises", "Off Premises", "Self Managed", "Outsourced", "Validated", "Same Jurisdiction"),
	}
})

// TagWord returns the tag's name in one word, or its number in hexadecimal.
func TagWord(t ttlv.Tag) string {
	if name, ok := allTags().names[uint32(t)]; ok {
		return name
	}
	return t.String()
}

// TagOfWord returns the tag of a name, however it is written; false: there is none.
// It takes the number in hexadecimal, too.
func TagOfWord(name string) (ttlv.Tag, bool) {
	if digits, ok := strings.CutPrefix(name, "0x"); ok {
		n, err := strconv.ParseUint(digits, 16, 24)
		return ttlv.Tag(n), err == nil
	}
	n, ok := allTags().numbers[fold(name)]
	return ttlv.Tag(n), ok
}

// EnumerationWord returns the name of a value of the Enumeration that has the tag,
// in one word, or its number in hexadecimal.
func EnumerationWord(tag ttlv.Tag, v uint32) string {
	if t := allEnumerations()[tag]; t != nil {
		if name, ok := t.names[v]; ok {
			return name
		}
	}
	return fmt.Sprintf("0x%08X", v)
}

// EnumerationOfWord is the way back; it takes a number in hexadecimal, too.
func EnumerationOfWord(tag ttlv.Tag, name string) (uint32, bool) {
	if digits, ok := strings.CutPrefix(name, "0x"); ok {
		n, err := strconv.ParseUint(digits, 16, 32)
		return uint32(n), err == nil
	}
	if t := allEnumerations()[tag]; t != nil {
		n, ok := t.numbers[fold(name)]
		return n, ok
	}
	return 0, false
}

// MaskWords returns the names of an Integer's bits, if the tag is that of a mask and
// each bit has a name.
func MaskWords(tag ttlv.Tag, v int32) (words []string, ok bool) {
	t := allMasks()[tag]
	if t == nil || v == 0 {
		return nil, false
	}
	for bit := uint32(1); bit != 0; bit <<= 1 {
		if uint32(v)&bit == 0 {
			continue
		}
		name, ok := t.names[bit]
		if !ok {
			return nil, false
		}
		words = append(words, name)
	}
	return words, true
}

// MaskOfWord returns the bit of a name in the mask that has the tag.
func MaskOfWord(tag ttlv.Tag, name string) (int32, bool) {
	t := allMasks()[tag]
	if t == nil {
		return 0, false
	}
	n, ok := t.numbers[fold(name)]
	return int32(n), ok
}
