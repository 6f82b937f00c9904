// Package pki is the key server's own certificate authority: it signs the
// server's certificate and one or more for each endpoint.
//
// All keys are ECDSA P-256. The CA signs nothing but end certificates. What a
// client's certificate is good for is decided by the register (keyserver/endpoint),
// so this CA has no revocation list; those of foreign CAs are read here.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"
)

// Life times.
const (
	CALife     = 10 * 365 * 24 * time.Hour
	ServerLife = 365 * 24 * time.Hour
	ClientLife = 365 * 24 * time.Hour // the default
	// RenewBefore is how long before its end a certificate is renewed, or warned about.
	RenewBefore = 30 * 24 * time.Hour
	// CARenewBefore is how long before its end the CA gets a new certificate: time
	// enough for every client to fetch it with its own next one.
	CARenewBefore = 3 * 365 * 24 * time.Hour
	// skew is how far a peer's clock may be behind ours.
	skew = time.Hour
)

// CA is a certificate authority. It may be used by many goroutines at once.
type CA struct {
	Certificate *x509.Certificate
	key         crypto.Signer
}

// Pair is a certificate and its private key.
type Pair struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
}

// NewKey makes a private key.
func NewKey() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// rsaBits is the length of an RSA key, and minRSABits that of one that is signed.
const (
	rsaBits    = 3072
	minRSABits = 2048
)

// NewRSAKey makes a private key for clients whose manuals work on RSA keys only,
// as that of MySQL's keyring_okv does with "openssl rsa".
func NewRSAKey() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, rsaBits) }

// NewCA makes a certificate authority.
func NewCA(now time.Time) (*CA, error) {
	key, err := NewKey()
	if err != nil {
		return nil, err
	}
	serial := newSerial()
	// The serial in the name keeps apart the CAs of several servers in a trust store.
	return signCA(&x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: fmt.Sprintf("dbkeyring CA %x", serial.Bytes()[:4])}}, key, now)
}

// Renew returns the CA with a new certificate of the same name and key. What the
// CA has signed is good under either certificate, and what it will sign, too; but
// a client that has the old one only is out when that ends.
func (ca *CA) Renew(now time.Time) (*CA, error) {
	return signCA(&x509.Certificate{SerialNumber: newSerial(), Subject: ca.Certificate.Subject}, ca.key, now)
}

// signCA fills in what all CAs have in common, and signs.
func signCA(template *x509.Certificate, key crypto.Signer, now time.Time) (*CA, error) {
	template.NotBefore = now.Add(-skew)
	template.NotAfter = now.Add(CALife)
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.MaxPathLenZero = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	cert, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the CA: %w", err)
	}
	return &CA{Certificate: cert, key: key}, nil
}

// IssueServer makes a key and a certificate for a server of these names and
// addresses, as [ServerNames] returns them.
func (ca *CA) IssueServer(names []string, now time.Time) (Pair, error) {
	key, err := NewKey()
	if err != nil {
		return Pair{}, err
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "dbkeyring key server"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	cert, err := ca.issue(template, key.Public(), ServerLife, now)
	return Pair{Certificate: cert, Key: key}, err
}

// IssueClient signs a client's public key. The endpoint's name is the
// certificate's CN (KMIP Profiles 1.4, 3.2.4: who a client is stands in its
// certificate). The certificate ends with the CA if life is longer.
func (ca *CA) IssueClient(endpoint string, public crypto.PublicKey, life time.Duration, now time.Time) (*x509.Certificate, error) {
	if life <= 0 {
		return nil, fmt.Errorf("a certificate's life time of %v is over before it begins", life)
	}
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return nil, fmt.Errorf("a client's ECDSA key is on the curve P-256, not %s", key.Curve.Params().Name)
		}
	case *rsa.PublicKey:
		if key.N == nil || key.N.BitLen() < minRSABits {
			return nil, fmt.Errorf("a client's RSA key has %d bits at least", minRSABits)
		}
	default:
		return nil, fmt.Errorf("a client's key is an ECDSA or an RSA key, not a %T", public)
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: endpoint},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	return ca.issue(template, public, life, now)
}

// issue fills in what all end certificates have in common, and signs.
func (ca *CA) issue(template *x509.Certificate, public crypto.PublicKey, life time.Duration, now time.Time) (*x509.Certificate, error) {
	if now.After(ca.Certificate.NotAfter) {
		return nil, fmt.Errorf("the CA has expired on %s. Restart the server, which renews it", ca.Certificate.NotAfter.Format(time.DateOnly))
	}
	template.SerialNumber = newSerial()
	template.NotBefore = now.Add(-skew)
	template.NotAfter = now.Add(life)
	if template.NotAfter.After(ca.Certificate.NotAfter) {
		template.NotAfter = ca.Certificate.NotAfter
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.BasicConstraintsValid = true
	cert, err := sign(template, ca.Certificate, public, ca.key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate for %s: %w", template.Subject.CommonName, err)
	}
	return cert, nil
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// newSerial returns a random serial number of 127 bits (RFC 5280, 4.1.2.2: positive, at most 20 bytes).
func newSerial() *big.Int {
	var b [16]byte
	rand.Read(b[:])       // never fails
	b[0] = b[0]&0x7F | 64 // 16 bytes always
	return new(big.Int).SetBytes(b[:])
}

// ServerNames returns what a server's certificate shall name: the loopback
// names, the host's name, and the extra ones, each once, in a fixed order. An
// extra name that is neither a host name nor an address is an error.
func ServerNames(hostname string, extra []string) ([]string, error) {
	names := []string{"localhost"}
	ips := []string{"127.0.0.1", "::1"}
	var bad []string
	if hostname != "" && validHost(hostname) {
		names = append(names, hostname)
	}
	for _, name := range extra {
		name = strings.TrimSpace(name)
		if ip := net.ParseIP(strings.Trim(name, "[]")); ip != nil {
			ips = append(ips, ip.String())
		} else if validHost(name) {
			names = append(names, name)
		} else {
			bad = append(bad, fmt.Sprintf("%q", name))
		}
	}
	if bad != nil {
		return nil, fmt.Errorf("%s: neither a host name nor an IP address", strings.Join(bad, ", "))
	}
	slices.Sort(names)
	slices.Sort(ips)
	return append(slices.Compact(names), slices.Compact(ips)...), nil
}

// validHost takes host names and their wildcards.
func validHost(name string) bool {
	name = strings.TrimPrefix(name, "*.")
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return false
		}
	}
	return true
}

// NamesOf returns the names and addresses in a certificate, in the order of ServerNames.
func NamesOf(cert *x509.Certificate) []string {
	names := slices.Clone(cert.DNSNames)
	slices.Sort(names)
	ips := make([]string, 0, len(cert.IPAddresses))
	for _, ip := range cert.IPAddresses {
		ips = append(ips, ip.String())
	}
	slices.Sort(ips)
	return append(names, ips...)
}

// RenewalReason says why a server's certificate has to be renewed; "" if it need not be.
func (ca *CA) RenewalReason(cert *x509.Certificate, names []string, now time.Time) string {
	switch {
	case cert.CheckSignatureFrom(ca.Certificate) != nil:
		return "it is not from this CA"
	case now.Add(RenewBefore).After(cert.NotAfter) && cert.NotAfter.Before(ca.Certificate.NotAfter):
		return "it ends on " + cert.NotAfter.Format(time.DateOnly)
	case now.Before(cert.NotBefore) && !now.Before(ca.Certificate.NotBefore):
		return "it is not valid before " + cert.NotBefore.Format(time.RFC3339) + ", so the clock was wrong when it was made"
	case !slices.Equal(NamesOf(cert), names):
		return "its names have changed"
	}
	return ""
}
