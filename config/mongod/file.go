package mongod

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dbkeyring/dbkeyring/config"
)

// readFile files what mongod.conf says. mongod flattens its YAML: an option is the path
// to it, however it is cut into sections, and below an option the name "value" is that
// option itself.
// It is false if nothing can be said about the options.
func (r *reader) readFile(data []byte) bool {
	_, root, err := parse(data)
	if err != nil {
		line, problem := yamlReason(err)
		r.FileFault(line, problem, "Correct it: mongod.conf is YAML, which is indented with blanks.", err)
		return false
	}
	switch {
	case root == nil: // mongod takes an empty file
	case root.Kind == yaml.MappingNode:
		r.section(root, "")
	case oldForm.Match(data):
		r.FileFault(0, "it is in the old form of lines NAME = VALUE, in which mongod has no options for encryption",
			"Write it as YAML, as MongoDB's manual has it under \"Configuration File Options\".", nil)
		return false
	default:
		r.FileFault(root.Line, "there are no sections with options in it", "Write it as YAML, such as \"security:\" and below that, indented, \"enableEncryption: true\".", nil)
		return false
	}
	return true
}

// oldForm is a line of mongod.conf as it was before MongoDB 2.6.
var oldForm = regexp.MustCompile(`(?m)^\s*\w+\s*=`)

// parse returns a YAML file and its root, which is nil if the file is empty. As in
// mongod, a second document in the file does not count.
func parse(data []byte) (doc, root *yaml.Node, err error) {
	doc = &yaml.Node{}
	if err := yaml.Unmarshal(data, doc); err != nil {
		return nil, nil, err
	}
	if len(doc.Content) == 1 && !isNull(doc.Content[0]) {
		root = doc.Content[0]
	}
	return doc, root, nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// yamlError is how the parser words its errors.
var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)`)

func yamlReason(err error) (line int, problem string) {
	m := yamlError.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " "))
	if m == nil {
		return 0, "it is not YAML: " + err.Error()
	}
	line, _ = strconv.Atoi(m[1]) // 0 without a line
	return line, "it is not YAML: " + m[2]
}

// section goes through a section of the file.
func (r *reader) section(n *yaml.Node, path string) {
	for i := 0; i < len(n.Content); i += 2 {
		if name := n.Content[i].Value; name == "__exec" || name == "__rest" {
			r.expansion(n.Content[i], path) // nothing else in the section is an option
			return
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := key.Value
		if key.Kind != yaml.ScalarNode || name == "" {
			continue // mongod refuses it
		}
		switch {
		case path != "" && name == "value":
			name = path
		case path != "":
			name = path + "." + name
		}
		r.entry(name, key, value)
	}
}

// expansion refuses what mongod takes with --configExpand: the WiredTiger extension, and
// whoever else reads the file, would have to start the program or ask the server again.
func (r *reader) expansion(key *yaml.Node, path string) {
	r.Faults = append(r.Faults, &config.Fault{
		Option: title(path), File: r.File, Line: key.Line,
		Problem: fmt.Sprintf("%s is not expanded here, since nothing that reads the encryption's options may start programs or ask servers for them", key.Value),
		Cure:    "Write the value itself.",
	})
	r.unknown = true
}

// entry is a name in the file and what stands at it.
func (r *reader) entry(name string, key, value *yaml.Node) {
	o, section := byName(name), isSection(name)
	if o.name == "" && !section {
		r.stranger(name, key.Line)
		return
	}
	fault := func(problem, cure string) {
		r.broken(o, key.Line)
		r.Faults = append(r.Faults, &config.Fault{Option: title(name), File: r.File, Line: key.Line, Problem: problem, Cure: cure})
	}
	switch {
	case name == vaultSection:
		r.vault(name, r.File, key.Line)
	case value.Kind == yaml.AliasNode:
		fault("it is an alias (*"+value.Value+"), which is not taken here", "Write out what it stands for.")
	case value.Kind == yaml.MappingNode && (section || isWrapped(value)):
		r.section(value, name)
	case section && isNull(value):
		r.Report.Warnings = append(r.Report.Warnings, (&config.Fault{Option: name, File: r.File, Line: key.Line,
			Problem: "there is nothing in this section, which mongod does not take; remove it"}).Error())
	case section:
		fault("it is a section, and must have options below it", "Write the options into lines of their own, indented.")
	case value.Kind == yaml.SequenceNode && name == kmipServer:
		fault("it is a list, which mongod does not take", "Write the servers in one line with commas between them: kmip1.example.com,kmip2.example.com.")
	case value.Kind != yaml.ScalarNode:
		fault("it must be a single value", "Write one value behind the colon.")
	default:
		r.file(o, setting{
			text: value.Value, line: key.Line, file: r.File,
			quoted: value.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0,
		}, isNull(value))
	}
}

// isWrapped says whether a mapping at an option is its value in a form of mongod's.
func isWrapped(n *yaml.Node) bool {
	return slices.ContainsFunc(n.Content, func(key *yaml.Node) bool { return slices.Contains([]string{"value", "__exec", "__rest"}, key.Value) })
}

// file files an option's value.
func (r *reader) file(o option, s setting, null bool) {
	if null {
		s.text = ""
	}
	if first, twice := r.set[o.name]; twice {
		r.Faults = append(r.Faults, &config.Fault{
			Option: title(o.name), File: s.file, Line: s.line,
			Problem: fmt.Sprintf("it stands in line %d already", first.line), Cure: "Keep one of the two.",
		})
		return
	}
	r.set[o.name] = s
}

// broken files that an option is set, to something of which a fault tells.
func (r *reader) broken(o option, line int) {
	if o.name != "" {
		r.set[o.name] = setting{file: r.File, line: line, broken: true}
	}
}

// stranger deals with a name that is none of ours. Most are mongod's own.
func (r *reader) stranger(name string, line int) {
	f := &config.Fault{Option: name, File: r.File, Line: line, Problem: "there is no such option"}
	near := meant(name)
	switch {
	case strings.HasPrefix(name, vaultSection+"."):
		r.vault(name, r.File, line)
		return
	case clientKey(name):
		f.Problem, f.Cure = noClientKey()
	case near != "":
		f.Problem += " (did you mean " + near + "?)"
		f.Cure = "Correct the name: with a wrong one the data would not be encrypted as it says."
	case strings.HasPrefix(name, kmipSection+"."), strings.HasPrefix(name, awsSection+"."):
		f.Cure = "Remove it; the options there are " + strings.Join(below(name[:strings.LastIndex(name, ".")]), ", ") + "."
	default:
		return
	}
	r.Faults = append(r.Faults, f)
}

// below lists the options of a section.
func below(section string) []string {
	var names []string
	for _, o := range table() {
		if last, ok := strings.CutPrefix(o.name, section+"."); ok {
			names = append(names, last)
		}
	}
	return names
}

// vault refuses HashiCorp Vault, once.
func (r *reader) vault(name, file string, line int) {
	if r.hasVault {
		return
	}
	r.hasVault = true
	r.Faults = append(r.Faults, &config.Fault{
		Option: name, File: file, Line: line,
		Problem: "dbkeyring does not keep master keys in HashiCorp Vault's store of secrets",
		Cure: "Use a KMIP server with " + both(kmipServer) + ", which Vault Enterprise's KMIP secrets engine is, too, or AWS KMS with " + both(awsKey) +
			", and remove " + vaultSection + " and --vault...: a Vault's key moves here by way of " + both(keyFile) + ".",
	})
}

// clientKey says whether a name is that of an option which Percona has removed.
func clientKey(name string) bool {
	return name == "kmipClientKeyFile" || name == kmipSection+".clientKeyFile"
}

func noClientKey() (problem, cure string) {
	return "there is no such option any more", "Put the private key into the file of " + both(kmipCertificate) + ", with the certificates, and remove this."
}
