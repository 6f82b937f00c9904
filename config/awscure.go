package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
)

// AWSWords are how a configuration calls what a cure about AWS KMS names.
type AWSWords struct {
	Where        string // a sentence that ends every cure and says where all this stands
	Key, Region  string // such as "kms_key" and "region"
	Credentials  string // what to correct, such as "auth_key and secret_access_key"
	Owner        string // whose permissions count, such as "the user of auth_key"
	SessionToken string
	Endpoint     string // with the value, if there is one
	Proxy        string // likewise; "" without a proxy
	Timeout      string
	Data         string // the file with the keys
}

// Cure returns the advice about errors of AWS KMS for awskms.Options.Cure.
func (w AWSWords) Cure(timeout time.Duration) func(*awskms.Error) string {
	return func(e *awskms.Error) string {
		if advice := w.advice(e, timeout); advice != "" {
			return strings.TrimSpace(advice + " " + w.Where)
		}
		return ""
	}
}

func (w AWSWords) advice(e *awskms.Error, timeout time.Duration) string {
	switch strings.TrimSuffix(e.Code, "Exception") {
	case "AccessDenied":
		return "Allow " + w.Owner + " " + permission(e.Op) + ", in the IAM policy or in the policy of the KMS key; or, if there is no such key, correct " + w.Key + " and " + w.Region + "."
	case "UnrecognizedClient", "InvalidClientTokenId", "InvalidSignature", "SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationToken", "InvalidAccessKeyId":
		if strings.Contains(strings.ToLower(e.Message), "signature expired") || strings.Contains(strings.ToLower(e.Message), "not yet current") {
			return "Correct this host's clock."
		}
		return "Correct " + w.Credentials + "."
	case "ExpiredToken":
		return "Renew " + w.Credentials + ", and " + w.SessionToken + " with them: the temporary ones have expired."
	case "RequestExpired", "RequestTimeTooSkewed":
		return "Correct this host's clock."
	case "NotFound":
		return "Correct " + w.Key + " and " + w.Region + ": a KMS key or an alias is known in its own region and account only; another account's is named by its ARN."
	case "InvalidArn", "Validation":
		return "Correct " + w.Key + ": it is a key ID, an alias or an ARN."
	case "Disabled":
		return "Enable the KMS key in AWS KMS."
	case "KMSInvalidState":
		return "Look at the state of the KMS key in AWS KMS; if it is about to be deleted, cancel that and enable it."
	case "InvalidKeyUsage", "UnsupportedOperation":
		return "Set " + w.Key + " to a symmetric KMS key that is for encryption and decryption."
	case "Throttling", "TooManyRequests", "RequestLimitExceeded":
		return "Have the quota of requests raised in AWS, or find out what else in the account and region asks AWS KMS so often."
	case "LimitExceeded":
		return "Look at the quotas of AWS KMS; a KMS key can be rotated on demand " + fmt.Sprint(awskms.MaxOnDemandRotations) + " times."
	case "InvalidCiphertext", "IncorrectKey":
		return "Restore " + w.Data + " from a backup if it is damaged; if it is another account's or region's, correct " + w.Region + " and " + w.Credentials + "."
	}
	switch {
	case e.Code != "":
		return ""
	case e.Class == awskms.Operator:
		return "Correct " + w.Credentials + "."
	case e.Class == awskms.Transient:
		return w.unreachable(e, timeout)
	}
	return ""
}

// unreachable is the advice when nobody answered.
func (w AWSWords) unreachable(e *awskms.Error, timeout time.Duration) string {
	places := w.Region + " and " + w.Endpoint
	if w.Proxy != "" {
		places = w.Region + ", " + w.Endpoint + " and " + w.Proxy
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](e.Err); ok {
		return "Correct " + w.Endpoint + ", or name the authority that signed its certificate in the environment variable AWS_CA_BUNDLE of the server."
	}
	if _, ok := errors.AsType[*net.DNSError](e.Err); ok {
		return "Correct " + places + ", or this host's name resolution."
	}
	return fmt.Sprintf("Check the network and the firewalls between this host and AWS KMS, correct %s, or raise %s (now %d).", places, w.Timeout, timeout.Milliseconds())
}

// permission names what an operation needs.
func permission(op string) string {
	switch op {
	case "":
		return "to use the KMS key"
	case string(awskms.OpReEncrypt):
		return "kms:ReEncryptFrom and kms:ReEncryptTo"
	}
	return "kms:" + op
}

// EndpointWords is the value of AWSWords.Endpoint or Proxy: the option, and what it is
// set to now.
func EndpointWords(option, value string) string {
	if value == "" {
		return option
	}
	return option + " (now " + Redacted(value) + ")"
}
