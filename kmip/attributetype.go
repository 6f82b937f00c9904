package kmip

import (
	"slices"
	"strings"

	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// The names of the attributes (KMIP 1.4, 3), those of certificates and key pairs
// among them: objects can be looked for by one that none of them has.
const (
	AttrUniqueIdentifier         = "Unique Identifier"
	AttrName                     = "Name"
	AttrObjectType               = "Object Type"
	AttrCryptographicAlgorithm   = "Cryptographic Algorithm"
	AttrCryptographicLength      = "Cryptographic Length"
	AttrCryptographicParameters  = "Cryptographic Parameters"
	AttrCryptographicDomain      = "Cryptographic Domain Parameters"
	AttrCertificateType          = "Certificate Type"
	AttrCertificateLength        = "Certificate Length"
	AttrX509Identifier           = "X.509 Certificate Identifier"
	AttrX509Subject              = "X.509 Certificate Subject"
	AttrX509Issuer               = "X.509 Certificate Issuer"
	AttrCertificateIdentifier    = "Certificate Identifier"
	AttrCertificateSubject       = "Certificate Subject"
	AttrCertificateIssuer        = "Certificate Issuer"
	AttrDigitalSignature         = "Digital Signature Algorithm"
	AttrDigest                   = "Digest"
	AttrOperationPolicyName      = "Operation Policy Name"
	AttrCryptographicUsageMask   = "Cryptographic Usage Mask"
	AttrLeaseTime                = "Lease Time"
	AttrUsageLimits              = "Usage Limits"
	AttrState                    = "State"
	AttrInitialDate              = "Initial Date"
	AttrActivationDate           = "Activation Date"
	AttrProcessStartDate         = "Process Start Date"
	AttrProtectStopDate          = "Protect Stop Date"
	AttrDeactivationDate         = "Deactivation Date"
	AttrDestroyDate              = "Destroy Date"
	AttrCompromiseOccurrenceDate = "Compromise Occurrence Date"
	AttrCompromiseDate           = "Compromise Date"
	AttrRevocationReason         = "Revocation Reason"
	AttrArchiveDate              = "Archive Date"
	AttrObjectGroup              = "Object Group"
	AttrFresh                    = "Fresh"
	AttrLink                     = "Link"
	AttrAppSpecificInformation   = "Application Specific Information"
	AttrContactInformation       = "Contact Information"
	AttrLastChangeDate           = "Last Change Date"
	AttrAlternativeName          = "Alternative Name"
	AttrKeyValuePresent          = "Key Value Present"
	AttrKeyValueLocation         = "Key Value Location"
	AttrOriginalCreationDate     = "Original Creation Date"
	AttrRandomNumberGenerator    = "Random Number Generator"
	AttrDescription              = "Description"
	AttrComment                  = "Comment"
	AttrSensitive                = "Sensitive"
	AttrAlwaysSensitive          = "Always Sensitive"
	AttrExtractable              = "Extractable"
	AttrNeverExtractable         = "Never Extractable"
	AttrPKCS12FriendlyName       = "PKCS#12 Friendly Name"
	AttrKeyFormatType            = "Key Format Type"
	AttrOpaqueDataType           = "Opaque Data Type"
	AttrNISTKeyType              = "NIST Key Type"
	AttrProtectionLevel          = "Protection Level"
	AttrProtectionPeriod         = "Protection Period"
	AttrProtectionStorageMask    = "Protection Storage Mask"
	AttrQuantumSafe              = "Quantum Safe"
	AttrRotateInterval           = "Rotate Interval"
	AttrRotateAutomatic          = "Rotate Automatic"
	AttrRotateOffset             = "Rotate Offset"
	AttrRotateDate               = "Rotate Date"
	AttrRotateGeneration         = "Rotate Generation"
	AttrRotateName               = "Rotate Name"
	AttrRotateLatest             = "Rotate Latest"

	// The fields of a certificate's names, since 2.0.
	AttrCertificateSubjectCN           = "Certificate Subject CN"
	AttrCertificateSubjectO            = "Certificate Subject O"
	AttrCertificateSubjectOU           = "Certificate Subject OU"
	AttrCertificateSubjectEmail        = "Certificate Subject Email"
	AttrCertificateSubjectC            = "Certificate Subject C"
	AttrCertificateSubjectST           = "Certificate Subject ST"
	AttrCertificateSubjectL            = "Certificate Subject L"
	AttrCertificateSubjectUID          = "Certificate Subject UID"
	AttrCertificateSubjectSerialNumber = "Certificate Subject Serial Number"
	AttrCertificateSubjectTitle        = "Certificate Subject Title"
	AttrCertificateSubjectDC           = "Certificate Subject DC"
	AttrCertificateSubjectDNQualifier  = "Certificate Subject DN Qualifier"
	AttrCertificateIssuerCN            = "Certificate Issuer CN"
	AttrCertificateIssuerO             = "Certificate Issuer O"
	AttrCertificateIssuerOU            = "Certificate Issuer OU"
	AttrCertificateIssuerEmail         = "Certificate Issuer Email"
	AttrCertificateIssuerC             = "Certificate Issuer C"
	AttrCertificateIssuerST            = "Certificate Issuer ST"
	AttrCertificateIssuerL             = "Certificate Issuer L"
	AttrCertificateIssuerUID           = "Certificate Issuer UID"
	AttrCertificateIssuerSerialNumber  = "Certificate Issuer Serial Number"
	AttrCertificateIssuerTitle         = "Certificate Issuer Title"
	AttrCertificateIssuerDC            = "Certificate Issuer DC"
	AttrCertificateIssuerDNQualifier   = "Certificate Issuer DN Qualifier"
)

// Access is what a client may do with an attribute, as a set.
type Access uint8

// The members of an Access. The tables "Attribute Rules" of KMIP 1.4, 3 give them.
const (
	ClientSets    Access = 1 << iota // in the request that makes the object
	ClientAdds                       // by Add Attribute
	ClientChanges                    // by Modify Attribute
	ClientDeletes                    // by Delete Attribute

	serverOnly Access = 0
	clientOwns        = ClientSets | ClientAdds | ClientChanges | ClientDeletes
	clientDate        = ClientSets | ClientAdds | ClientChanges
)

// AttributeType is what the specification says of one attribute.
type AttributeType struct {
	Name   string
	Tag    ttlv.Tag
	Type   ttlv.Type
	Since  Version // the first version that has it
	Multi  bool    // may have several instances
	Client Access
}

var attributeTypes = []AttributeType{
	{AttrUniqueIdentifier, TagUniqueIdentifier, ttlv.TextString, V1_0, false, serverOnly},
	{AttrName, TagName, ttlv.Structure, V1_0, true, clientOwns},
	{AttrObjectType, TagObjectType, ttlv.Enumeration, V1_0, false, serverOnly},
	{AttrCryptographicAlgorithm, TagCryptographicAlgorithm, ttlv.Enumeration, V1_0, false, ClientSets},
	{AttrCryptographicLength, TagCryptographicLength, ttlv.Integer, V1_0, false, ClientSets},
	{AttrCryptographicParameters, TagCryptographicParameters, ttlv.Structure, V1_0, true, clientOwns},
	{AttrCryptographicDomain, TagCryptographicDomainParameters, ttlv.Structure, V1_0, false, ClientSets},
	{AttrCertificateType, TagCertificateType, ttlv.Enumeration, V1_0, false, ClientSets},
	{AttrCertificateLength, TagCertificateLength, ttlv.Integer, V1_1, false, serverOnly},
	{AttrX509Identifier, TagX509CertificateIdentifier, ttlv.Structure, V1_1, false, serverOnly},
	{AttrX509Subject, TagX509CertificateSubject, ttlv.Structure, V1_1, false, serverOnly},
	{AttrX509Issuer, TagX509CertificateIssuer, ttlv.Structure, V1_1, false, serverOnly},
	{AttrCertificateIdentifier, TagCertificateIdentifier, ttlv.Structure, V1_0, false, serverOnly},
	{AttrCertificateSubject, TagCertificateSubject, ttlv.Structure, V1_0, false, serverOnly},
	{AttrCertificateIssuer, TagCertificateIssuer, ttlv.Structure, V1_0, false, serverOnly},
	{AttrDigitalSignature, TagDigitalSignatureAlgorithm, ttlv.Enumeration, V1_1, true, serverOnly},
	{AttrDigest, TagDigest, ttlv.Structure, V1_0, true, serverOnly},
	{AttrOperationPolicyName, TagOperationPolicyName, ttlv.TextString, V1_0, false, ClientSets},
	{AttrCryptographicUsageMask, TagCryptographicUsageMask, ttlv.Integer, V1_0, false, ClientSets},
	{AttrLeaseTime, TagLeaseTime, ttlv.Interval, V1_0, false, serverOnly},
	{AttrUsageLimits, TagUsageLimits, ttlv.Structure, V1_0, false, clientOwns},
	{AttrState, TagState, ttlv.Enumeration, V1_0, false, serverOnly},
	{AttrInitialDate, TagInitialDate, ttlv.DateTime, V1_0, false, serverOnly},
	{AttrActivationDate, TagActivationDate, ttlv.DateTime, V1_0, false, clientDate},
	{AttrProcessStartDate, TagProcessStartDate, ttlv.DateTime, V1_0, false, clientDate},
	{AttrProtectStopDate, TagProtectStopDate, ttlv.DateTime, V1_0, false, clientDate},
	{AttrDeactivationDate, TagDeactivationDate, ttlv.DateTime, V1_0, false, clientDate},
	{AttrDestroyDate, TagDestroyDate, ttlv.DateTime, V1_0, false, serverOnly},
	{AttrCompromiseOccurrenceDate, TagCompromiseOccurrenceDate, ttlv.DateTime, V1_0, false, serverOnly},
	{AttrCompromiseDate, TagCompromiseDate, ttlv.DateTime, V1_0, false, serverOnly},
	{AttrRevocationReason, TagRevocationReason, ttlv.Structure, V1_0, false, serverOnly},
	{AttrArchiveDate, TagArchiveDate, ttlv.DateTime, V1_0, false, serverOnly},
	{AttrObjectGroup, TagObjectGroup, ttlv.TextString, V1_0, true, clientOwns},
	{AttrFresh, TagFresh, ttlv.Boolean, V1_1, false, serverOnly},
	{AttrLink, TagLink, ttlv.Structure, V1_0, true, clientOwns},
	{AttrAppSpecificInformation, TagApplicationSpecificInformation, ttlv.Structure, V1_0, true, clientOwns},
	{AttrContactInformation, TagContactInformation, ttlv.TextString, V1_0, false, clientOwns},
	{AttrLastChangeDate, TagLastChangeDate, ttlv.DateTime, V1_0, false, serverOnly},
	{AttrAlternativeName, TagAlternativeName, ttlv.Structure, V1_2, true, clientOwns},
	{AttrKeyValuePresent, TagKeyValuePresent, ttlv.Boolean, V1_2, false, serverOnly},
	{AttrKeyValueLocation, TagKeyValueLocation, ttlv.Structure, V1_2, true, clientOwns},
	{AttrOriginalCreationDate, TagOriginalCreationDate, ttlv.DateTime, V1_2, false, ClientSets},
	{AttrRandomNumberGenerator, TagRandomNumberGenerator, ttlv.Structure, V1_3, false, serverOnly},
	{AttrDescription, TagDescription, ttlv.TextString, V1_4, false, clientOwns},
	{AttrComment, TagComment, ttlv.TextString, V1_4, false, clientOwns},
	{AttrSensitive, TagSensitive, ttlv.Boolean, V1_4, false, ClientSets | ClientChanges},
	{AttrAlwaysSensitive, TagAlwaysSensitive, ttlv.Boolean, V1_4, false, serverOnly},
	{AttrExtractable, TagExtractable, ttlv.Boolean, V1_4, false, ClientSets | ClientChanges},
	{AttrNeverExtractable, TagNeverExtractable, ttlv.Boolean, V1_4, false, serverOnly},
	{AttrPKCS12FriendlyName, TagPKCS12FriendlyName, ttlv.TextString, V1_4, false, clientOwns},
	{AttrKeyFormatType, TagKeyFormatType, ttlv.Enumeration, V2_0, false, ClientSets},
	{AttrOpaqueDataType, TagOpaqueDataType, ttlv.Enumeration, V2_0, false, serverOnly},
	{AttrNISTKeyType, TagNISTKeyType, ttlv.Enumeration, V2_0, false, clientOwns},
	{AttrProtectionLevel, TagProtectionLevel, ttlv.Enumeration, V2_0, false, clientOwns},
	{AttrProtectionPeriod, TagProtectionPeriod, ttlv.Interval, V2_0, false, clientOwns},
	{AttrProtectionStorageMask, TagProtectionStorageMask, ttlv.Integer, V2_0, false, serverOnly},
	{AttrQuantumSafe, TagQuantumSafe, ttlv.Boolean, V2_0, false, ClientSets},
	{AttrCertificateSubjectCN, TagCertificateSubjectCn, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateSubjectO, TagCertificateSubjectO, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateSubjectOU, TagCertificateSubjectOu, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateSubjectEmail, TagCertificateSubjectEmail, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateSubjectC, TagCertificateSubjectC, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateSubjectST, TagCertificateSubjectSt, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateSubjectL, TagCertificateSubjectL, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateSubjectUID, TagCertificateSubjectUid, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateSubjectSerialNumber, TagCertificateSubjectSerialNumber, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateSubjectTitle, TagCertificateSubjectTitle, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateSubjectDC, TagCertificateSubjectDc, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateSubjectDNQualifier, TagCertificateSubjectDnQualifier, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateIssuerCN, TagCertificateIssuerCn, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateIssuerO, TagCertificateIssuerO, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateIssuerOU, TagCertificateIssuerOu, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateIssuerEmail, TagCertificateIssuerEmail, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateIssuerC, TagCertificateIssuerC, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateIssuerST, TagCertificateIssuerSt, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateIssuerL, TagCertificateIssuerL, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateIssuerUID, TagCertificateIssuerUid, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateIssuerSerialNumber, TagCertificateIssuerSerialNumber, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateIssuerTitle, TagCertificateIssuerTitle, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateIssuerDC, TagCertificateIssuerDc, ttlv.TextString, V2_0, true, serverOnly},
	{AttrCertificateIssuerDNQualifier, TagCertificateIssuerDnQualifier, ttlv.TextString, V2_0, true, serverOnly},
	{AttrRotateInterval, TagRotateInterval, ttlv.Interval, V2_1, false, clientOwns},
	{AttrRotateAutomatic, TagRotateAutomatic, ttlv.Boolean, V2_1, false, clientOwns},
	{AttrRotateOffset, TagRotateOffset, ttlv.Interval, V2_1, false, clientOwns},
	{AttrRotateDate, TagRotateDate, ttlv.DateTime, V2_1, false, serverOnly},
	{AttrRotateGeneration, TagRotateGeneration, ttlv.Integer, V2_1, false, serverOnly},
	{AttrRotateName, TagRotateName, ttlv.Structure, V2_1, false, clientOwns},
	{AttrRotateLatest, TagRotateLatest, ttlv.Boolean, V2_1, false, serverOnly},
}

// AttributeTypes returns the table of the standard's attributes.
func AttributeTypes() []AttributeType { return attributeTypes }

// AttributeName returns an attribute's name as a string, which is shared for those of
// the standard.
func AttributeName(name []byte) string {
	for i := range attributeTypes {
		if t := &attributeTypes[i]; t.Name == string(name) {
			return t.Name
		}
	}
	return string(name)
}

// AttributeTypeOf returns what the specification says of an attribute. A custom
// attribute (x-) may have any type and belongs to the client; its Type is 0.
func AttributeTypeOf(name string) (AttributeType, bool) {
	for i := range attributeTypes { // not by value: this is asked for each attribute of each message
		if t := &attributeTypes[i]; t.Name == name {
			return *t, true
		}
	}
	if IsCustom(name) {
		t := AttributeType{Name: name, Tag: TagCustomAttribute, Since: V1_0, Multi: true}
		if isVendorsOwn(name) {
			t.Since = V2_0
		}
		if name[0] != 'y' || t.Since == V2_0 {
			t.Client = clientOwns
		}
		return t, true
	}
	return AttributeType{}, false
}

// In says whether the version has the attribute.
func (t *AttributeType) In(v Version) bool {
	return v.AtLeast(t.Since) && (v.Major < 2 || !goneIn2(t.Name))
}

// newIn2 says whether 2.x has brought the attribute.
func newIn2(name string) bool {
	switch name {
	case AttrKeyFormatType, AttrOpaqueDataType, AttrNISTKeyType, AttrProtectionLevel, AttrProtectionPeriod, AttrProtectionStorageMask,
		AttrQuantumSafe, AttrRotateInterval, AttrRotateAutomatic, AttrRotateOffset, AttrRotateDate, AttrRotateGeneration, AttrRotateName, AttrRotateLatest:
		return true
	}
	return strings.HasPrefix(name, "Certificate Subject ") || strings.HasPrefix(name, "Certificate Issuer ")
}

// goneIn2 says whether 2.0 has left the attribute out.
func goneIn2(name string) bool {
	switch name {
	case AttrCertificateIdentifier, AttrCertificateSubject, AttrCertificateIssuer, AttrOperationPolicyName:
		return true
	}
	return false
}

// sendable says whether a peer of the version can read the attribute. What the
// table lacks is sent in 1.x: only the caller can know it.
func sendable(name string, v Version) bool {
	for i := range attributeTypes {
		if attributeTypes[i].Name == name {
			return attributeTypes[i].In(v)
		}
	}
	return v.Major >= 2 || !isVendorsOwn(name)
}

// sendableValue leaves out of a structure what a peer of the version cannot read.
// What a client's own attribute means only the client knows: it stays as it is.
func sendableValue(name string, value ttlv.Value, v Version) ttlv.Value {
	newer := func(f ttlv.Field) bool { return !v.AtLeast(fieldSince(name, f.Tag)) }
	if v.AtLeast(V2_1) || IsCustom(name) || !slices.ContainsFunc(value.Fields, newer) {
		return value
	}
	return ttlv.StructureValue(slices.DeleteFunc(slices.Clone(value.Fields), newer)...)
}

// fieldSince is the first version that has a field of an attribute. Each version
// has numbered its new tags from where the one before ended (KMIP 1.4, 9.1.3.1).
func fieldSince(name string, tag ttlv.Tag) Version {
	switch {
	case name == AttrCryptographicParameters && (tag == TagCryptographicAlgorithm || tag == TagDigitalSignatureAlgorithm):
		return V1_2 // tags that are older than their place here
	case tag <= TagPassword:
		return V1_0
	case tag <= TagX509CertificateSubject:
		return V1_1
	case tag <= TagAttestationCapableIndicator:
		return V1_2
	case tag <= TagCapabilityInformation:
		return V1_3
	case tag <= TagReplaceExisting:
		return V1_4
	case tag <= TagPublicProtectionStorageMasks:
		return V2_0
	}
	return V2_1
}
