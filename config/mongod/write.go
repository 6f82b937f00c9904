package mongod

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Endpoint is what a new configuration says of KMIP servers.
type Endpoint struct {
	Server string // a host, or several with commas between them
	Port   int    // 0 is the default

	ClientCertificateFile string // a PEM file with the private key and the certificates
	ServerCAFile          string // "" is the system's authorities
	KeyIdentifier         string // "" has a key made
}

// ConfigText returns the options for mongod.conf, in the form of the document's example.
func ConfigText(e Endpoint) []byte {
	t := tree{}
	t.put(enableEncryption, true)
	t.put(kmipServer, e.Server)
	t.put(kmipPort, cmp.Or(e.Port, defaultPort))
	t.put(kmipCertificate, e.ClientCertificateFile)
	t.putText(kmipCA, e.ServerCAFile)
	t.putText(kmipKey, e.KeyIdentifier)
	return t.bytes()
}

// Text returns the options as a mongod.conf that Read makes the same options of,
// wherever it is read. There may be a password in it, and a secret access key.
func (o *Options) Text() []byte {
	t := tree{}
	t.put(dbPath, o.DBPath)
	t.putText(engineConfig, o.EngineConfig)
	t.put(enableEncryption, o.Enabled)
	t.put(cipherMode, string(o.Cipher))
	if k := o.KeyFile; k != nil {
		t.put(keyFile, k.Path)
		t.put(relaxPermChecks, k.RelaxedPermissions)
	}
	if k := o.KMIP; k != nil {
		t.put(kmipServer, strings.Join(k.Servers, ",")) // each with its port
		t.putText(kmipCA, k.CAFile)
		t.put(kmipCertificate, k.CertFile)
		if k.Password != nil {
			t.put(kmipPassword, string(k.Password.Reveal()))
		}
		t.put(kmipRetries, k.Attempts-1)
		t.put(kmipTimeout, int(k.Timeout.Milliseconds()))
		t.putText(kmipKey, o.KeyIdentifier)
		t.put(kmipRotate, o.Rotate)
		t.put(kmipActivate, o.Activate)
		t.put(kmipPolling, int(o.PollPeriod/time.Second))
		t.put(kmipPollingDoes, map[bool]string{true: actionLog, false: actionShutdown}[o.LogOnly])
		t.put(kmipServerMakes, k.ServerCreates)
	}
	if a := o.AWSKMS; a != nil {
		t.put(awsKey, a.KeyID)
		t.putText(awsRegion, a.AWS.Region)
		t.putText(awsEndpoint, a.AWS.Endpoint)
		t.putText(awsID, o.credentials.AccessKeyID)
		t.putText(awsSecret, o.credentials.SecretAccessKey)
		t.putText(awsToken, o.credentials.SessionToken)
		t.put(awsTimeout, int(a.AWS.Timeout.Milliseconds()))
		t.put(awsRotate, o.Rotate)
	}
	return append([]byte("# The options in effect, as dbkeyring has read them. Change mongod.conf or mongod's\n# command line, not this file: it is written anew at each start.\n"), t.bytes()...)
}

// tree is a mongod.conf in the making.
type tree struct{ root yaml.Node }

func (t *tree) putText(name, value string) {
	if value != "" {
		t.put(name, value)
	}
}

// put adds an option, and the sections that it stands in.
func (t *tree) put(name string, value any) {
	at := &t.root
	at.Kind = yaml.MappingNode
	path := strings.Split(name, ".")
	for _, section := range path[:len(path)-1] {
		i := slices.IndexFunc(at.Content, func(n *yaml.Node) bool { return n.Value == section })
		if i < 0 || i%2 == 1 {
			at.Content = append(at.Content, text(section), &yaml.Node{Kind: yaml.MappingNode})
			i = len(at.Content) - 2
		}
		at = at.Content[i+1]
	}
	n := &yaml.Node{Kind: yaml.ScalarNode}
	switch v := value.(type) {
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(v)
	case int:
		n.Tag, n.Value = "!!int", strconv.Itoa(v)
	case string:
		n = text(v)
	}
	at.Content = append(at.Content, text(path[len(path)-1]), n)
}

// text is a string in the form that needs no quotes, if it can do without.
func text(s string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(s)
	if n.Style == yaml.LiteralStyle { // of several lines, which not every parser reads back as they are
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func (t *tree) bytes() []byte { return encoded(&t.root) }

// encoded is a file of the node, indented as the document's example is.
func encoded(n *yaml.Node) []byte {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	_ = e.Encode(n) // a buffer takes everything, and all the nodes are ours or were parsed
	_ = e.Close()
	return b.Bytes()
}
