package mongod

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/dbkeyring/dbkeyring/awskms"
	"github.com/dbkeyring/dbkeyring/config"
	provider "github.com/dbkeyring/dbkeyring/masterkey/provider/awskms"
)

// awsKMS reads the section awsKms.
func (r *reader) awsKMS(o *Options) {
	a := &provider.Options{}
	faults := len(r.Faults)
	region := ""
	if text, ok := r.required(awsKey, "the KMS key that encrypts the master key: its ID (a UUID), an alias or an ARN"); ok {
		var err error
		if a.KeyID, region, err = awskms.ParseKeyID(text); err != nil {
			r.fault(awsKey, err.Error(), "Set it to a KMS key's ID (a UUID), an alias or an ARN, as the console of AWS KMS shows them.", nil)
		}
	}
	r.with(awsRegion, func(of *config.Reader, title string) { a.AWS.Region = of.AWSRegion(title, r.text(awsRegion)) })
	r.with(awsEndpoint, func(of *config.Reader, title string) { a.AWS.Endpoint = of.AWSEndpoint(title, r.text(awsEndpoint)) })
	a.AWS.Timeout = time.Duration(r.integer(awsTimeout, defaultTimeout, leastTimeout, "milliseconds")) * time.Millisecond
	c := awskms.Credentials{AccessKeyID: r.text(awsID), SecretAccessKey: r.text(awsSecret), SessionToken: r.text(awsToken)}
	switch {
	case c.AccessKeyID != "" && c.SecretAccessKey != "":
		r.with(awsID, func(of *config.Reader, id string) { of.AWSCredentials(id, title(awsSecret), title(awsToken), c) })
		o.credentials = c
	case r.has(awsID) && r.has(awsSecret) && !r.set[awsID].broken && !r.set[awsSecret].broken:
		blank := awsID
		if c.AccessKeyID != "" {
			blank = awsSecret
		}
		r.fault(blank, "it is blank", "Set it, or leave out both "+awsID+" and "+awsSecret+" for the default chain of AWS.", nil)
	}
	rotate := r.boolean(awsRotate, false)
	switch {
	case !r.has(awsKey):
		return
	case !o.Enabled:
		if r.has(enableEncryption) {
			r.warn(enableEncryption, "encryption is off, and the options of "+awsSection+" have no effect")
		}
		return
	case len(r.Faults) > faults:
		return
	}
	r.region(a, region, o.credentials != awskms.Credentials{})
	if c := o.credentials; c != (awskms.Credentials{}) {
		a.AWS.Credentials = func(context.Context) (awskms.Credentials, error) { return c, nil }
	} else {
		r.Note("%s and %s are not set: the credentials are those of the default chain of AWS (environment, shared files, the machine's role)", awsID, awsSecret)
	}
	o.AWSKMS, o.Rotate = a, o.Rotate || rotate
}

// region settles the region: that of a key that is given as an ARN, else the option's,
// else that of the default chain.
func (r *reader) region(a *provider.Options, ofARN string, credentials bool) {
	configured := a.AWS.Region
	if ofARN != "" {
		a.AWS.Region = ofARN
	}
	switch {
	case ofARN != "" && configured != "" && configured != ofARN:
		r.warn(awsRegion, fmt.Sprintf("it is %s, and %s names a key in %s, which is what counts", configured, awsKey, ofARN))
	case ofARN == "" && configured == "" && credentials:
		r.fault(awsKey, "nothing says in which region the key is", "Set "+both(awsRegion)+", such as eu-central-1, or this to the key's ARN, which names it.", nil)
	case ofARN == "" && configured == "":
		r.Note("%s is not set: it is that of the default chain of AWS (AWS_REGION, or the profile's)", title(awsRegion))
	}
}

// awsWords are the names for cures.
func (r *reader) awsWords(o *Options) config.AWSWords {
	w := config.AWSWords{
		Where: r.whereOptionsAre(),
		Key:   both(awsKey), Region: both(awsRegion),
		Credentials: both(awsID) + " and " + both(awsSecret), Owner: "the user of " + both(awsID), SessionToken: both(awsToken),
		Endpoint: config.EndpointWords(both(awsEndpoint), o.AWSKMS.AWS.Endpoint),
		Timeout:  both(awsTimeout), Data: filepath.Join(o.DBPath, "dbkeyring", "keystore"),
	}
	if o.AWSKMS.AWS.Credentials == nil {
		w.Credentials = "the credentials of the default chain of AWS (environment, shared files, the machine's role), or set " + both(awsID) + " and " + both(awsSecret)
		w.Owner, w.SessionToken = "the user or role of the default chain of AWS", "the session token"
	}
	return w
}
