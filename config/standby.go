package config

import (
	"fmt"
	"slices"
)

// MaxStandbys is the most standby servers that keyring_okv and MySQL
// Enterprise's component_keyring_kmip take (manual, 6.4.8, "Configuring
// keyring_okv for Oracle Key Vault").
const MaxStandbys = 64

// PrimaryAndStandbys returns the servers in the order to try: each host:port,
// IPv6 addresses in brackets. What is wrong becomes a fault of the option that
// it stands in. A server that stands twice is taken once.
func (r *Reader) PrimaryAndStandbys(primaryOption, primary, standbyOption string, standbys []string) []string {
	const cure = "Write host:port, an IPv6 address in brackets: 198.51.100.20:5696, [2001:db8::1]:5696."
	var servers []string
	add := func(option, text, cure string) {
		server, err := ParseServer(text, "")
		switch {
		case err != nil:
			r.Fault(option, err.Error(), cure, nil)
		case slices.Contains(servers, server):
			r.Warn(option, server+" stands there already; it is tried once")
		default:
			servers = append(servers, server)
		}
	}
	if primary != "" {
		add(primaryOption, primary, cure+" Further servers belong into "+standbyOption+".")
	}
	if len(standbys) > MaxStandbys {
		r.Fault(standbyOption, fmt.Sprintf("Number of STANDBY_SERVER values exceeded maximum limit of %d: it has %d", MaxStandbys, len(standbys)),
			"Remove those that are no longer valid.", nil)
		return servers
	}
	for _, standby := range standbys {
		add(standbyOption, standby, cure)
	}
	return servers
}
