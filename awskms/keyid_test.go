package awskms_test

import (
	"strings"
	"testing"

	"github.com/dbkeyring/dbkeyring/awskms"
)

func TestParseKeyID(t *testing.T) {
	const id = "1234abcd-12ab-34cd-56ef-1234567890ab"
	for _, tc := range []struct{ text, keyID, region string }{
		{id, id, ""},
		{strings.ToUpper(id), strings.ToUpper(id), ""},
		{"mrk-1234abcd12ab34cd56ef1234567890ab", "mrk-1234abcd12ab34cd56ef1234567890ab", ""},
		{"arn:aws:kms:eu-central-1:111122223333:key/" + id, "arn:aws:kms:eu-central-1:111122223333:key/" + id, "eu-central-1"},
		{"arn:aws-cn:kms:cn-north-1:111122223333:key/" + id, "arn:aws-cn:kms:cn-north-1:111122223333:key/" + id, "cn-north-1"},
		{"arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/a/b", "arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/a/b", "us-gov-west-1"},
		{"arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab", "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab", "us-east-1"},
		{"alias/db", "alias/db", ""},
		{"alias/aws/ebs", "alias/aws/ebs", ""},
		{"db", "alias/db", ""},
		{"a/b_c-D9", "alias/a/b_c-D9", ""},
		{id[1:], "alias/" + id[1:], ""}, // an alias may look like that
		{strings.Repeat("x", 250), "alias/" + strings.Repeat("x", 250), ""},
	} {
		keyID, region, err := awskms.ParseKeyID(tc.text)
		if err != nil || keyID != tc.keyID || region != tc.region {
			t.Errorf("%q: %q, %q, %v", tc.text, keyID, region, err)
		}
	}
	for _, bad := range []string{
		"", " ", "alias/", "/x", "a b", " db", "db\n", "a\x00b", "naïve", "a:b", strings.Repeat("x", 251), strings.Repeat(" ", 5000),
		"arn:aws:kms:eu-central-1:111122223333:" + id, "arn:aws:kms::111122223333:key/" + id, "arn:aws:kms:eu-central-1:1:key/" + id,
		"arn:aws:s3:eu-central-1:111122223333:key/" + id, "arn:aws:kms:eu-central-1:111122223333:key/", "arn:aws:kms:eu-central-1:111122223333:key/" + id + "\n",
	} {
		keyID, region, err := awskms.ParseKeyID(bad)
		if err == nil || keyID != "" || region != "" || !strings.Contains(err.Error(), "alias/NAME") || len(err.Error()) > 800 {
			t.Errorf("%.100q: %q, %q, %v", bad, keyID, region, err)
		}
	}
}
