package mongod

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/secret"
)

// ForMongod returns a mongod.conf without the options that a mongod which is not
// Percona's does not know, and does not start with: enableEncryption and the like, and
// the sections kmip and awsKms. All else stays, comments and order too; only blank lines
// may go. Changed is false if there are none, and the file can be used as it is.
//
// Every error is of type [config.Faults].
func ForMongod(file string) (text []byte, changed bool, err error) {
	r := newReader("")
	r.File = absolute("", file)
	data := r.ReadFile("Correct the path, or write the file.")
	if data == nil {
		return nil, false, r.Faults
	}
	defer secret.Wipe(data)
	doc, root, err := parse(data)
	if err != nil {
		line, problem := yamlReason(err)
		r.FileFault(line, problem, "Correct it: mongod.conf is YAML, which is indented with blanks.", err)
		return nil, false, r.Faults
	}
	if root == nil || root.Kind != yaml.MappingNode || !strip(root, "") {
		return append([]byte(nil), data...), false, nil
	}
	if len(root.Content) == 0 {
		return []byte("# There are no options but those of encryption.\n"), true, nil
	}
	text = encoded(doc)
	if _, _, err := parse(text); err != nil {
		r.FileFault(0, fmt.Sprintf("it has an anchor (&) at an option of encryption that is used elsewhere (%v)", err), "Write out what the aliases (*) stand for.", err)
		return nil, false, config.Faults(r.Faults)
	}
	return text, true, nil
}

// strip takes our options out of a section; false if there are none.
func strip(n *yaml.Node, path string) bool {
	var kept []*yaml.Node
	changed := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := key.Value
		if path != "" {
			name = path + "." + name
		}
		o := byName(name)
		ours := o.name != "" && !o.own || name == kmipSection || name == awsSection
		if !ours && value.Kind == yaml.MappingNode && isSection(name) && strip(value, name) {
			changed, ours = true, len(value.Content) == 0
		}
		if ours {
			changed = true
			continue
		}
		kept = append(kept, key, value)
	}
	n.Content = kept
	return changed
}
