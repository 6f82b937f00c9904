package awskms

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// hosts is a transport that only looks where requests go.
type hosts []string

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=A/")
	*h = append(*h, r.URL.String()+" "+strings.Split(scope, "/")[1])
	return nil, errors.New("nobody is there")
}

// A key is asked for in its own region.
func TestRegions(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "AWS_USE_FIPS_ENDPOINT"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	const id = "1234abcd-12ab-34cd-56ef-1234567890ab"
	for _, tc := range []struct {
		o         Options
		key, want string
	}{
		{Options{}, id, "https://kms.eu-central-1.amazonaws.com/ eu-central-1"},
		{Options{}, "arn:aws:kms:us-west-2:111122223333:key/" + id, "https://kms.us-west-2.amazonaws.com/ us-west-2"},
		{Options{}, "arn:aws-cn:kms:cn-north-1:111122223333:key/" + id, "https://kms.cn-north-1.amazonaws.com.cn/ cn-north-1"},
		{Options{FIPS: true}, "alias/x", "https://kms-fips.eu-central-1.amazonaws.com/ eu-central-1"},
		{Options{FIPS: true}, "arn:aws:kms:us-west-2:111122223333:alias/x", "https://kms-fips.us-west-2.amazonaws.com/ us-west-2"},
		{Options{Endpoint: "https://vpce.example.com:8443"}, "alias/x", "https://vpce.example.com:8443/ eu-central-1"},
	} {
		var h hosts
		tc.o.Region, tc.o.transport = "eu-central-1", &h
		tc.o.Credentials = func(context.Context) (Credentials, error) {
			return Credentials{AccessKeyID: "A", SecretAccessKey: "s"}, nil
		}
		c, err := New(t.Context(), tc.o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Describe(t.Context(), tc.key); err == nil || len(h) == 0 || h[0] != tc.want {
			t.Errorf("%+v, %s: %v, %v, want %s", tc.o, tc.key, err, h, tc.want)
		}
		c.Close()
	}
}
