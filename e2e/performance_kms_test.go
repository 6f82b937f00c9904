//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/awskms/kmstest"
	"github.com/dbkeyring/dbkeyring/backend/kmsdata"
	"github.com/dbkeyring/dbkeyring/backend/kmsfile"
	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/secret"
)

// kmsDelay stands for the network to AWS KMS: moto has none, and takes its time.
const kmsDelay = 5 * time.Millisecond

// reportStartKMS compares how long component_keyring_kms takes to have all keys.
func reportStartKMS(b *testing.B, report *strings.Builder) {
	fmt.Fprintf(report, `
## Start of component_keyring_kms

How long the component takes to have all keys in memory: our way (32 requests at a time), against one Decrypt after the other over
a kept connection. moto is Debian's, a program in Python; the other one answers after %v and does little else.

| AWS KMS | keys | our start | one Decrypt at a time | ratio |
|---|---:|---:|---:|---:|
`, kmsDelay)
	moto := sharedKMS(b)
	delayed, arn := stubKMS(b)
	delayed.SetBefore(func(string, int) *kmstest.Fault { return &kmstest.Fault{Delay: kmsDelay} })
	for _, c := range []struct{ name, url, key string }{{"moto", moto.url, moto.newKey(region)}, {fmt.Sprintf("%v away", kmsDelay), delayed.URL, arn}} {
		const keys = 1_000
		ctx := context.Background()
		o := kmsfile.Options{
			Path: filepath.Join(tempDir(b), "aws-keyring-data"), Keys: []string{c.key}, StartTimeout: 5 * time.Minute,
			AWS: awskms.Options{Region: region, Endpoint: c.url, Timeout: time.Minute,
				Credentials: func(context.Context) (awskms.Credentials, error) { return accessKey, nil }},
		}
		blobs := fillKMS(b, o, keys)
		client, err := awskms.New(ctx, o.AWS)
		if err != nil {
			b.Fatal(err)
		}
		defer client.Close()
		var ours, single []time.Duration
		for range 3 {
			start := time.Now()
			r, err := kmsfile.Open(ctx, o, nil)
			if err != nil {
				b.Fatal(err)
			}
			ours = append(ours, time.Since(start))
			if ids, err := r.List(ctx); err != nil || len(ids) != keys {
				b.Fatalf("%d of %d keys, %v", len(ids), keys, err)
			}
			r.Close()
			start = time.Now()
			for _, blob := range blobs {
				plain, err := client.Decrypt(ctx, blob, nil)
				if err != nil {
					b.Fatal(err)
				}
				plain.Wipe()
			}
			single = append(single, time.Since(start))
		}
		a, z := median(ours), median(single)
		fmt.Fprintf(report, "| %s | %d | %v | %v | %.1f times faster |\n", c.name, keys, a.Round(time.Millisecond), z.Round(time.Millisecond), float64(z)/float64(a))
		b.ReportMetric(float64(z)/float64(a), "start_kms_"+strings.Fields(c.name)[0]+"_x")
	}
}

// fillKMS makes a file with so many keys of InnoDB's kind, and returns them as they
// are in it.
func fillKMS(b testing.TB, o kmsfile.Options, keys int) (blobs []awskms.Blob) {
	b.Helper()
	ctx := context.Background()
	r, err := kmsfile.Open(ctx, o, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	var ids []keyring.ID
	var values []keyring.Key
	for i := range keys {
		ids = append(ids, keyring.ID{Name: fmt.Sprintf("INNODBKey-5c2a1b3e-7d4f-11f0-8c9d-0e1f2a3b4c5d-%d", i)})
		values = append(values, keyring.Key{Type: keyring.TypeAES, Data: secret.Random(32)})
	}
	if err := r.StoreAll(ctx, ids, values); err != nil {
		b.Fatal(err)
	}
	for _, v := range values {
		v.Wipe()
	}
	for _, line := range strings.Split(readFile(b, o.Path), `"data":"`)[1:] {
		text, _, _ := strings.Cut(line, `"`)
		blobs = append(blobs, awskms.Blob{Data: blobOf(b, text)})
	}
	return blobs
}

// reportRequestsKMS counts what each operation asks of AWS KMS: that is what costs
// money, and counts towards quotas.
func reportRequestsKMS(b *testing.B, report *strings.Builder) {
	const keys = 100
	report.WriteString(`
## Requests to AWS KMS

What each operation asks of AWS KMS; ` + fmt.Sprint(keys) + ` keys are in the file.

| operation | component_keyring_kms | keyring_aws |
|---|---|---|
`)
	var columns [2]map[string]string
	for i, open := range []func(awskms.Options, string, string) (rewrappable, error){
		func(o awskms.Options, dir, arn string) (rewrappable, error) {
			return kmsfile.Open(context.Background(), kmsfile.Options{Path: filepath.Join(dir, "data"), Keys: []string{arn}, AWS: o}, nil)
		},
		func(o awskms.Options, dir, arn string) (rewrappable, error) {
			return kmsdata.Open(context.Background(), kmsdata.Options{DataFile: filepath.Join(dir, "data"), KeyID: arn, AWS: o}, nil)
		},
	} {
		columns[i] = countRequests(b, keys, open)
	}
	for _, op := range []string{"start", "generate", "store", "fetch", "remove", "list", "rotate_keys"} {
		name := op
		if op == "start" || op == "rotate_keys" {
			name += fmt.Sprintf(", %d keys", keys)
		}
		fmt.Fprintf(report, "| %s | %s | %s |\n", name, columns[0][op], columns[1][op])
	}
}

type rewrappable interface {
	keyring.Keyring
	keyring.Rewrapper
}

func countRequests(b *testing.B, keys int, open func(awskms.Options, string, string) (rewrappable, error)) map[string]string {
	s, arn := stubKMS(b)
	dir, ctx := tempDir(b), context.Background()
	r, err := open(s.Options(), dir, arn)
	if err != nil {
		b.Fatal(err)
	}
	for i := range keys {
		if err := r.Generate(ctx, keyring.ID{Name: fmt.Sprint("k", i)}, keyring.TypeAES, 32); err != nil {
			b.Fatal(err)
		}
	}
	r.Close()
	counts := map[string]string{}
	value := keyring.Key{Type: keyring.TypeAES, Data: secret.Random(32)}
	defer value.Wipe()
	id, other := keyring.ID{Name: "made"}, keyring.ID{Name: "given"}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"start", func() (err error) { r, err = open(s.Options(), dir, arn); return err }},
		{"generate", func() error { return r.Generate(ctx, id, keyring.TypeAES, 32) }},
		{"store", func() error { return r.Store(ctx, other, value) }},
		{"fetch", func() error {
			k, err := r.Fetch(ctx, id)
			if err == nil {
				k.Wipe()
			}
			return err
		}},
		{"list", func() error { _, err := r.List(ctx); return err }},
		{"remove", func() error { return r.Remove(ctx, id) }},
		{"", func() error { return r.Remove(ctx, other) }},
		{"rotate_keys", func() error { return r.Rewrap(ctx, nil) }},
	} {
		before := s.Requests()
		if err := step.do(); err != nil {
			b.Fatal(err)
		}
		var asked []string
		for _, op := range slices.Sorted(maps.Keys(s.Requests())) {
			if n := s.Requests()[op] - before[op]; n > 0 {
				asked = append(asked, fmt.Sprintf("%d %s", n, op))
			}
		}
		counts[step.name] = "none"
		if len(asked) > 0 {
			counts[step.name] = strings.Join(asked, ", ")
		}
	}
	r.Close()
	return counts
}
