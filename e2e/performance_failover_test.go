//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dbkeyring/dbkeyring/kmip"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
	"github.com/dbkeyring/dbkeyring/kmip/kmiptest"
)

// documentedWait is how long MySQL's documentation has each attempt to connect
// take.
const documentedWait = 20 * time.Second

// reportFailover compares how long it takes to come to the first good server of a
// list. Network and time are simulated, so the figures are exact.
func reportFailover(b *testing.B, report *strings.Builder) {
	report.WriteString(`
## Servers that are down

The time to the first answer where so many servers before the good one swallow every packet, with the documented 20 seconds
for each attempt: our attempts overlap; the other client waits for one after the other. Network and time are simulated.

| dead servers before the good one | ours | one after the other | ratio |
|---:|---:|---:|---:|
`)
	for _, dead := range []int{1, 10, 64} {
		var ours, inTurn time.Duration
		if !inBubble(func(t *testing.T) { ours, inTurn = failoverTimes(t, dead) }) {
			b.Fatal("the simulation failed")
		}
		fmt.Fprintf(report, "| %d | %.2f s | %.0f s | %.0f times faster |\n", dead, ours.Seconds(), inTurn.Seconds(), inTurn.Seconds()/ours.Seconds())
		b.ReportMetric(ours.Seconds(), fmt.Sprintf("failover_%d_s", dead))
		if ours > 3*time.Second {
			b.Errorf("%d dead servers cost %v", dead, ours)
		}
	}
}

// inBubble runs f in a bubble of simulated time, which takes a test where there
// is a benchmark.
func inBubble(f func(*testing.T)) (ok bool) {
	return testing.RunTests(func(string, string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "simulated", F: func(t *testing.T) { synctest.Test(t, f) }}})
}

// failoverTimes is how long our client and one that waits in turn take.
func failoverTimes(t *testing.T, dead int) (ours, inTurn time.Duration) {
	ca, keeper, network := kmiptest.NewAuthority(t), &kmiptest.Keeper{}, kmiptest.NewNetwork(t)
	conf, serving := ca.ClientConfig(ca.Client("client")), ca.ServerConfig(ca.Server("localhost"))
	start := time.Now()
	conf.ServerName, conf.Time = "localhost", func() time.Time { return start } // the certificates are good for an hour
	serving.Time = conf.Time
	var servers []string
	for i := range dead { // where there is no host there is a black hole
		servers = append(servers, fmt.Sprintf("10.0.0.%d:5696", i+1))
	}
	servers = append(servers, "10.0.1.1:5696")
	network.Host("10.0.1.1:5696", serving, keeper.Handle)

	c, err := kmipclient.New(kmipclient.Options{Servers: servers, TLS: conf, ConnectTimeout: documentedWait, Dial: network.Dial, Resolve: network.Resolve})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Query(t.Context(), kmip.QueryOperations); err != nil {
		t.Fatal(err)
	}
	ours = time.Since(start)

	begun := time.Now()
	if err := connectInTurn(network, conf, servers); err != nil {
		t.Fatal(err)
	}
	return ours, time.Since(begun)
}

// connectInTurn is the way that MySQL's documentation describes.
func connectInTurn(network *kmiptest.Network, conf *tls.Config, servers []string) error {
	for _, s := range servers {
		ctx, cancel := context.WithTimeout(context.Background(), documentedWait)
		defer cancel()
		raw, err := network.Dial(ctx, "tcp", s)
		if err != nil {
			continue
		}
		c := tls.Client(raw, conf)
		defer c.Close()
		return c.HandshakeContext(ctx)
	}
	return errors.New("no server answers")
}
