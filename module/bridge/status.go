package bridge

import "github.com/dbkeyring/dbkeyring/keyring"

// What the status table says of every component of ours.
const (
	Author  = "dbkeyring"
	License = "Apache-2.0"
	Version = "1.0"
)

// status returns the rows in the order of MySQL's own components: Component_name
// must be the first, since XtraBackup reads the component's name from the first row.
func (in *instance) status() []keyring.StatusRow {
	active := "Disabled"
	st := in.acquire()
	if st != nil {
		defer st.use.RUnlock()
		if !st.broken.Load() {
			active = "Active"
		}
	}
	rows := []keyring.StatusRow{
		{Name: "Component_name", Value: in.component},
		{Name: "Author", Value: Author},
		{Name: "License", Value: License},
		{Name: "Implementation_name", Value: in.component},
		{Name: "Version", Value: Version},
		{Name: "Component_status", Value: active},
	}
	if config := in.rows.Load(); config != nil {
		rows = append(rows, *config...)
	}
	if st == nil || st.broken.Load() {
		return withValues(rows)
	}
	if r, ok := st.keyring.(keyring.StatusReporter); ok {
		// A fault here must not keep the rest of the table from the user.
		_ = protect(func() error { rows = append(rows, r.Status()...); return nil })
	}
	return withValues(rows)
}

// withValues shows an empty value as MySQL's own components do.
func withValues(rows []keyring.StatusRow) []keyring.StatusRow {
	for i := range rows {
		if rows[i].Value == "" {
			rows[i].Value = "<NONE>"
		}
	}
	return rows
}
