package mongod

import (
	"slices"
	"strings"

	"github.com/dbkeyring/dbkeyring/config"
)

// The options, as they are called in mongod.conf.
const (
	enableEncryption = "security.enableEncryption"
	cipherMode       = "security.encryptionCipherMode"
	keyFile          = "security.encryptionKeyFile"
	relaxPermChecks  = "security.relaxPermChecks"

	kmipServer      = "security.kmip.serverName"
	kmipPort        = "security.kmip.port"
	kmipCA          = "security.kmip.serverCAFile"
	kmipCertificate = "security.kmip.clientCertificateFile"
	kmipPassword    = "security.kmip.clientCertificatePassword"
	kmipRetries     = "security.kmip.connectRetries"
	kmipTimeout     = "security.kmip.connectTimeoutMS"
	kmipKey         = "security.kmip.keyIdentifier"
	kmipRotate      = "security.kmip.rotateMasterKey"
	kmipActivate    = "security.kmip.activateKeys"
	kmipPolling     = "security.kmip.keyStatePollingSeconds"
	kmipLegacy      = "security.kmip.useLegacyProtocol"
	kmipServerMakes = "security.kmip.serverCreatesKey"      // ours
	kmipPollingDoes = "security.kmip.keyStatePollingAction" // ours

	awsKey      = "security.awsKms.keyId" // ours, all of these
	awsRegion   = "security.awsKms.region"
	awsEndpoint = "security.awsKms.endpoint"
	awsID       = "security.awsKms.accessKeyId"
	awsSecret   = "security.awsKms.secretAccessKey"
	awsToken    = "security.awsKms.sessionToken"
	awsTimeout  = "security.awsKms.timeoutMS"
	awsRotate   = "security.awsKms.rotateMasterKey"

	dbPath       = "storage.dbPath" // mongod's own, all of these
	engine       = "storage.engine"
	engineConfig = "storage.wiredTiger.engineConfig.configString"
	clusterRole  = "sharding.clusterRole"
)

// The sections of mongod.conf that options of ours stand in, or once did.
const (
	kmipSection  = "security.kmip"
	awsSection   = "security.awsKms"
	vaultSection = "security.vault"
)

// option is what mongod's parser checks of an option by itself.
type option struct {
	name, cli string
	boolean   bool     // a switch on the command line
	own       bool     // mongod knows it, too, so that it is left where it stands
	hidden    bool     // its value is in no message
	requires  []string // what must be set if it is
	conflicts []string // what must not
}

// table is every option that is read.
func table() []option {
	server, key := []string{kmipServer}, []string{awsKey}
	return []option{
		{name: enableEncryption, cli: "enableEncryption", boolean: true},
		{name: cipherMode, cli: "encryptionCipherMode", requires: []string{enableEncryption}},
		{name: keyFile, cli: "encryptionKeyFile", requires: []string{enableEncryption}, conflicts: []string{kmipServer, awsKey}},
		{name: relaxPermChecks, cli: "relaxPermChecks", boolean: true},

		{name: kmipServer, cli: "kmipServerName", requires: []string{enableEncryption, kmipCertificate}, conflicts: []string{awsKey}},
		{name: kmipPort, cli: "kmipPort", requires: server},
		{name: kmipCA, cli: "kmipServerCAFile", requires: server},
		{name: kmipCertificate, cli: "kmipClientCertificateFile", requires: server},
		{name: kmipPassword, cli: "kmipClientCertificatePassword", hidden: true, requires: []string{kmipCertificate}},
		{name: kmipRetries, cli: "kmipConnectRetries", requires: server},
		{name: kmipTimeout, cli: "kmipConnectTimeoutMS", requires: server},
		{name: kmipKey, cli: "kmipKeyIdentifier", requires: server},
		{name: kmipRotate, cli: "kmipRotateMasterKey", boolean: true, requires: server},
		{name: kmipActivate, cli: "kmipActivateKeys", boolean: true, requires: server},
		{name: kmipPolling, cli: "kmipKeyStatePollingSeconds", requires: server},
		{name: kmipLegacy, cli: "kmipUseLegacyProtocol", boolean: true, requires: server},
		{name: kmipServerMakes, cli: "kmipServerCreatesKey", boolean: true, requires: server},
		{name: kmipPollingDoes, cli: "kmipKeyStatePollingAction", requires: server},

		{name: awsKey, cli: "awsKmsKeyId", requires: []string{enableEncryption}},
		{name: awsRegion, cli: "awsKmsRegion", requires: key},
		{name: awsEndpoint, cli: "awsKmsEndpoint", requires: key},
		{name: awsID, cli: "awsKmsAccessKeyId", requires: []string{awsKey, awsSecret}},
		{name: awsSecret, cli: "awsKmsSecretAccessKey", hidden: true, requires: []string{awsKey, awsID}},
		{name: awsToken, cli: "awsKmsSessionToken", hidden: true, requires: []string{awsID, awsSecret}},
		{name: awsTimeout, cli: "awsKmsTimeoutMS", requires: key},
		{name: awsRotate, cli: "awsKmsRotateMasterKey", boolean: true, requires: key},

		{name: dbPath, cli: "dbpath", own: true},
		{name: engine, cli: "storageEngine", own: true},
		{name: engineConfig, cli: "wiredTigerEngineConfigString", own: true},
		{name: clusterRole, own: true},
	}
}

// byName finds an option; the zero option if there is none.
func byName(name string) option {
	for _, o := range table() {
		if o.name == name {
			return o
		}
	}
	return option{}
}

// byFlag finds an option by what it is called on the command line.
func byFlag(cli string) (option, bool) {
	for _, o := range table() {
		if o.cli == cli && cli != "" {
			return o, true
		}
	}
	return option{}, false
}

// isSection says whether options that are read stand below a name in mongod.conf. The
// whole file is one, "".
func isSection(name string) bool {
	return name == "" || name == vaultSection ||
		slices.ContainsFunc(table(), func(o option) bool { return strings.HasPrefix(o.name, name+".") })
}

// both gives the two spellings of an option for a message.
func both(name string) string {
	if cli := byName(name).cli; cli != "" {
		return name + " (--" + cli + ")"
	}
	return name
}

// title gives the two spellings of the option that a message is about.
func title(name string) string {
	if cli := byName(name).cli; cli != "" {
		return name + " / --" + cli
	}
	return name
}

// meant returns the option that was probably meant by a name in mongod.conf that is
// none, or "". Many a name there is another option of mongod's: only one that is
// nearly ours counts, and our names of the command line.
func meant(name string) string {
	last := name[strings.LastIndex(name, ".")+1:]
	var known []string
	aliases := map[string]string{}
	for _, o := range table() {
		if !o.own {
			known = append(known, o.name)
			aliases[strings.ToLower(o.cli)] = o.name
		}
	}
	for _, section := range []string{kmipSection, awsSection, vaultSection} {
		if name != section {
			known = append(known, section)
		}
	}
	if near := config.Nearest(name, known, nil); near != "" {
		return near
	}
	return aliases[strings.ToLower(last)]
}

// meantFlag is meant for the command line.
func meantFlag(flag string) string {
	var known []string
	for _, o := range table() {
		if !o.own {
			known = append(known, o.cli)
		}
	}
	return config.Nearest(flag, known, nil)
}
