package awskms_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/keyring"
)

// faults are what AWS KMS answers (API reference, "Errors"), and what that means.
var faults = []struct {
	fault kmstest.Fault
	class awskms.Class
	sent  int // how often
	text  string
}{
	{kmstest.Fault{Code: "AccessDeniedException", Message: "User: arn:aws:iam::111122223333:user/db is not authorized to perform: kms:Decrypt on resource: KEY because no identity-based policy allows the kms:Decrypt action"},
		awskms.Operator, 1, "User: arn:aws:iam::111122223333:user/db is not authorized to perform: kms:Decrypt on resource: KEY because no identity-based policy allows the kms:Decrypt action (AccessDeniedException)"},
	{kmstest.Fault{Code: "NotFoundException", Message: "Key 'KEY' does not exist"}, awskms.Operator, 1, "Key 'KEY' does not exist (NotFoundException)"},
	{kmstest.Fault{Code: "UnrecognizedClientException", Message: "The security token included in the request is invalid."}, awskms.Operator, 1,
		"The security token included in the request is invalid (UnrecognizedClientException)"},
	{kmstest.Fault{Code: "InvalidSignatureException", Message: "The request signature we calculated does not match.\n\nThe Canonical String\nx-amz-security-token:TOKEN"}, awskms.Operator, 1,
		"The request signature we calculated does not match (InvalidSignatureException)"},
	{kmstest.Fault{Code: "InvalidSignatureException", Message: "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z"}, awskms.Operator, 2,
		"Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z (InvalidSignatureException)"},
	{kmstest.Fault{Code: "ExpiredTokenException", Message: "The security token included in the request is expired"}, awskms.Operator, 1,
		"The security token included in the request is expired (ExpiredTokenException)"},
	{kmstest.Fault{Code: "InvalidClientTokenId", Message: "No account found for the given parameters"}, awskms.Operator, 1, "No account found for the given parameters (InvalidClientTokenId)"},
	{kmstest.Fault{Code: "MissingAuthenticationTokenException"}, awskms.Operator, 1, "the request had no credentials (MissingAuthenticationTokenException)"},
	{kmstest.Fault{Code: "RequestExpired", Message: "Request has expired."}, awskms.Operator, 2, "Request has expired (RequestExpired)"},
	{kmstest.Fault{Code: "LimitExceededException", Message: "too many"}, awskms.Operator, 1, "too many (LimitExceededException)"},
	{kmstest.Fault{Code: "SomethingNewException", Message: "new"}, awskms.Operator, 1, "new (SomethingNewException)"},
	{kmstest.Fault{Code: "SomethingNewException", Status: 500}, awskms.Transient, 3, "HTTP status 500 Internal Server Error (SomethingNewException)"},
	{kmstest.Fault{Code: "UnknownOperationException"}, awskms.Operator, 1, "this is no AWS KMS (UnknownOperationException)"},

	{kmstest.Fault{Code: "DisabledException", Message: "KEY is disabled."}, awskms.State, 1, "KEY is disabled (DisabledException)"},
	{kmstest.Fault{Code: "KMSInvalidStateException", Message: "KEY is pending deletion."}, awskms.State, 1, "KEY is pending deletion (KMSInvalidStateException)"},

	{kmstest.Fault{Code: "InvalidCiphertextException"}, awskms.Corruption, 1,
		"the data is damaged, or belongs to another key or encryption context (InvalidCiphertextException)"},
	{kmstest.Fault{Code: "IncorrectKeyException", Message: "The key ID in the request does not identify a CMK that can perform this operation."}, awskms.Corruption, 1,
		"The key ID in the request does not identify a CMK that can perform this operation (IncorrectKeyException)"},

	{kmstest.Fault{Code: "ValidationException", Message: "1 validation error detected"}, awskms.Usage, 1, "1 validation error detected (ValidationException)"},
	{kmstest.Fault{Code: "InvalidKeyUsageException", Message: "KEY key usage is GENERATE_VERIFY_MAC which is not valid"}, awskms.Usage, 1,
		"KEY key usage is GENERATE_VERIFY_MAC which is not valid (InvalidKeyUsageException)"},
	{kmstest.Fault{Code: "InvalidArnException"}, awskms.Usage, 1, "the ARN of the KMS key is not valid (InvalidArnException)"},
	{kmstest.Fault{Code: "InvalidGrantTokenException"}, awskms.Usage, 1, "the grant token is not valid (InvalidGrantTokenException)"},
	{kmstest.Fault{Code: "UnsupportedOperationException"}, awskms.Usage, 1, "the KMS key does not support this operation (UnsupportedOperationException)"},

	{kmstest.Fault{Code: "ThrottlingException", Message: "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."}, awskms.Transient, 3,
		"You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls (ThrottlingException)"},
	{kmstest.Fault{Code: "KMSInternalException", Status: 500}, awskms.Transient, 3, "an internal exception (KMSInternalException)"},
	{kmstest.Fault{Code: "DependencyTimeoutException", Status: 503, Message: "The system timed out"}, awskms.Transient, 3, "The system timed out (DependencyTimeoutException)"},
	{kmstest.Fault{Code: "KeyUnavailableException", Status: 500}, awskms.Transient, 3, "the KMS key was not available (KeyUnavailableException)"},
	{kmstest.Fault{Status: 503, Body: "<html><h1>503 Service Temporarily Unavailable</h1></html>"}, awskms.Transient, 3, "HOST: HTTP status 503 Service Unavailable"},
	{kmstest.Fault{Status: 502}, awskms.Transient, 3, "HOST: HTTP status 502 Bad Gateway"},
	{kmstest.Fault{Status: 403, Body: "<html>forbidden by the proxy</html>"}, awskms.Operator, 1, "HOST: HTTP status 403 Forbidden"},
	{kmstest.Fault{Status: 302, Body: "moved"}, awskms.Operator, 1, "HOST: HTTP status 302 Found"},
	{kmstest.Fault{Body: "<html>Welcome to the hotel's network</html>"}, awskms.Transient, 3, "HOST: the answer is not one of AWS KMS"},
	{kmstest.Fault{Body: `{"Plaintext":7}`}, awskms.Transient, 3, "HOST: the answer is not one of AWS KMS"},
	{kmstest.Fault{Body: `{"Plaintext":"c2VjcmV0"`}, awskms.Transient, 3, "HOST: the answer is not one of AWS KMS"},
	{kmstest.Fault{Body: `{}`}, awskms.Transient, 1, "the answer is not one of AWS KMS"},
	{kmstest.Fault{Cut: true}, awskms.Transient, 3, "HOST: the connection was closed without an answer"},
}

var kinds = map[awskms.Class]error{
	awskms.Transient: keyring.ErrUnreachable, awskms.Operator: keyring.ErrDenied, awskms.State: keyring.ErrInactive,
	awskms.Corruption: keyring.ErrCorrupt, awskms.Usage: keyring.ErrInvalid,
}

func TestFaults(t *testing.T) {
	s, c, key := newClient(t, func(o *awskms.Options) {
		o.Cure = func(e *awskms.Error) string {
			if e.Class == awskms.Usage {
				return "Read the manual"
			}
			return ""
		}
	})
	b, err := c.Generate(t.Context(), key, 16, nil)
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(s.URL, "http://")
	fill := strings.NewReplacer("KEY", key, "HOST", host).Replace
	for _, tc := range faults {
		name := fmt.Sprint(tc.fault.Code, tc.fault.Status)
		f := tc.fault
		f.Message = fill(f.Message)
		s.SetBefore(func(string, int) *kmstest.Fault { return &f })
		sent := s.Requests()["Decrypt"]
		got, err := c.Decrypt(t.Context(), b, nil)
		if got != nil {
			t.Errorf("%s: a key", name)
		}
		var e *awskms.Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: %v is no *Error", name, err)
		}
		want := "AWS KMS Decrypt " + key + ": " + fill(tc.text)
		if tc.class == awskms.Usage {
			want += ". Read the manual"
		}
		if e.Error() != want {
			t.Errorf("%s:\n%s, want\n%s", name, e, want)
		}
		if e.Class != tc.class || e.Code != f.Code || !errors.Is(err, kinds[tc.class]) || errors.Is(err, keyring.ErrNotFound) {
			t.Errorf("%s: %+v", name, *e)
		}
		if n := s.Requests()["Decrypt"] - sent; n != tc.sent {
			t.Errorf("%s: sent %d times, not %d", name, n, tc.sent)
		}
		if strings.Contains(fmt.Sprintf("%+v", err), "TOKEN") {
			t.Errorf("%s: %+v", name, err)
		}
	}
}

// What the server means by a state is what the client says of it.
func TestKeyStates(t *testing.T) {
	s, c, key := newClient(t, nil)
	b, err := c.Generate(t.Context(), key, 16, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"Disabled", "PendingDeletion", "PendingImport", "Unavailable", "Creating", "Updating", "PendingReplicaDeletion"} {
		s.SetState(key, state)
		if _, err := c.Decrypt(t.Context(), b, nil); !errors.Is(err, keyring.ErrInactive) {
			t.Errorf("%s: %v", state, err)
		}
		if err := c.Permitted(t.Context(), key, awskms.OpEncrypt); !errors.Is(err, keyring.ErrInactive) {
			t.Errorf("%s: %v", state, err)
		}
		k, err := c.Describe(t.Context(), key)
		if err != nil || k.State != state || k.Deletion.IsZero() != (state != "PendingDeletion") {
			t.Errorf("%s: %+v, %v", state, k, err)
		}
	}
	hmac := s.NewKeyOf(kmstest.Region, "GENERATE_VERIFY_MAC", "HMAC_256")
	if _, err := c.Generate(t.Context(), hmac, 16, nil); !errors.Is(err, keyring.ErrInvalid) {
		t.Error(err)
	}
	s.Drop(key)
	if _, err := c.Decrypt(t.Context(), b, nil); !errors.Is(err, keyring.ErrDenied) {
		t.Error(err)
	}
}

func TestError_Error(t *testing.T) {
	for _, tc := range []struct {
		e    awskms.Error
		want string
	}{
		{awskms.Error{Message: "m"}, "AWS KMS: m"},
		{awskms.Error{Op: "Encrypt", Message: "m.", Cure: "Do."}, "AWS KMS Encrypt: m. Do."},
		{awskms.Error{Op: "Encrypt", KeyID: "alias/x", Message: "m", Code: "C"}, "AWS KMS Encrypt alias/x: m (C)"},
	} {
		if got := tc.e.Error(); got != tc.want {
			t.Errorf("%q, want %q", got, tc.want)
		}
		if len(tc.e.Unwrap()) != 1 {
			t.Error("a cause that is none")
		}
	}
}
