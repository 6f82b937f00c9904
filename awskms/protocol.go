package awskms

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/dbkeyring/dbkeyring/secret"
)

// protocol is the SDK's protocol, less what would leave keys in memory: it writes the
// body of Encrypt itself, and takes the plaintext out of an answer before the SDK sees it.
type protocol struct{ smithyhttp.ClientProtocol }

// SerializeRequest writes the request.
func (p protocol) SerializeRequest(ctx context.Context, s *smithy.OperationSchema, in smithy.Serializable, r *smithyhttp.Request) error {
	encrypt, ok := in.(*kms.EncryptInput)
	x := exchangeOf(ctx)
	if !ok || x == nil {
		return p.ClientProtocol.SerializeRequest(ctx, s, in, r)
	}
	rest := *encrypt
	rest.Plaintext = nil
	if err := p.ClientProtocol.SerializeRequest(ctx, s, &rest, r); err != nil {
		return err
	}
	others, err := io.ReadAll(r.GetStream()) // nothing secret
	if err != nil {
		return err
	}
	b, err := newBody(encrypt.Plaintext, others)
	if err != nil {
		return err
	}
	x.body = b
	with, err := r.SetStream(b)
	if err != nil {
		return err
	}
	*r = *with
	return nil
}

// maxAnswer is twice as much as the longest answer with a plaintext.
const maxAnswer = 16 << 10

// plaintext receives what an answer has deciphered.
type plaintext struct{ bytes *secret.Bytes }

// DeserializeResponse reads the answer.
func (p protocol) DeserializeResponse(ctx context.Context, s *smithy.OperationSchema, types *smithy.TypeRegistry, r *smithyhttp.Response, out smithy.Deserializable) error {
	secretive := false
	switch out.(type) {
	case *kms.DecryptOutput, *kms.GenerateDataKeyOutput:
		secretive = r.StatusCode >= 200 && r.StatusCode < 300
	}
	if !secretive {
		return p.ClientProtocol.DeserializeResponse(ctx, s, types, r, out)
	}
	buf := secret.New(maxAnswer)
	defer buf.Wipe()
	body, err := readAll(r.Body, buf.Reveal())
	if err != nil {
		return &answerError{err}
	}
	plain, err := takePlaintext(body)
	if err != nil {
		return &answerError{err}
	}
	if x := exchangeOf(ctx); x != nil && x.got != nil {
		x.got.bytes.Wipe()
		x.got.bytes = plain
	} else {
		plain.Wipe()
	}
	rest := bytes.Clone(body) // the SDK may read it when buf is wiped, and another's
	r.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(rest), r.Body}
	return p.ClientProtocol.DeserializeResponse(ctx, s, types, r, out)
}

// readAll reads to the end into buf and returns what was read.
func readAll(r io.Reader, buf []byte) ([]byte, error) {
	n := 0
	for {
		if n == len(buf) {
			return nil, errors.New("it is too long")
		}
		got, err := r.Read(buf[n:])
		n += got
		if err == io.EOF {
			return buf[:n], nil
		}
		if err != nil {
			return nil, err
		}
	}
}
