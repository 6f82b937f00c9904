package config

// ManifestName is the file name of a manifest, beside mysqld or, as a local one,
// in the data directory.
const ManifestName = "mysqld.my"

// ManifestGlobal is the documents' manifest beside mysqld that names a component.
func ManifestGlobal(component string) string {
	return "{\n \"read_local_manifest\": false,\n \"components\": \"file://" + component + "\"\n}\n"
}

// ManifestPointer is the one beside mysqld that points to one in the data directory.
const ManifestPointer = "{\n \"read_local_manifest\": true\n}\n"

// ManifestLocal is the one in the data directory.
func ManifestLocal(component string) string {
	return "{\n \"components\": \"file://" + component + "\"\n}\n"
}

// ConfigPointer is a component's configuration file beside its library that points to
// one in the data directory.
const ConfigPointer = "{\n \"read_local_config\": true\n}\n"
