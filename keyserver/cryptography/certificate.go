package cryptography

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/ttlv"
)

// maxCertificate is the longest certificate that is read, in bytes.
const maxCertificate = 64 << 10

func parseCertificate(der []byte) (*x509.Certificate, error) {
	if len(der) > maxCertificate {
		return nil, invalid("the certificate has more than %d bytes", maxCertificate)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, invalid("the Certificate Value is no X.509 certificate in DER: %v", err)
	}
	return c, nil
}

// CertificateKey returns the public key in an X.509 certificate.
func CertificateKey(der []byte) (*Key, error) {
	c, err := parseCertificate(der)
	if err != nil {
		return nil, err
	}
	k := &Key{public: c.PublicKey}
	return k, k.check()
}

// CertificateAttributes returns what an X.509 certificate says of itself (KMIP 1.4, 3.8 to
// 3.16), and algorithm and length of its key, if they are known.
func CertificateAttributes(der []byte) (kmip.Attributes, error) {
	c, err := parseCertificate(der)
	if err != nil {
		return nil, err
	}
	var l kmip.Attributes
	l.Add(kmip.AttrCertificateType, ttlv.EnumerationValue(uint32(kmip.CertificateX509)))
	l.Add(kmip.AttrCertificateLength, ttlv.IntegerValue(int32(len(der))))
	bytes := func(tag ttlv.Tag, b []byte) ttlv.Field { return ttlv.Field{Tag: tag, Value: ttlv.BytesValue(b)} }
	serial, err := asn1.Marshal(c.SerialNumber)
	if err != nil {
		return nil, invalid("the certificate's serial number: %v", err)
	}
	l.Add(kmip.AttrX509Identifier, ttlv.StructureValue(bytes(kmip.TagIssuerDistinguishedName, c.RawIssuer), bytes(kmip.TagCertificateSerialNumber, serial)))
	named := func(attribute string, nameTag, alternativeTag ttlv.Tag, name []byte, extension asn1.ObjectIdentifier) {
		v := ttlv.StructureValue(bytes(nameTag, name))
		for _, n := range generalNames(c, extension) {
			v.Fields = append(v.Fields, bytes(alternativeTag, n))
		}
		l.Add(attribute, v)
	}
	named(kmip.AttrX509Subject, kmip.TagSubjectDistinguishedName, kmip.TagSubjectAlternativeName, c.RawSubject, asn1.ObjectIdentifier{2, 5, 29, 17})
	named(kmip.AttrX509Issuer, kmip.TagIssuerDistinguishedName, kmip.TagIssuerAlternativeName, c.RawIssuer, asn1.ObjectIdentifier{2, 5, 29, 18})
	addNames(&l, c.Subject, subjectNames)
	addNames(&l, c.Issuer, issuerNames)
	addDeprecated(&l, c)
	if alg := signatureAlgorithm(c.SignatureAlgorithm); alg != 0 {
		l.Add(kmip.AttrDigitalSignature, ttlv.EnumerationValue(uint32(alg)))
	}
	if k := (&Key{public: c.PublicKey}); k.check() == nil {
		l.Add(kmip.AttrCryptographicAlgorithm, ttlv.EnumerationValue(uint32(k.Algorithm())))
		l.Add(kmip.AttrCryptographicLength, ttlv.IntegerValue(k.Bits()))
	}
	return l, nil
}

// The attributes of KMIP 2.0 for the fields of a certificate's names, by their object identifiers
// (X.520; RFC 4519 for UID and DC; PKCS #9 for e-mail).
var (
	subjectNames = map[string]string{
		"2.5.4.3": kmip.AttrCertificateSubjectCN, "2.5.4.10": kmip.AttrCertificateSubjectO, "2.5.4.11": kmip.AttrCertificateSubjectOU,
		"1.2.840.113549.1.9.1": kmip.AttrCertificateSubjectEmail, "2.5.4.6": kmip.AttrCertificateSubjectC, "2.5.4.8": kmip.AttrCertificateSubjectST,
		"2.5.4.7": kmip.AttrCertificateSubjectL, "0.9.2342.19200300.100.1.1": kmip.AttrCertificateSubjectUID, "2.5.4.5": kmip.AttrCertificateSubjectSerialNumber,
		"2.5.4.12": kmip.AttrCertificateSubjectTitle, "0.9.2342.19200300.100.1.25": kmip.AttrCertificateSubjectDC, "2.5.4.46": kmip.AttrCertificateSubjectDNQualifier,
	}
	issuerNames = map[string]string{
		"2.5.4.3": kmip.AttrCertificateIssuerCN, "2.5.4.10": kmip.AttrCertificateIssuerO, "2.5.4.11": kmip.AttrCertificateIssuerOU,
		"1.2.840.113549.1.9.1": kmip.AttrCertificateIssuerEmail, "2.5.4.6": kmip.AttrCertificateIssuerC, "2.5.4.8": kmip.AttrCertificateIssuerST,
		"2.5.4.7": kmip.AttrCertificateIssuerL, "0.9.2342.19200300.100.1.1": kmip.AttrCertificateIssuerUID, "2.5.4.5": kmip.AttrCertificateIssuerSerialNumber,
		"2.5.4.12": kmip.AttrCertificateIssuerTitle, "0.9.2342.19200300.100.1.25": kmip.AttrCertificateIssuerDC, "2.5.4.46": kmip.AttrCertificateIssuerDNQualifier,
	}
)

// maxNames is how many fields of a name are told.
const maxNames = 100

// addNames adds the fields of a name that are text, each once.
func addNames(l *kmip.Attributes, name pkix.Name, attributes map[string]string) {
	for _, field := range name.Names[:min(len(name.Names), maxNames)] {
		text, ok := field.Value.(string)
		attribute := attributes[field.Type.String()]
		if v := ttlv.TextValue(text); ok && attribute != "" && utf8.ValidString(text) && !slices.ContainsFunc(l.All(attribute), v.Equal) {
			l.Add(attribute, v)
		}
	}
}

// addDeprecated adds what KMIP 1.0 has in the place of the attributes of X.509, in text.
func addDeprecated(l *kmip.Attributes, c *x509.Certificate) {
	text := func(tag ttlv.Tag, s string) ttlv.Field {
		return ttlv.Field{Tag: tag, Value: ttlv.TextValue(strings.ToValidUTF8(s, "\uFFFD"))}
	}
	issuer := c.Issuer.String()
	serial := fmt.Sprintf("%X", c.SerialNumber.Bytes())
	l.Add(kmip.AttrCertificateIdentifier, ttlv.StructureValue(text(kmip.TagIssuer, issuer), text(kmip.TagSerialNumber, serial)))
	l.Add(kmip.AttrCertificateSubject, ttlv.StructureValue(text(kmip.TagCertificateSubjectDistinguishedName, c.Subject.String())))
	l.Add(kmip.AttrCertificateIssuer, ttlv.StructureValue(text(kmip.TagCertificateIssuerDistinguishedName, issuer)))
}

// generalNames returns the names in an extension, each in DER.
func generalNames(c *x509.Certificate, extension asn1.ObjectIdentifier) (names [][]byte) {
	i := slices.IndexFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(extension) })
	if i < 0 {
		return nil
	}
	var all []asn1.RawValue
	if rest, err := asn1.Unmarshal(c.Extensions[i].Value, &all); err != nil || len(rest) > 0 {
		return nil
	}
	for _, n := range all {
		names = append(names, n.FullBytes)
	}
	return names
}

func signatureAlgorithm(a x509.SignatureAlgorithm) kmip.DigitalSignatureAlgorithm {
	switch a {
	case x509.MD5WithRSA:
		return kmip.SignatureMD5WithRSA
	case x509.SHA1WithRSA:
		return kmip.SignatureSHA1WithRSA
	case x509.SHA256WithRSA:
		return kmip.SignatureSHA256WithRSA
	case x509.SHA384WithRSA:
		return kmip.SignatureSHA384WithRSA
	case x509.SHA512WithRSA:
		return kmip.SignatureSHA512WithRSA
	case x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS:
		return kmip.SignatureRSASSAPSS
	case x509.DSAWithSHA1:
		return kmip.SignatureDSAWithSHA1
	case x509.DSAWithSHA256:
		return kmip.SignatureDSAWithSHA256
	case x509.ECDSAWithSHA1:
		return kmip.SignatureECDSAWithSHA1
	case x509.ECDSAWithSHA256:
		return kmip.SignatureECDSAWithSHA256
	case x509.ECDSAWithSHA384:
		return kmip.SignatureECDSAWithSHA384
	case x509.ECDSAWithSHA512:
		return kmip.SignatureECDSAWithSHA512
	}
	return 0 // KMIP has no code for it
}
