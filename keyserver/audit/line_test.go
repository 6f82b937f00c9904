package audit

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// line is what an Entry looks like in the file, for encoding/json.
type line struct {
	Time      time.Time `json:"time"`
	Endpoint  string    `json:"endpoint"`
	Remote    string    `json:"remote,omitempty"`
	Op        string    `json:"op"`
	UID       string    `json:"uid,omitempty"`
	Names     []string  `json:"names,omitempty"`
	From      []string  `json:"from,omitempty"`
	Result    string    `json:"result"`
	Reason    string    `json:"reason,omitempty"`
	LatencyUS int64     `json:"latency_us"`
}

// A line is, but for the chain, byte for byte what encoding/json would have made.
func TestAppendLine_EqualsEncodingJSON(t *testing.T) {
	text := rapid.OneOf(rapid.StringMatching(`[ -~]*`), rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"", "a\nb", "\xff", "\u2028", `"\`, "<&>", "\x7f", "é"}))
	rapid.Check(t, func(t *rapid.T) {
		e := Entry{
			Time:     time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).In(time.FixedZone("CET", 3600)),
			Endpoint: text.Draw(t, "endpoint"), Remote: text.Draw(t, "remote"), Op: text.Draw(t, "op"), UID: text.Draw(t, "uid"),
			Names: rapid.SliceOfN(text, 0, 3).Draw(t, "names"), From: rapid.SliceOfN(text, 0, 2).Draw(t, "from"), Result: text.Draw(t, "result"), Reason: text.Draw(t, "reason"),
			Latency: time.Duration(rapid.Int64Range(-1e6, 1e12).Draw(t, "latency")),
		}
		want, err := json.Marshal(line{e.Time.UTC(), e.Endpoint, e.Remote, e.Op, e.UID, e.Names, e.From, e.Result, e.Reason, e.Latency.Microseconds()})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(e.appendLine(nil)) + "}"; got != string(want) {
			t.Errorf("%s\n%s", got, want)
		}
	})
}
