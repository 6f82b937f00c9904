// Package kmip is the Key Management Interoperability Protocol, versions 1.0 to
// 1.4: messages, objects and attributes as Go values, and their encoding. It is
// importable on its own and knows nothing of databases.
//
// Each operation has a file of its own name here and in kmipclient. A message is
// encoded for one [Version]: a field or attribute newer than that version is left
// out, because a peer of the older version could not read it.
//
// Specification: OASIS KMIP 1.4; sections are quoted as "KMIP 1.4, 4.11".
package kmip
