package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/keyserver/rootkey"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/secret"
)

// rootPhraseFlag is for commands that run without somebody at a terminal.
type rootPhraseFlag struct {
	RootPhraseFile string `name:"root-passphrase-file" placeholder:"FILE" help:"A file that has the pass phrase of the root key, if it is made of one. Without it: the credential dbkeyring-root-passphrase of systemd, DBKEYRING_ROOT_PASSPHRASE, or the terminal."`
}

func rootPhrase(file string) phraseSource {
	return phraseSource{what: "the root key's pass phrase", option: "--root-passphrase-file", file: file, credential: "dbkeyring-root-passphrase", variable: "DBKEYRING_ROOT_PASSPHRASE"}
}

func newRootPhrase(file string) phraseSource {
	return phraseSource{what: "the new pass phrase", option: "--passphrase-file", file: file, credential: "dbkeyring-new-root-passphrase", variable: "DBKEYRING_NEW_ROOT_PASSPHRASE"}
}

// rootSources are the kinds of root key besides that of a file. phraseFile may be "".
func rootSources(p *process, phraseFile string) rootkey.Sources {
	return rootkey.Sources{
		rootkey.KindPassPhrase: rootkey.PassPhrase{Ask: func() (*secret.Bytes, error) { return rootPhrase(phraseFile).read(p, false) }},
		rootkey.KindKMIP: rootkey.FromKMIP{Fetch: func(ctx context.Context, k rootkey.KMIP) (*secret.Bytes, error) {
			return fetchRootKey(ctx, p, k)
		}},
		rootkey.KindAWSKMS: rootkey.FromAWSKMS{Dial: dialRootKey, Resolve: resolveRootKey},
	}
}

// fetchRootKey reads a root key from another KMIP server.
func fetchRootKey(ctx context.Context, p *process, k rootkey.KMIP) (root *secret.Bytes, err error) {
	flags := clientFlags{Config: k.Config, Server: k.Server, Cert: k.Cert, Key: k.KeyFile, CA: k.CA}
	err = flags.withClient(p, func(_ context.Context, c *kmipclient.Client) error {
		answer, err := c.Get(ctx, k.Key)
		if err != nil {
			return err
		}
		defer kmip.WipePayload(answer)
		if answer.ObjectType != kmip.ObjectTypeSymmetricKey {
			return fmt.Errorf("it is a %s, and no Symmetric Key", answer.ObjectType)
		}
		root = answer.Object.Content().Clone()
		return nil
	})
	if f := (*failed)(nil); errors.As(err, &f) { // its cure is for another command line
		f.hint = "nothing was changed. The server needs this key at each start: see that it can be read, and try again"
	}
	return root, err
}

// awsContext is what AWS KMS logs and checks with each use of a root key.
func awsContext() awskms.Context { return awskms.Context{"dbkeyring": "root key"} }

// awsRootKey is a key of AWS KMS, which does not leave it.
type awsRootKey struct {
	client *awskms.Client
	key    string
}

func newAWSRootKey(ctx context.Context, k rootkey.AWSKMS) (*awsRootKey, error) {
	client, err := awskms.New(ctx, awskms.Options{Region: k.Region, Endpoint: k.Endpoint, Cure: awsRootCure})
	if err != nil {
		return nil, err
	}
	return &awsRootKey{client, k.Key}, nil
}

func dialRootKey(ctx context.Context, k rootkey.AWSKMS) (rootkey.Key, error) {
	key, err := newAWSRootKey(ctx, k)
	if err != nil {
		return nil, err // and no Key that is a nil pointer
	}
	return key, nil
}

func resolveRootKey(ctx context.Context, k rootkey.AWSKMS) (arn string, err error) {
	key, err := newAWSRootKey(ctx, k)
	if err != nil {
		return "", err
	}
	defer key.Wipe()
	probe := secret.Random(rootkey.Size)
	defer probe.Wipe()
	blob, err := key.encrypt(ctx, probe) // which needs no other permission
	return blob.KeyARN, err
}

func awsRootCure(err *awskms.Error) string {
	switch err.Class {
	case awskms.Transient:
		return "Nothing was changed; start again when AWS KMS can be reached"
	case awskms.Operator:
		return "The server needs credentials that may kms:Encrypt and kms:Decrypt with the key"
	case awskms.State:
		return "Enable the key, or cancel its deletion: without it the key server cannot start"
	}
	return ""
}

// Wrap implements [rootkey.Key].
func (k *awsRootKey) Wrap(ctx context.Context, plain *secret.Bytes) ([]byte, error) {
	blob, err := k.encrypt(ctx, plain)
	return blob.Data, err
}

func (k *awsRootKey) encrypt(ctx context.Context, plain *secret.Bytes) (awskms.Blob, error) {
	return k.client.Encrypt(ctx, k.key, plain, awsContext())
}

// Unwrap implements [rootkey.Key].
func (k *awsRootKey) Unwrap(ctx context.Context, wrapped []byte) (*secret.Bytes, error) {
	plain, err := k.client.Decrypt(ctx, awskms.Blob{KeyARN: k.key, Data: wrapped}, awsContext())
	if e := (*awskms.Error)(nil); errors.As(err, &e) && e.Class == awskms.Corruption {
		return nil, fmt.Errorf("%w: %w", rootkey.ErrWrong, err)
	}
	return plain, err
}

// Wipe implements [rootkey.Key].
func (k *awsRootKey) Wipe() { _ = k.client.Close() }

// explainRootKey adds the cure to an error of the root key.
func explainRootKey(err error) error {
	var aws *awskms.Error
	switch f := (*failed)(nil); {
	case err == nil || errors.As(err, &f):
		return err
	case errors.As(err, &aws) && aws.Class == awskms.Transient:
		return &failed{err: err, code: exitUnreachable}
	case !errors.Is(err, rootkey.ErrWrong):
		return err
	}
	return &failed{err: err, hint: "nothing was changed. 'dbkeyring root-key show' tells which root key is needed"}
}
