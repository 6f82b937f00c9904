package hosttest_test

import (
	"slices"
	"strings"
	"testing"
)

// The plugin's conf_file is A or B below, where the test library finds its word.
const (
	aws      = "plugin keyring_aws cmk_id=alias/one,conf_file=DIR/a/keyring_aws.cnf,data_file=DIR/keys"
	awsFileA = "config DIR/a/keyring_aws.cnf ok"
)

// awsOpen is the log's line of a keyring that was opened with these settings.
func awsOpen(key, region string) string {
	return "plugin log 2 Plugin keyring_aws reported: 'The test keyring is open. settings=\"cmk_id=" + key + ", conf_file=DIR/a/keyring_aws.cnf, data_file=DIR/keys, region=" + region + "\"'"
}

func awsPlugin(t *testing.T, env []string, commands ...string) string {
	t.Helper()
	return host(t, env, append([]string{"mkdir DIR/a", awsFileA}, commands...)...)
}

func TestAWSPlugin(t *testing.T) {
	got := awsPlugin(t, nil, aws, "ready", "fetch k -", "generate k - AES 32", "fetch k -",
		"set-variable cmk_id alias/two", "set-variable region eu-central-1", "fetch k -", "keys 64",
		"call keyring_aws_rotate_cmk 0", "call keyring_aws_rotate_cms 0", "call keyring_aws_rotate_keys 0", "deinit")
	expect(t, got, awsOpen("alias/one", "us-east-1"), "init keyring_aws 0", "ready 1", "fetch k: absent", "generate k: 0", "fetch k: AES 32 bytes ",
		awsOpen("alias/two", "us-east-1"), "set done, it is 'alias/two'", awsOpen("alias/two", "eu-central-1"), "set done, it is 'eu-central-1'",
		"fetch k: AES 32 bytes ", "key 'k' (1) of '' (0)", "keys 1",
		"plugin log 1 Plugin keyring_aws reported: 'The master key was rotated: 1 times by now'", "call keyring_aws_rotate_cmk: 1",
		"plugin log 1 Plugin keyring_aws reported: 'The master key was rotated: 2 times by now'", "call keyring_aws_rotate_cms: 1",
		"plugin log 2 Plugin keyring_aws reported: 'Every key was encrypted anew. keys=1'", "call keyring_aws_rotate_keys: 1", "deinit 0")
}

// Of a configuration that cannot be, the plugin does not start, as the document has it;
// an outage it sits out. Either way another attempt works.
func TestAWSPluginStart(t *testing.T) {
	got := awsPlugin(t, nil, "config DIR/a/keyring_aws.cnf nonsense", aws, "deinit", awsFileA, aws, "generate k - AES 32", "deinit")
	for _, want := range []string{"no such word in DIR/a/keyring_aws.cnf: nonsense", "After the cure: INSTALL PLUGIN keyring_aws SONAME 'keyring_aws.so', or restart the server.'\ninit keyring_aws 1\n", "init keyring_aws 0\ngenerate k: 0\ndeinit 0\nend\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	got = awsPlugin(t, nil, "config DIR/a/keyring_aws.cnf unreachable", aws, "ready", "fetch k -", "call keyring_aws_rotate_keys 0", awsFileA, "await 1000", "fetch k -")
	for _, want := range []string{"nobody listens", "init keyring_aws 0\nready 0\nfetch k: error\n",
		"error 3198 flags 0: Function keyring_aws_rotate_keys failed due to: the keyring is not loaded; the error log says why.\ncall keyring_aws_rotate_keys: NULL\n", "ready 1\n", "fetch k: absent\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	got = awsPlugin(t, nil, "set opt_help 1", aws, "libraries", "threads", "deinit")
	expect(t, got, "init keyring_aws 0", "libraries 0", "threads one", "deinit 0")
}

func TestAWSPluginSetGlobal(t *testing.T) {
	refused := func(variable, why, is string) string {
		return "error 3198 flags 0: Function SET keyring_aws_" + variable + " failed due to: " + why + ".\nset refused, it is '" + is + "'"
	}
	kept := "plugin log 0 Plugin keyring_aws reported: 'The keyring was not reloaded, the keys of the last load stay in use: nobody listens'"
	got := awsPlugin(t, nil, aws, "generate k - AES 32", "set-variable cmk_id -", "set-variable cmk_id ''", "set-variable region ''", "config DIR/a/keyring_aws.cnf unreachable",
		"set-variable cmk_id alias/two", "config DIR/a/keyring_aws.cnf ok", "fetch k -",
		"set-two cmk_id alias/two region eu-west-1", "fetch k -", "set-persist-only alias/three", "fetch k -", "set-variable cmk_id alias/"+strings.Repeat("x", 5000), "deinit")
	expect(t, got, awsOpen("alias/one", "us-east-1"), "init keyring_aws 0", "generate k: 0",
		refused("cmk_id", "it must name a key of AWS KMS", "alias/one"), refused("cmk_id", "it must name a key of AWS KMS", "alias/one"),
		refused("region", "it must name a region of AWS, such as us-east-1", "us-east-1"),
		kept, refused("cmk_id", "nobody listens", "alias/one"), "fetch k: AES 32 bytes ",
		awsOpen("alias/two", "us-east-1"), awsOpen("alias/one", "eu-west-1"), // each by itself
		awsOpen("alias/two", "eu-west-1"), "set done, they are 'alias/two' and 'eu-west-1'", "fetch k: AES 32 bytes ",
		awsOpen("alias/three", "eu-west-1"), "set done, it is 'alias/two'", "fetch k: AES 32 bytes ",
		refused("cmk_id", "the value is too long, or has a NUL byte", "alias/two"), "deinit 0")
}

func TestAWSPluginFunctions(t *testing.T) {
	rotate := []string{"call keyring_aws_rotate_cmk 0", "call keyring_aws_rotate_keys 0"}
	got := awsPlugin(t, nil, slices.Concat([]string{aws, "call keyring_aws_rotate_cmk 1", "call keyring_aws_rotate_keys 2", "set user_has_super 0"}, rotate,
		[]string{"set user_has_super 1", "config DIR/a/keyring_aws.cnf unreachable"}, rotate, []string{"deinit"})...)
	down := func(function string) string {
		return "error 3198 flags 0: Function " + function + " failed due to: nobody listens.\ncall " + function + ": NULL"
	}
	expect(t, got, awsOpen("alias/one", "us-east-1"), "init keyring_aws 0",
		"call keyring_aws_rotate_cmk: refused: keyring_aws_rotate_cmk() takes no argument", "call keyring_aws_rotate_keys: refused: keyring_aws_rotate_keys() takes no argument",
		"error 1227 flags 0: Access denied; you need the SUPER privilege", "call keyring_aws_rotate_cmk: NULL",
		"error 1227 flags 0: Access denied; you need the SUPER privilege", "call keyring_aws_rotate_keys: NULL",
		"plugin log 0 Plugin keyring_aws reported: 'Could not rotate: nobody listens'", down("keyring_aws_rotate_cmk"), down("keyring_aws_rotate_keys"), "deinit 0")
}

func TestAWSPluginUnderSanitizers(t *testing.T) {
	dir := sanitized(t, "keyring_aws", "plugin.c", "plugin_aws.c", "plugin_aws_functions.c")
	long := strings.Repeat("x", 5000)
	got := hostOf(t, dir, nil, "mkdir DIR/a", awsFileA, aws, "store k - AES 0123456789abcdef", "fetch k -", "keys 256", "set-variable cmk_id alias/two", "set-variable region "+long,
		"set-two cmk_id alias/three region eu-west-1", "set-persist-only -", "call keyring_aws_rotate_cmk 0", "call keyring_aws_rotate_keys 0", "call keyring_aws_rotate_keys 1",
		"set user_has_super 0", "call keyring_aws_rotate_cms 0", "deinit", aws, "fetch k -", "deinit", "plugin keyring_aws cmk_id="+long, "deinit")
	if strings.Contains(got, "Sanitizer") || strings.Contains(got, "runtime error") ||
		!strings.HasSuffix(got, "reported: 'keyring_aws_cmk_id: the value is too long, or has a line break.'\ninit keyring_aws 1\ndeinit 0\nend\n") {
		t.Error(got)
	}
}
