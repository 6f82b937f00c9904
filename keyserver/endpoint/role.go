package endpoint

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Role is what an endpoint may do. No role that sees other endpoints' objects gets key
// bytes, and none that gets key bytes sees another's objects.
type Role string

// The roles. What each may do stands in package keyserver's table of permissions.
const (
	// Owner is a database: it makes objects, and uses and changes its group's.
	Owner Role = "owner"
	// Reader gets and uses its group's objects, and changes nothing.
	Reader Role = "reader"
	// SecurityEngineer sees the attributes of all objects and changes their states.
	SecurityEngineer Role = "security-engineer"
	// Operator enrols clients, on the server's own machine. Over KMIP it sees no object.
	Operator Role = "operator"
	// Auditor sees the attributes of all objects, and changes nothing.
	Auditor Role = "auditor"
	// Administrator is security engineer, operator and auditor in one.
	Administrator Role = "administrator"
)

// Roles returns all roles.
func Roles() []Role {
	return []Role{Owner, Reader, SecurityEngineer, Operator, Auditor, Administrator}
}

// ErrRole: there is no such role, or a role that has no objects was given a group.
var ErrRole = errors.New("a role is one of owner, reader, security-engineer, operator, auditor, administrator; owner and reader can have a group")

// SeesAll says whether the role sees the attributes of everybody's objects.
func (r Role) SeesAll() bool {
	return r == SecurityEngineer || r == Auditor || r == Administrator
}

// hasObjects says whether the role is that of a database.
func (r Role) hasObjects() bool { return r == Owner || r == Reader }

// checkRole looks at the role and the group that a new endpoint is to have. all is by name.
//
// Objects belong to a group, and an endpoint without one is the group of its own name. So
// no name may become a group's and another endpoint's by accident: who is put into a
// group is told to be so.
func checkRole(name string, o Options, all map[string]Endpoint) error {
	if o.Role != "" && !slices.Contains(Roles(), o.Role) {
		return fmt.Errorf("%q: %w", o.Role, ErrRole)
	}
	role := o.role()
	if o.Group != "" {
		if !role.hasObjects() {
			return fmt.Errorf("%s with the group %s: %w", role, o.Group, ErrRole)
		}
		if err := CheckName(o.Group); err != nil {
			return fmt.Errorf("group %w", err)
		}
	}
	group := o.Group
	if group == "" {
		group = name
	}
	if group == name { // is it one already?
		for _, e := range all {
			if e.Name != name && e.Group == name {
				return fmt.Errorf("%s: %w (%s is in it)", name, ErrGroup, e.Name)
			}
		}
		return nil
	}
	if of, ok := all[group]; ok { // the objects of that endpoint are to be shared
		switch {
		case !of.Role.hasObjects():
			return fmt.Errorf("group %s: %w: it is the name of an endpoint of the role %s", group, ErrGroup, of.Role)
		case of.Group != "" && of.Group != group:
			return fmt.Errorf("group %s: %w: it is the name of an endpoint that is in the group %s", group, ErrGroup, of.Group)
		case of.Removed != nil && !o.Reclaim:
			return fmt.Errorf("group %s: %w (removed)", group, ErrReclaim)
		}
	}
	return nil
}

// ErrGroup: the name is a group's, or is no group's.
var ErrGroup = errors.New("names of endpoints and of groups must not be mixed up")

// role is the role that a new endpoint has.
func (o Options) role() Role {
	switch {
	case o.Role != "":
		return o.Role
	case o.Admin:
		return Administrator
	}
	return Owner
}

// ParseRole reads a role's name.
func ParseRole(text string) (Role, error) {
	r := Role(strings.ToLower(text))
	if !slices.Contains(Roles(), r) {
		return "", fmt.Errorf("%q: %w", text, ErrRole)
	}
	return r, nil
}
