package config_test

import (
	"testing"

	"github.com/dbkeyring/dbkeyring/config"
)

func TestParseServer(t *testing.T) {
	for _, c := range []struct{ in, port, want, err string }{
		{"127.0.0.1", "5696", "127.0.0.1:5696", ""},
		{" keys.example.com ", "5696", "keys.example.com:5696", ""},
		{"keys.example.com.:1", "5696", "keys.example.com.:1", ""},
		{"kms_1:5697", "", "kms_1:5697", ""},
		{"::1", "5696", "[::1]:5696", ""},
		{"[::1]", "5696", "[::1]:5696", ""},
		{"[fe80::1%eth0]:7", "5696", "[fe80::1%eth0]:7", ""},
		{"fe80::1:5696", "1", "[fe80::1:5696]:1", ""},
		{"host", "", "", `"host" has no port`},
		{"host:", "1", "", `"host:" has no port after its colon`},
		{"[::1]:", "1", "", `"[::1]:" has no port after its colon`},
		{"[::1", "1", "", `"[::1" is not [address] or [address]:port`},
		{"[::1]5696", "1", "", `"[::1]5696" is not [address] or [address]:port`},
		{"[127.0.0.1]:1", "1", "", `"[127.0.0.1]:1" has an IPv4 address in brackets`},
		{"[host]:1", "1", "", `"host" is neither a host name nor an IP address`},
		{"host:0", "1", "", `"0" is not a port, which is a number from 1 to 65535`},
		{"host:65536", "1", "", `"65536" is not a port, which is a number from 1 to 65535`},
		{"host:+1", "1", "", `"+1" is not a port, which is a number from 1 to 65535`},
		{"kmip://host:1", "1", "", `"kmip://host:1" is a URL, leave "kmip://" out`},
		{"256.1.1.1", "1", "", `"256.1.1.1" is neither a host name nor an IP address`},
		{"a b", "1", "", `"a b" is neither a host name nor an IP address`},
		{"a/b", "1", "", `"a/b" is neither a host name nor an IP address`},
		{"", "1", "", `"" is neither a host name nor an IP address`},
		{":5696", "1", "", `"" is neither a host name nor an IP address`},
		{"a:b:c", "1", "", `"a:b:c" is neither a host name nor an IP address`},
	} {
		got, err := config.ParseServer(c.in, c.port)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != c.want || text != c.err {
			t.Errorf("%q: %q, %q; want %q, %q", c.in, got, text, c.want, c.err)
		}
	}
}
