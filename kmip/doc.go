// Package kmip is the Key Management Interoperability Protocol, versions 1.0 to
// 1.4, 2.0 and 2.1: messages, objects and attributes as Go values, and their encoding. It is
// importable on its own and knows nothing of databases.
//
// Each operation has a file of its own name here and in kmipclient. A message is
// encoded for one [Version]: a field or attribute newer than that version is left
// out, because a peer of the older version could not read it.
//
// The types are those of 1.x: a 2.x message has attributes in another form, without
// indices and Template-Attributes, and finer result reasons. attribute2.go and
// reasons2.go say how they correspond; Error.Reason2 has what 2.x says.
//
// Specification: OASIS KMIP 1.4; sections are quoted as "KMIP 1.4, 4.11".
package kmip
