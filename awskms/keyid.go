package awskms

import "errors"

// ParseKeyID takes a KMS key as people write it: a key ID (UUID or mrk-...), an ARN of a
// key or an alias, "alias/NAME" or just the alias's NAME. It returns the form that
// AWS KMS takes, and the region of an ARN ("" for the others).
func ParseKeyID(text string) (keyID, region string, err error) {
	return "", "", errors.New("not yet written")
}
