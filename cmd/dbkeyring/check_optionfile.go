package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dbkeyring/dbkeyring/config"
	"github.com/dbkeyring/dbkeyring/config/keyringaws"
	"github.com/dbkeyring/dbkeyring/config/okv"
	"github.com/dbkeyring/dbkeyring/config/optionfile"
)

// myCnf is what check needs of a server's option files.
type myCnf struct {
	k       *checkup
	file    string
	options *optionfile.Files
	server  mysqlServer
}

func (c *myCnf) find(level string, o optionfile.Option, problem, cure string) {
	c.k.find(finding{Level: level, Option: o.Name, File: o.File, Line: o.Line, Problem: problem, Cure: cure})
}

// options reads an option file and what it includes.
func (k *checkup) options(file string) *optionfile.Files {
	all := optionfile.Read(file)
	for _, p := range all.Problems {
		level := levelWarn
		if p.Fatal {
			level = levelFail
		}
		k.find(finding{Level: level, File: p.File, Line: p.Line, Problem: p.Problem, Cure: p.Cure})
	}
	for _, file := range all.Read {
		k.file(file)
	}
	return all
}

// optionFile checks a my.cnf: the plugins that it loads early, their settings,
// and the manifest of the server.
func (k *checkup) optionFile(file string) {
	k.what("option file: %s", file)
	c := &myCnf{k: k, file: file, options: k.options(file)}
	c.server = mysqlServer{pluginDir: k.cmd.PluginDir, datadir: k.cmd.Datadir}
	basedir, _ := c.options.Last("basedir")
	if o, ok := c.options.Last("plugin_dir"); ok && c.server.pluginDir == "" {
		c.server.pluginDir = o.Value
		if info, err := os.Stat(o.Value); err != nil || !info.IsDir() {
			c.find(levelFail, o, o.Value+" is not a directory", "Correct it.")
		}
	}
	if c.server.pluginDir == "" && basedir.Value != "" {
		c.server.pluginDir = pluginDirOf(basedir.Value)
	}
	if o, ok := c.options.Last("datadir"); ok && c.server.datadir == "" {
		c.server.datadir = o.Value
		if info, err := os.Stat(o.Value); err != nil || !info.IsDir() {
			c.find(levelFail, o, o.Value+" is not a directory", "Correct it, or make the data directory with mysqld --initialize.")
		}
	}
	c.strayOptions()
	plugins := c.earlyPlugins()
	c.okv(plugins)
	c.aws(plugins)
	var components []string
	if manifest := c.manifest(basedir.Value); manifest != "" {
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

// earlyPlugins returns the keyring plugins of early-plugin-load, of which the last
// line counts alone.
func (c *myCnf) earlyPlugins() []string {
	last, ok := c.options.Last("early_plugin_load")
	if !ok {
		return nil
	}
	for _, o := range c.options.All {
		if o.Name != last.Name || !o.ForServer() || o == last {
			continue
		}
		problem := fmt.Sprintf("it does not count, since it stands in %s, line %d, again", last.File, last.Line)
		level := levelWarn
		for _, library := range optionfile.Libraries(o.Value) {
			if name := optionfile.PluginName(library); optionfile.IsKeyring(name) {
				level, problem = levelFail, problem+", so that "+name+" is not loaded"
			}
		}
		c.find(level, o, problem, "Write one list, with semicolons between the plugins.")
	}
	var keyrings []string
	for _, library := range optionfile.Libraries(last.Value) {
		name := optionfile.PluginName(library)
		if !optionfile.IsKeyring(name) {
			continue
		}
		if !slices.Contains(keyrings, name) {
			keyrings = append(keyrings, name)
		}
		c.earlyPlugin(last, library, name)
	}
	return keyrings
}

// earlyPlugin checks one item of early-plugin-load.
func (c *myCnf) earlyPlugin(o optionfile.Option, library, name string) {
	switch {
	case strings.Contains(library, "/"):
		c.find(levelFail, o, library+" has a path in it, which the server refuses", "Write "+name+".so; it must lie in plugin_dir.")
		return
	case !strings.HasSuffix(library, ".so"):
		c.find(levelFail, o, library+" is no file name of a library", "Write "+library+".so.")
	}
	if c.server.pluginDir == "" {
		c.k.find(finding{Level: levelNote, File: o.File, Line: o.Line, Problem: "plugin_dir is not known, so " + name + ".so was not looked for", Cure: "Give --plugin-dir."})
		return
	}
	c.k.library(name+".so", c.server.pluginDir)
}

// strayOptions finds keyring options that do not take effect where they stand.
func (c *myCnf) strayOptions() {
	for _, o := range c.options.All {
		keyring := o.Name == okv.Variable || o.Name == "early_plugin_load" || slices.Contains(keyringaws.Variables(), o.Name)
		switch {
		case keyring && !o.ForServer():
			c.find(levelFail, o, "it stands in the group ["+o.Group+"], which mysqld does not read", "Move it to the group [mysqld].")
		case (o.Name == "plugin_load" || o.Name == "plugin_load_add") && o.ForServer():
			for _, library := range optionfile.Libraries(o.Value) {
				if name := optionfile.PluginName(library); optionfile.IsKeyring(name) {
					c.find(levelFail, o, name+" is loaded too late: InnoDB needs the keyring before", "Write early-plugin-load="+name+".so.")
				}
			}
		}
	}
}

// okv checks keyring_okv's configuration directory.
func (c *myCnf) okv(plugins []string) {
	loaded := slices.Contains(plugins, okv.Plugin)
	o, set := c.options.Last(okv.Variable)
	switch {
	case !set && loaded, set && loaded && o.Value == "":
		c.k.find(finding{Level: levelFail, Option: okv.Variable, File: c.file, Line: o.Line, Problem: "it is not set, so that keyring_okv has no key server", Cure: "Set it to a directory with okvclient.ora and ssl."})
		return
	case !set:
		return
	case !loaded && !o.Loose:
		c.find(levelFail, o, "keyring_okv is not loaded, so that the server does not know this variable and does not start", "Write early-plugin-load=keyring_okv.so.")
	case !loaded:
		c.find(levelWarn, o, "keyring_okv is not loaded", "Write early-plugin-load=keyring_okv.so.")
	}
	dir := o.Value
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
