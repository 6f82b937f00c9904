package kmip

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/dbkeyring/dbkeyring/keyring"
)

// innodbKey is the name of a master key of InnoDB, which has the UUID of the
// MySQL server that made it.
var innodbKey = regexp.MustCompile(`^INNODBKey-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-[0-9]+$`)

// serverOf returns the UUID of the MySQL server that made a key, "" where the key
// does not tell.
func serverOf(id keyring.ID) string {
	if m := innodbKey.FindStringSubmatch(id.Name); m != nil && id.Owner == "" {
		return m[1]
	}
	return ""
}

func serversOf(l *loaded) []string {
	servers := map[string]bool{}
	for id := range l.keys {
		if uuid := serverOf(id); uuid != "" {
			servers[uuid] = true
		}
	}
	return slices.Sorted(maps.Keys(servers))
}

const interfere = "each MySQL Server must be registered separately as a client of the key server: servers that use the same credentials can interfere with each other's functioning"

// warnForeign warns if the keys are of several MySQL servers. Which of them the
// database is cannot be known yet; a database that was restored, or has got
// another UUID, has such keys as well.
func (r *Keyring) warnForeign(l *loaded) {
	if servers := serversOf(l); r.o.Profile == ProfileOKV && len(servers) > 1 {
		r.log.Warn("there are InnoDB keys of several MySQL servers ("+strings.Join(servers, ", ")+"); "+interfere, "servers", len(servers))
	}
}

// warnForeignTo warns when a key is generated that tells which server the database
// is, and there are keys of others.
func (r *Keyring) warnForeignTo(id keyring.ID) {
	own := serverOf(id)
	if own == "" {
		return
	}
	r.mu.RLock()
	servers := serversOf(r.loaded)
	r.mu.RUnlock()
	servers = slices.DeleteFunc(servers, func(uuid string) bool { return uuid == own })
	if len(servers) > 0 {
		r.log.Warn("MySQL server "+own+" makes an InnoDB key where there are keys of "+strings.Join(servers, ", ")+"; "+interfere, "server", own)
	}
}
