package main

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Follow the audit log's chain, and tell the first place where it was tampered with."`
	Show   auditShowCmd   `cmd:"" help:"Print the lines of the audit log that fit."`
}
