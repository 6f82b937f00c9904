package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// ParseServer reads "host", "host:port", an IPv6 address, "[v6]" or "[v6]:port",
// with blanks around it, and returns "host:port" as net.Dial takes it. An empty
// defaultPort means that there is none: the port must then be in the text.
func ParseServer(text, defaultPort string) (string, error) {
	text = strings.TrimSpace(text)
	host, port := text, ""
	if scheme, _, ok := strings.Cut(text, "://"); ok {
		return "", fmt.Errorf("%q is a URL, leave %q out", text, scheme+"://")
	}
	bracketed := strings.HasPrefix(text, "[")
	switch {
	case bracketed:
		var after string
		var closed bool
		host, after, closed = strings.Cut(text[1:], "]")
		if !closed || after != "" && !strings.HasPrefix(after, ":") {
			return "", fmt.Errorf("%q is not [address] or [address]:port", text)
		}
		port = strings.TrimPrefix(after, ":")
		if after == ":" {
			return "", fmt.Errorf("%q has no port after its colon", text)
		}
	case strings.Count(text, ":") == 1:
		host, port, _ = strings.Cut(text, ":")
		if port == "" {
			return "", fmt.Errorf("%q has no port after its colon", text)
		}
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if bracketed && addr.Is4() {
			return "", fmt.Errorf("%q has an IPv4 address in brackets", text)
		}
	} else if bracketed || !isHostName(host) {
		return "", fmt.Errorf("%q is neither a host name nor an IP address", host)
	}
	if port == "" {
		port = defaultPort
	}
	if port == "" {
		return "", fmt.Errorf("%q has no port", text)
	}
	n, err := ParsePort(port)
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(n)), nil
}

// ParsePort reads a TCP port, with blanks around it.
func ParsePort(text string) (int, error) {
	text = strings.TrimSpace(text)
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not a port, which is a number from 1 to 65535", text)
	}
	return int(n), nil
}

// isHostName allows what resolvers do: letters, digits, hyphens, dots, and the
// underscore of many a container's name. Only digits and dots is a mistyped
// IPv4 address.
func isHostName(s string) bool {
	if s == "" || len(s) > 254 || strings.Contains(s, "..") || s[0] == '.' || s[0] == '-' {
		return false
	}
	letters := false
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_', c == '-':
			letters = true
		case '0' <= c && c <= '9', c == '.':
		default:
			return false
		}
	}
	return letters
}
