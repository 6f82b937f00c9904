package kmip_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	backend "github.com/dbkeyring/dbkeyring/backend/kmip"
	"github.com/dbkeyring/dbkeyring/internal/faultnet"
	"github.com/dbkeyring/dbkeyring/keyserver/keyservertest"
	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/secret"
)

// BenchmarkOpen is the start-up of a keyring on our key server, and beside it
// what it replaces: one request per object and question, over one connection
// ("one by one") and over a new one each ("connections"), as the older generation
// of Percona's component does it. The last rows have a network of 1 ms between.
func BenchmarkOpen(b *testing.B) {
	for _, c := range []struct {
		keys  int
		delay time.Duration
	}{{1000, 0}, {10000, 0}, {1000, time.Millisecond}} {
		n := c.keys
		server := keyservertest.New(b)
		cert, key := server.NewClient("mysql")
		direct := server.Addr
		if c.delay > 0 {
			p := faultnet.New(b, server.Addr)
			p.Set(faultnet.Delay(c.delay))
			direct = p.Addr()
		}
		o := backend.Options{Servers: []string{direct}, ClientCertFile: cert, ClientKeyFile: key, ServerCAFile: server.CAFile, StartTimeout: time.Minute}
		connect := func(o kmipclient.Options) *kmipclient.Client {
			o.Servers, o.TLS = append(o.Servers, direct)[:1], server.ClientConfig(cert, key)
			c, err := kmipclient.New(o)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { c.Close() })
			return c
		}
		fill(b, connect(kmipclient.Options{Servers: []string{server.Addr}}), n)
		b.Run(fmt.Sprintf("keys=%d/network=%v/batches", n, c.delay), func(b *testing.B) {
			for b.Loop() {
				k, err := backend.Open(b.Context(), o, nil)
				if err != nil {
					b.Fatal(err)
				}
				if ids, _ := k.List(b.Context()); len(ids) != n {
					b.Fatalf("%d keys", len(ids))
				}
				k.Close()
			}
		})
		for name, co := range map[string]kmipclient.Options{"one-by-one": {}, "connections": {MaxAge: 1}} {
			if name == "connections" && n*(1+int(c.delay)) > 1000 {
				continue // minutes
			}
			b.Run(fmt.Sprintf("keys=%d/network=%v/%s", n, c.delay, name), func(b *testing.B) {
				c := connect(co)
				for b.Loop() {
					oneByOne(b, c, n)
				}
			})
		}
	}
}

func fill(b *testing.B, c *kmipclient.Client, n int) {
	b.Helper()
	d := secret.Copy(bytesOf(32, 1))
	defer d.Wipe()
	for i := range n {
		r, err := c.Register(context.Background(), &kmip.RegisterRequest{
			ObjectType: kmip.ObjectTypeSymmetricKey, Object: kmip.SymmetricKey(kmip.AlgorithmAES, d),
			Template: kmip.Template{Attributes: kmip.Attributes{
				kmip.NameAttribute(fmt.Sprintf("INNODBKey-764d382a-7324-11e9-ad8f-9cb6d0d5dc99-%d", i)),
				kmip.EnumerationAttribute(kmip.AttrCryptographicAlgorithm, kmip.AlgorithmAES),
				kmip.IntegerAttribute(kmip.AttrCryptographicLength, 256),
				kmip.IntegerAttribute(kmip.AttrCryptographicUsageMask, 0x0C),
			}},
		})
		if err == nil {
			_, err = c.Activate(context.Background(), r.UniqueIdentifier)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// oneByOne reads all keys with a request for each page of 16, each object and
// each object's name.
func oneByOne(b *testing.B, c *kmipclient.Client, n int) {
	ctx, keys := context.Background(), 0
	for {
		offset := int32(keys)
		res, err := c.Locate(ctx, &kmip.LocateRequest{MaximumItems: 16, OffsetItems: &offset,
			Attributes: kmip.Attributes{kmip.EnumerationAttribute(kmip.AttrObjectType, kmip.ObjectTypeSymmetricKey)}})
		if err != nil {
			b.Fatal(err)
		}
		for _, uid := range res.UniqueIdentifiers {
			g, err := c.Get(ctx, uid)
			if err != nil {
				b.Fatal(err)
			}
			g.Object.Wipe()
			if _, err := c.GetAttributes(ctx, uid, kmip.AttrName); err != nil {
				b.Fatal(err)
			}
			keys++
		}
		if len(res.UniqueIdentifiers) < 16 {
			break
		}
	}
	if keys != n {
		b.Fatalf("%d keys", keys)
	}
}
