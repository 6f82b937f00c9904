package main

// awsCmd is what there is for keyrings whose keys AWS KMS encrypts.
type awsCmd struct {
	Init       awsInitCmd       `cmd:"" help:"Write what a server needs: manifest and component_keyring_kms.cnf, or the files of keyring_aws."`
	RotateKeys awsRotateKeysCmd `cmd:"" help:"Have AWS KMS encrypt every key of a component_keyring_kms file anew."`
}
