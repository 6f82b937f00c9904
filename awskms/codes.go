package awskms

// code is what is known of an error code of AWS.
type code struct {
	class Class
	text  string // where AWS sends none
}

// codes are those of AWS KMS (its API reference, "Common Error Types" and those of
// the operations), and those of what gives credentials. What is not here goes by
// the HTTP status.
var codes = map[string]code{
	// Nobody could just now.
	"DependencyTimeoutException":          {Transient, "the system timed out while trying to fulfill the request"},
	"KMSInternalException":                {Transient, "an internal exception"},
	"InternalFailure":                     {Transient, "an unknown error"},
	"InternalServerError":                 {Transient, "an unknown error"},
	"InternalError":                       {Transient, "an unknown error"},
	"ServiceUnavailable":                  {Transient, "the service is unavailable"},
	"ServiceUnavailableException":         {Transient, "the service is unavailable"},
	"KeyUnavailableException":             {Transient, "the KMS key was not available"},
	"RequestTimeout":                      {Transient, "the request took too long"},
	"RequestTimeoutException":             {Transient, "the request took too long"},
	"CloudHsmClusterNotActiveException":   {Transient, "the CloudHSM cluster is not active"},
	"CustomKeyStoreInvalidStateException": {Transient, "the custom key store is not connected"},
	"XksProxyUriUnreachableException":     {Transient, "the external key store did not answer"},
	"XksProxyInvalidResponseException":    {Transient, "the external key store's answer was unclear"},
	"IDPCommunicationError":               {Transient, "the identity provider did not answer"},
	"UnknownOperationException":           {Operator, "this is no AWS KMS"},
	"UnsupportedOperationException":       {Usage, "the KMS key does not support this operation"},

	// Credentials.
	"AccessDenied":                        {Operator, "not allowed"},
	"AccessDeniedException":               {Operator, "not allowed"},
	"ExpiredToken":                        {Operator, "the credentials have expired"},
	"ExpiredTokenException":               {Operator, "the credentials have expired"},
	"IncompleteSignature":                 {Operator, "the request's signature is not complete"},
	"InvalidClientTokenId":                {Operator, "the access key is not known"},
	"InvalidIdentityToken":                {Operator, "the web identity token is not valid"},
	"InvalidSignatureException":           {Operator, "the request's signature does not match"},
	"MissingAuthenticationToken":          {Operator, "the request had no credentials"},
	"MissingAuthenticationTokenException": {Operator, "the request had no credentials"},
	"NotAuthorized":                       {Operator, "not allowed"},
	"OptInRequired":                       {Operator, "the account has no subscription"},
	"RequestExpired":                      {Operator, "this machine's clock is wrong"},
	"RequestTimeTooSkewed":                {Operator, "this machine's clock is wrong"},
	"SignatureDoesNotMatch":               {Operator, "the request's signature does not match"},
	"UnrecognizedClientException":         {Operator, "the access key is not known"},

	// The KMS key.
	"ConflictException":        {Operator, "another operation with the KMS key is going on"},
	"DisabledException":        {State, "the KMS key is disabled"},
	"KMSInvalidStateException": {State, "the KMS key's state does not allow it"},
	"LimitExceededException":   {Operator, "a quota of AWS KMS is used up"},
	"NotFoundException":        {Operator, "there is no such KMS key"},

	// The blob.
	"IncorrectKeyException":      {Corruption, "it is encrypted under another KMS key"},
	"InvalidCiphertextException": {Corruption, "the data is damaged, or belongs to another key or encryption context"},

	// What was asked.
	"DryRunOperationException":   {Usage, "only a dry run"},
	"InvalidArnException":        {Usage, "the ARN of the KMS key is not valid"},
	"InvalidGrantTokenException": {Usage, "the grant token is not valid"},
	"InvalidKeyUsageException":   {Usage, "the KMS key is not for encrypting"},
	"SerializationException":     {Usage, "AWS KMS does not understand the request"},
	"ValidationError":            {Usage, "the request is not valid"},
	"ValidationException":        {Usage, "the request is not valid"},
}

// throttling are the codes that ask for patience: Transient, and not to be asked again at once.
var throttling = map[string]bool{
	"BandwidthLimitExceeded":                 true,
	"LimitExceeded":                          true,
	"PriorRequestNotComplete":                true,
	"RequestLimitExceeded":                   true,
	"RequestThrottled":                       true,
	"RequestThrottledException":              true,
	"SlowDown":                               true,
	"ThrottledException":                     true,
	"Throttling":                             true,
	"ThrottlingException":                    true,
	"TooManyRequestsException":               true,
	"ProvisionedThroughputExceededException": true,
	"TransactionInProgressException":         true,
}
