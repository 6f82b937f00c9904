package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dbkeyring/dbkeyring/config"
)

// mysqlServer is what check knows of a MySQL server.
type mysqlServer struct {
	pluginDir, datadir string
}

// maxURN is the longest component name that MySQL takes.
const maxURN = 64

// manifest checks a global manifest, and all that it leads to.
func (k *checkup) manifest(file string) {
	s := mysqlServer{pluginDir: k.cmd.PluginDir, datadir: k.cmd.Datadir}
	if s.pluginDir == "" {
		s.pluginDir = pluginDirOf(filepath.Dir(filepath.Dir(file)))
	}
	if components := k.components(file, s); components == nil && k.count(levelFail) == 0 {
		k.find(finding{Level: levelWarn, File: file, Problem: "it names no keyring component", Cure: `Write "components": "file://component_keyring_kmip".`})
	}
}

// pluginDirOf returns the plugin directory of a base directory, or "".
func pluginDirOf(basedir string) string {
	for _, dir := range []string{"lib/plugin", "lib/mysql/plugin", "lib64/mysql/plugin"} {
		dir = filepath.Join(basedir, dir)
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
	}
	return ""
}

// components reads the manifest that counts, checks each keyring component in
// it, and returns their names.
func (k *checkup) components(file string, s mysqlServer) []string {
	k.what("manifest: %s", file)
	o, ok := k.loadManifest(file)
	if !ok {
		return nil
	}
	if o.Boolean("read_local_manifest", false) {
		if o.Has("components") {
			k.find(finding{Level: levelWarn, Option: "components", File: file, Line: o.Lines["components"], Problem: "it does not count, since read_local_manifest is true", Cure: "Take one of the two out."})
		}
		if s.datadir == "" {
			k.find(finding{Level: levelNote, File: file, Problem: "it says read_local_manifest, and the data directory is not known", Cure: "Give --datadir."})
			return nil
		}
		file = filepath.Join(s.datadir, config.ManifestName)
		k.what("local manifest: %s", file)
		if o, ok = k.loadManifest(file); !ok {
			return nil
		}
		if o.Has("read_local_manifest") {
			k.find(finding{Level: levelWarn, Option: "read_local_manifest", File: file, Line: o.Lines["read_local_manifest"], Problem: "it has no effect in the local manifest", Cure: "Take it out."})
		}
	}
	if !o.Has("components") {
		k.find(finding{Level: levelFail, Option: "components", File: file, Problem: "it is missing: the server does not start", Cure: `Write "components": "file://component_keyring_kmip".`})
		return nil
	}
	text, ok := o.Text("components")
	if !ok {
		k.faults(o.Faults)
		return nil
	}
	keyrings := k.urns(file, o.Lines["components"], text)
	for _, name := range keyrings {
		k.component(name, s)
	}
	if len(keyrings) > 1 {
		k.find(finding{Level: levelFail, Option: "components", File: file, Line: o.Lines["components"],
			Problem: "more than one keyring is enabled: " + strings.Join(keyrings, ", ") + ", and only the first in the order of names is used", Cure: "Keep one."})
	}
	return keyrings
}

// loadManifest reads one manifest. An empty or a missing one means no component.
func (k *checkup) loadManifest(file string) (*config.Object, bool) {
	o := &config.Object{Reader: config.Reader{File: file, Now: time.Now}}
	info, err := os.Stat(file)
	if err == nil && info.Size() == 0 {
		k.find(finding{Level: levelFail, File: file, Problem: "it is empty: the server starts without a keyring", Cure: `Write { "components": "file://component_keyring_kmip" }.`})
		return nil, false
	}
	if err == nil && info.Mode()&0o022 != 0 {
		k.find(finding{Level: levelWarn, File: file, Problem: fmt.Sprintf("others than its owner can change it (mode %04o), and so load what they like into the server", info.Mode().Perm()), Cure: "chmod go-w " + file})
	}
	if !o.Load("Write it: without a manifest the server starts without a keyring component.") {
		k.faults(o.Faults)
		return nil, false
	}
	k.file(file)
	// Of the wrong type, it makes the server refuse the manifest.
	if m, ok := o.Members["read_local_manifest"]; ok && config.Kind(m.Value) != "true or false" {
		k.find(finding{Level: levelFail, Option: "read_local_manifest", File: file, Line: m.Line, Problem: config.Kind(m.Value) + " where true or false is needed: the server does not start", Cure: "Write true or false, without quotes."})
		return nil, false
	}
	if len(o.Faults) > 0 {
		k.faults(o.Faults)
		return nil, false
	}
	return o, true
}

// urns takes the list of components apart, and returns the keyrings among them.
func (k *checkup) urns(file string, line int, list string) []string {
	bad := func(item, problem, cure string) {
		k.find(finding{Level: levelFail, Option: "components", File: file, Line: line, Problem: fmt.Sprintf("%q %s: the server does not start", item, problem), Cure: cure})
	}
	var keyrings []string
	for _, item := range strings.Split(list, ",") {
		urn := strings.TrimSpace(item)
		name, isFile := strings.CutPrefix(urn, "file://")
		bare := strings.TrimSuffix(strings.TrimLeft(name, "/"), ".so")
		bare = bare[strings.LastIndexByte(bare, '/')+1:]
		right := "Write file://" + bare + "."
		switch {
		case urn == "":
			bad(item, "has an empty item", "Take out the comma that is too many.")
			continue
		case !isFile:
			bad(urn, "does not begin with file://", right)
		case strings.HasPrefix(name, "/"):
			bad(urn, "has more than two slashes", right+" The name is that of a library in the plugin directory.")
		case strings.Contains(name, "/"):
			bad(urn, "has a path in it", right+" The library must lie in the plugin directory.")
		case strings.HasSuffix(name, ".so"):
			bad(urn, "ends in .so", right)
		case len(name) > maxURN:
			bad(urn, fmt.Sprintf("is longer than %d characters", maxURN), "Use a shorter name.")
		case item != urn:
			bad(item, "has blanks around it", "Write the list without blanks.")
		}
		if strings.Contains(bare, "keyring") {
			keyrings = append(keyrings, bare)
		}
	}
	return keyrings
}
