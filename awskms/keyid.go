package awskms

import (
	"fmt"
	"regexp"
	"strings"
)

// Lengths are looked at beside the forms: a repeat count makes a big program of a
// regular expression, in every process that has this package.
var (
	uuid      = regexp.MustCompile(`^(?i:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$`)
	arn       = regexp.MustCompile(`^arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:(key/[A-Za-z0-9-]+|alias/[A-Za-z0-9/_-]+)$`)
	aliasName = regexp.MustCompile(`^[A-Za-z0-9/_-]+$`)
)

const maxAliasName = 250 // 256 with "alias/"

// forms is what ParseKeyID takes, for messages.
const forms = "the key ID (1234abcd-12ab-34cd-56ef-1234567890ab or mrk-...), its ARN (arn:aws:kms:REGION:ACCOUNT:key/...), " +
	"or an alias (alias/NAME, its ARN, or just NAME)"

// ParseKeyID takes a KMS key as people write it: a key ID (UUID or mrk-...), an ARN of a
// key or an alias, "alias/NAME" or just the alias's NAME. It returns the form that
// AWS KMS takes, and the region of an ARN ("" for the others).
func ParseKeyID(text string) (keyID, region string, err error) {
	if strings.TrimSpace(text) == "" {
		return "", "", fmt.Errorf("no KMS key is named: give %s", forms)
	}
	if m := arn.FindStringSubmatch(text); m != nil && len(m[2]) <= len("alias/")+maxAliasName {
		return text, m[1], nil
	}
	name := strings.TrimPrefix(text, "alias/")
	switch {
	case uuid.MatchString(text):
		return text, "", nil
	case aliasName.MatchString(name) && len(name) <= maxAliasName && name[0] != '/':
		return "alias/" + name, "", nil
	}
	return "", "", fmt.Errorf("%.300q is no KMS key: give %s", text, forms)
}

// regionOf is the region of an ARN, and "" for all else.
func regionOf(keyID string) string {
	if m := arn.FindStringSubmatch(keyID); m != nil {
		return m[1]
	}
	return ""
}

// isAlias says whether a key is named by an alias, which some operations do not take.
func isAlias(keyID string) bool {
	return strings.HasPrefix(keyID, "alias/") || strings.Contains(keyID, ":alias/")
}
