package kmsdata

import (
	"strconv"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// Status tells what is worth watching.
func (r *Keyring) Status() []keyring.StatusRow {
	c := r.present()
	return []keyring.StatusRow{
		{Name: "Keys", Value: strconv.Itoa(len(c.order))},
		{Name: "Data_file_generation", Value: strconv.FormatUint(c.generation, 10)},
		{Name: "Kms_requests", Value: r.client.Counted()},
	}
}
