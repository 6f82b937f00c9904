package bridge

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFit(t *testing.T) {
	for _, short := range []string{"", "kms1:5696", strings.Repeat("x", maxStatusValue)} {
		if fit(short) != short {
			t.Errorf("%d bytes were cut", len(short))
		}
	}
	for _, long := range []string{strings.Repeat("x", maxStatusValue+1), strings.Repeat("é", maxStatusValue)} {
		got := fit(long)
		if len(got) > maxStatusValue || len(got) < maxStatusValue-4 || !utf8.ValidString(got) || !strings.HasSuffix(got, "...") {
			t.Errorf("%d bytes became %d, ending in %q", len(long), len(got), got[len(got)-6:])
		}
	}
}
