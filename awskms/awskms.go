// Package awskms is what a keyring asks of AWS KMS: to encrypt and decrypt keys, to
// make them, and to look at and rotate the KMS key that does so.
//
// It stands on the AWS SDK for Go and adds what a database needs: a deadline on
// every call, errors of four classes ([Class]) with a cure, short retries, a count
// of the requests, and key bytes that are nowhere but in a [secret.Bytes]: not in
// the SDK's garbage, nor in the buffers of connections.
package awskms

import (
	"context"
	"net/http"
	"time"
)

// Options say which AWS KMS, as whom, and how long to wait. The zero value is the
// SDK's default configuration: environment, shared files, and the machine's role.
type Options struct {
	// Region, such as "eu-central-1". "" is the default chain's; a key that is given
	// as an ARN is always asked for in its own region.
	Region string
	// Endpoint is the URL of another KMS endpoint, such as a VPC endpoint's.
	Endpoint string
	// Proxy is the URL of an HTTP or HTTPS proxy, "" for HTTPS_PROXY's (see
	// http.ProxyFromEnvironment).
	Proxy string
	// FIPS chooses the region's FIPS 140 endpoint.
	FIPS bool
	// Timeout bounds every call as a whole, its retries included. 0 is 5 s.
	Timeout time.Duration
	// Credentials are asked for before each request, and may change; nil is the
	// default chain.
	Credentials func(context.Context) (Credentials, error)
	// Cure returns the advice that ends the text of an error, in the words of a
	// configuration; it may be nil.
	Cure func(*Error) string

	transport http.RoundTripper // for tests within the package
}

// Credentials are an access key. The SDK wants strings, which cannot be wiped;
// they open the door to the keys, and are none.
type Credentials struct {
	AccessKeyID, SecretAccessKey string
	SessionToken                 string // only for temporary credentials
}

// Blob is what AWS KMS has encrypted. Nothing in it is secret.
type Blob struct {
	// KeyARN is the KMS key that it is encrypted under. Decrypt with "" leaves the
	// choice to AWS KMS, which reads it from the data.
	KeyARN string
	Data   []byte
}

// Context is an encryption context (AWS KMS Developer Guide, "Encryption
// context"): it is bound to a blob and shows in logs. nil is none.
type Context map[string]string

// Key is what DescribeKey tells of a KMS key.
type Key struct {
	ARN         string
	State       string // "Enabled", "Disabled", "PendingDeletion", ...
	Usage       string // "ENCRYPT_DECRYPT", ...
	Spec        string // "SYMMETRIC_DEFAULT", ...
	Origin      string // "AWS_KMS", "EXTERNAL", ...
	Manager     string // "CUSTOMER" or "AWS"
	MultiRegion bool
	Deletion    time.Time // when it will be deleted; zero unless PendingDeletion
}

// Limits of AWS KMS in bytes: what Encrypt takes, and what GenerateDataKey makes.
const (
	MaxEncrypt  = 4096
	MaxGenerate = 1024
)

// MaxOnDemandRotations is how often a KMS key can be rotated on demand in its life.
const MaxOnDemandRotations = 25
