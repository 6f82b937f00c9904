package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/okv"
)

// option is a line of an option file (MySQL manual, 6.2.2.2, "Using Option Files").
type option struct {
	group, name, value string
	loose              bool // an unknown one is no error to the server
	file               string
	line               int
}

// serverGroup matches the groups that mysqld reads.
var serverGroup = regexp.MustCompile(`^(mysqld|server|mysqld-[0-9]+\.[0-9]+)$`)

// maxIncludes is how deep MySQL follows includes.
const maxIncludes = 10

// options reads an option file and what it includes, in the order in which they
// count. Depth is how many files include this one.
func (k *checkup) options(file string, depth int) []option {
	fail := func(line int, problem, cure string) {
		k.find(finding{Level: levelFail, File: file, Line: line, Problem: problem, Cure: cure})
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		k.find(finding{Level: levelWarn, File: file, Problem: config.OSReason(err), Cure: "Correct the line that includes it."})
		return nil
	case !info.Mode().IsRegular():
		fail(0, "it is not a regular file", "Name an option file.")
		return nil
	case info.Mode()&0o002 != 0:
		fail(0, "everyone on this host can change it, and so the server ignores it", "chmod o-w "+file)
		return nil
	}
	r := config.Reader{File: file}
	data := r.ReadFile("")
	if data == nil {
		k.faults(r.Faults)
		return nil
	}
	k.file(file)
	var all []option
	group := ""
	for i, line := range strings.Split(string(data), "\n") {
		n := i + 1
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case strings.HasPrefix(line, "!"):
			all = append(all, k.include(file, n, line, depth)...)
		case line[0] == '[':
			name, _, closed := strings.Cut(line[1:], "]")
			if !closed {
				fail(n, "a group's name has no closing bracket: the server does not start", "Write [mysqld].")
				continue
			}
			group = strings.TrimSpace(name)
		case group == "":
			fail(n, "an option stands before any group: the server does not start", "Write [mysqld] above it.")
		default:
			all = append(all, parseOption(group, line, file, n))
		}
	}
	return all
}

// include follows !include and !includedir, which takes the files in *.cnf.
func (k *checkup) include(file string, n int, line string, depth int) []option {
	word, path, _ := strings.Cut(line[1:], " ")
	path = strings.TrimSpace(path)
	if depth >= maxIncludes {
		k.find(finding{Level: levelWarn, File: file, Line: n, Problem: "it is included too deep to count", Cure: "Include fewer files in files."})
		return nil
	}
	switch word {
	case "include":
		return k.options(path, depth+1)
	case "includedir":
		entries, err := os.ReadDir(path)
		if err != nil {
			k.find(finding{Level: levelFail, File: file, Line: n, Problem: path + ": " + config.OSReason(err) + ": the server does not start", Cure: "Make the folder, or take the line out."})
			return nil
		}
		var all []option
		for _, e := range entries {
			if filepath.Ext(e.Name()) == ".cnf" {
				all = append(all, k.options(filepath.Join(path, e.Name()), depth+1)...)
			}
		}
		return all
	}
	k.find(finding{Level: levelFail, File: file, Line: n, Problem: fmt.Sprintf("%q is neither !include nor !includedir", line), Cure: "Correct the line."})
	return nil
}

// parseOption reads name, or name=value. In names "-" and "_" are the same.
func parseOption(group, line, file string, n int) option {
	name, value, _ := strings.Cut(line, "=")
	o := option{group: group, name: strings.ReplaceAll(strings.TrimSpace(name), "-", "_"), file: file, line: n}
	o.name, o.loose = strings.CutPrefix(o.name, "loose_")
	value = strings.TrimSpace(value)
	if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
		value = value[1 : len(value)-1]
	} else if i := strings.Index(value, " #"); i >= 0 {
		value = strings.TrimSpace(value[:i])
	}
	o.value = value
	return o
}

// myCnf is what check needs of a server's option files.
type myCnf struct {
	k       *checkup
	file    string
	options []option
	server  mysqlServer
}

// last returns the option that counts: the last one in a group that mysqld reads.
func (c *myCnf) last(name string) (option, bool) {
	for _, o := range slices.Backward(c.options) {
		if o.name == name && serverGroup.MatchString(o.group) {
			return o, true
		}
	}
	return option{}, false
}

func (c *myCnf) find(level string, o option, problem, cure string) {
	c.k.find(finding{Level: level, Option: o.name, File: o.file, Line: o.line, Problem: problem, Cure: cure})
}

// optionFile checks a my.cnf: the plugins that it loads early, their settings,
// and the manifest of the server.
func (k *checkup) optionFile(file string) {
	k.what("option file: %s", file)
	c := &myCnf{k: k, file: file, options: k.options(file, 0)}
	c.server = mysqlServer{pluginDir: k.cmd.PluginDir, datadir: k.cmd.Datadir}
	basedir, _ := c.last("basedir")
	if o, ok := c.last("plugin_dir"); ok && c.server.pluginDir == "" {
		c.server.pluginDir = o.value
		if info, err := os.Stat(o.value); err != nil || !info.IsDir() {
			c.find(levelFail, o, o.value+" is not a directory", "Correct it.")
		}
	}
	if c.server.pluginDir == "" && basedir.value != "" {
		c.server.pluginDir = pluginDirOf(basedir.value)
	}
	if o, ok := c.last("datadir"); ok && c.server.datadir == "" {
		c.server.datadir = o.value
		if info, err := os.Stat(o.value); err != nil || !info.IsDir() {
			c.find(levelFail, o, o.value+" is not a directory", "Correct it, or make the data directory with mysqld --initialize.")
		}
	}
	c.strayOptions()
	plugins := c.earlyPlugins()
	c.okv(plugins)
	var components []string
	if manifest := c.manifest(basedir.value); manifest != "" {
		components = k.components(manifest, c.server)
	}
	all := slices.Concat(plugins, components)
	switch {
	case len(plugins) > 0 && len(components) > 0:
		k.find(finding{Level: levelFail, File: file, Problem: "more than one keyring is enabled: " + strings.Join(plugins, ", ") + " by early-plugin-load, and " + strings.Join(components, ", ") + " by the manifest, which wins",
			Cure: "Take early-plugin-load out, or the component out of the manifest; dbkeyring migrate copies the keys from one to the other."})
	case len(plugins) > 1:
		k.find(finding{Level: levelFail, File: file, Problem: "more than one keyring is enabled: " + strings.Join(plugins, ", "), Cure: "Keep one in early-plugin-load."})
	case len(all) == 0 && k.count(levelFail) == 0:
		k.find(finding{Level: levelWarn, File: file, Problem: "no keyring is enabled", Cure: "Load a plugin with early-plugin-load, or a component with a manifest; with --manifest FILE, check reads the one that you mean."})
	}
}

// manifest returns the server's global manifest, or "".
func (c *myCnf) manifest(basedir string) string {
	if c.k.cmd.Manifest != "" {
		return c.k.cmd.Manifest
	}
	if basedir == "" {
		basedir = "/usr"
	}
	for _, dir := range []string{"bin", "sbin", "libexec"} {
		file := filepath.Join(basedir, dir, config.ManifestName)
		if exists(file) {
			return file
		}
	}
	return ""
}

// isKeyring says whether a plugin is a keyring, rather than its SQL functions.
func isKeyring(plugin string) bool {
	return strings.HasPrefix(plugin, "keyring_") && plugin != "keyring_udf"
}

// earlyPlugins returns the keyring plugins of early-plugin-load, of which the last
// line counts alone.
func (c *myCnf) earlyPlugins() []string {
	last, ok := c.last("early_plugin_load")
	if !ok {
		return nil
	}
	for _, o := range c.options {
		if o.name != last.name || !serverGroup.MatchString(o.group) || o == last {
			continue
		}
		problem := fmt.Sprintf("it does not count, since it stands in %s, line %d, again", last.file, last.line)
		level := levelWarn
		for _, library := range libraries(o.value) {
			if name := pluginName(library); isKeyring(name) {
				level, problem = levelFail, problem+", so that "+name+" is not loaded"
			}
		}
		c.find(level, o, problem, "Write one list, with semicolons between the plugins.")
	}
	var keyrings []string
	for _, library := range libraries(last.value) {
		name := pluginName(library)
		if !isKeyring(name) {
			continue
		}
		if !slices.Contains(keyrings, name) {
			keyrings = append(keyrings, name)
		}
		c.earlyPlugin(last, library, name)
	}
	return keyrings
}

// libraries takes a list of plugins apart: library, or name=library, each.
func libraries(list string) []string {
	var all []string
	for _, item := range strings.Split(list, ";") {
		if _, library, named := strings.Cut(item, "="); named {
			item = library
		}
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}

func pluginName(library string) string { return strings.TrimSuffix(filepath.Base(library), ".so") }

// earlyPlugin checks one item of early-plugin-load.
func (c *myCnf) earlyPlugin(o option, library, name string) {
	switch {
	case strings.Contains(library, "/"):
		c.find(levelFail, o, library+" has a path in it, which the server refuses", "Write "+name+".so; it must lie in plugin_dir.")
		return
	case !strings.HasSuffix(library, ".so"):
		c.find(levelFail, o, library+" is no file name of a library", "Write "+library+".so.")
	}
	if c.server.pluginDir == "" {
		c.k.find(finding{Level: levelNote, File: o.file, Line: o.line, Problem: "plugin_dir is not known, so " + name + ".so was not looked for", Cure: "Give --plugin-dir."})
		return
	}
	c.k.library(name+".so", c.server.pluginDir)
}

// strayOptions finds keyring options that do not take effect where they stand.
func (c *myCnf) strayOptions() {
	for _, o := range c.options {
		keyring := o.name == okv.Variable || o.name == "early_plugin_load"
		switch {
		case keyring && !serverGroup.MatchString(o.group):
			c.find(levelFail, o, "it stands in the group ["+o.group+"], which mysqld does not read", "Move it to the group [mysqld].")
		case (o.name == "plugin_load" || o.name == "plugin_load_add") && serverGroup.MatchString(o.group):
			for _, library := range libraries(o.value) {
				if name := pluginName(library); isKeyring(name) {
					c.find(levelFail, o, name+" is loaded too late: InnoDB needs the keyring before", "Write early-plugin-load="+name+".so.")
				}
			}
		}
	}
}

// okv checks keyring_okv's configuration directory.
func (c *myCnf) okv(plugins []string) {
	loaded := slices.Contains(plugins, okv.Plugin)
	o, set := c.last(okv.Variable)
	switch {
	case !set && loaded, set && loaded && o.value == "":
		c.k.find(finding{Level: levelFail, Option: okv.Variable, File: c.file, Line: o.line, Problem: "it is not set, so that keyring_okv has no key server", Cure: "Set it to a directory with okvclient.ora and ssl."})
		return
	case !set:
		return
	case !loaded && !o.loose:
		c.find(levelFail, o, "keyring_okv is not loaded, so that the server does not know this variable and does not start", "Write early-plugin-load=keyring_okv.so.")
	case !loaded:
		c.find(levelWarn, o, "keyring_okv is not loaded", "Write early-plugin-load=keyring_okv.so.")
	}
	dir := o.value
	if !filepath.IsAbs(dir) {
		c.find(levelWarn, o, dir+" is relative to the directory that the server is started in", "Write the absolute path.")
		if dir = filepath.Join(string(c.k.base), dir); !exists(dir) {
			return
		}
	}
	if _, err := os.Stat(dir); err != nil {
		c.find(levelFail, o, dir+": "+config.OSReason(err), "Make it, or correct the path.")
		return
	}
	c.k.okvDirectory(dir)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
