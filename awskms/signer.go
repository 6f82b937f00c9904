package awskms

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// signer is the SDK's signer, anew for each secret access key. The SDK's own keeps what
// it derives from one for a day, by the access key ID alone: who corrects a wrong
// secret would go on with the wrong one.
type signer struct {
	mu     sync.Mutex
	secret string
	v4     *v4.Signer
}

// SignHTTP signs a request.
func (s *signer) SignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, hash, service, region string, at time.Time, o ...func(*v4.SignerOptions)) error {
	s.mu.Lock()
	if s.v4 == nil || s.secret != c.SecretAccessKey {
		s.v4, s.secret = v4.NewSigner(), c.SecretAccessKey
	}
	use := s.v4
	s.mu.Unlock()
	return use.SignHTTP(ctx, c, r, hash, service, region, at, o...)
}
