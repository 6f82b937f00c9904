package kmip

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/dbkeyring/dbkeyring/keyring"
	"github.com/dbkeyring/dbkeyring/kmip/kmipclient"
)

// Status tells what is worth watching: the server in use, the keys in memory, and
// why the last exchange failed, if it did.
func (r *Keyring) Status() []keyring.StatusRow {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s := r.client.Status()
	rows := []keyring.StatusRow{
		{Name: "Server_in_use", Value: orNone(s.Server)},
		{Name: "Server_in_use_since", Value: "<NONE>"},
		{Name: "Server_in_use_place", Value: "<NONE>"},
		{Name: "Kmip_version_in_use", Value: "<NONE>"},
		{Name: "Keys_loaded", Value: strconv.Itoa(len(r.keys))},
		{Name: "Keys_loaded_at", Value: r.loadedAt.UTC().Format(time.DateTime + " UTC")},
	}
	if s.Server != "" {
		rows[1].Value = s.Since.UTC().Format(time.DateTime + " UTC")
		rows[2].Value = fmt.Sprintf("%d of %d", s.Rank+1, len(r.o.Servers))
		rows[3].Value = s.Version.String()
	}
	out := 0
	for _, o := range r.keys {
		if inactive(o.state) {
			out++
		}
	}
	rows = append(rows,
		keyring.StatusRow{Name: "Keys_inactive", Value: strconv.Itoa(out)},
		keyring.StatusRow{Name: "Objects_passed_over", Value: strconv.Itoa(r.skipped + r.twins)})
	last := "<NONE>"
	var network *kmipclient.Error
	if errors.As(s.Err, &network) {
		last = r.networkFault("reach the key server", keyring.ID{}, network).Error()
	}
	return append(rows, keyring.StatusRow{Name: "Last_error", Value: last})
}

func orNone(s string) string {
	if s == "" {
		return "<NONE>"
	}
	return s
}
