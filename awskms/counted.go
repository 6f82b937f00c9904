package awskms

import (
	"fmt"
	"slices"
	"strings"
)

// Counted is Requests for people: "12 (Decrypt 10, Encrypt 2)".
func (c *Client) Counted() string {
	var total int64
	var parts []string
	for op, n := range c.Requests() {
		total += n
		parts = append(parts, fmt.Sprintf("%s %d", op, n))
	}
	if total == 0 {
		return "0"
	}
	slices.Sort(parts)
	return fmt.Sprintf("%d (%s)", total, strings.Join(parts, ", "))
}
