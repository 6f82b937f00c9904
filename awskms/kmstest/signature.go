package kmstest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// authorization is the header of Signature Version 4: key, date, region, signed
// headers, signature.
var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/([0-9]{8})/([a-z0-9-]+)/kms/aws4_request, ` +
	`SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$`)

// authenticate returns the region that the request is signed for.
func (s *Server) authenticate(r *http.Request, body []byte) (region string, failed *failure) {
	m := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return "", &failure{"MissingAuthenticationTokenException", "Missing Authentication Token"}
	}
	if s.creds == nil {
		return m[3], nil
	}
	if m[1] != s.creds.AccessKeyID || r.Header.Get("X-Amz-Security-Token") != s.creds.SessionToken {
		return "", &failure{"UnrecognizedClientException", "The security token included in the request is invalid."}
	}
	if m[5] != signature(r, body, s.creds.SecretAccessKey, m[2], m[3], strings.Split(m[4], ";")) {
		// The real one goes on after an empty line and shows the headers, the token included.
		return "", &failure{"InvalidSignatureException", "The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\n" +
			"The Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:" + r.Header.Get("X-Amz-Security-Token") + "\n'"}
	}
	return m[3], nil
}

// signature is that of Signature Version 4.
func signature(r *http.Request, body []byte, secret, date, region string, headers []string) string {
	sum := func(b string) string { h := sha256.Sum256([]byte(b)); return hex.EncodeToString(h[:]) }
	mac := func(key, b string) string {
		m := hmac.New(sha256.New, []byte(key))
		m.Write([]byte(b))
		return string(m.Sum(nil))
	}
	canonical := []string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery}
	slices.Sort(headers)
	for _, h := range headers {
		v := r.Header.Get(h)
		switch h {
		case "host":
			v = r.Host
		case "content-length":
			v = r.Header.Get("Content-Length")
		}
		canonical = append(canonical, h+":"+strings.TrimSpace(v))
	}
	canonical = append(canonical, "", strings.Join(headers, ";"), sum(string(body)))
	scope := strings.Join([]string{date, region, "kms", "aws4_request"}, "/")
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), scope, sum(strings.Join(canonical, "\n"))}, "\n")
	return hex.EncodeToString([]byte(mac(mac(mac(mac(mac("AWS4"+secret, date), region), "kms"), "aws4_request"), toSign)))
}
